"""A release process as plain values, as they stand in a TOML file and in the store."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from headwater.errors import InvalidError
from headwater.model.models import ARCHIVED, DEFAULT_STAGES, NO_STAGE, Stages
from headwater.model.release import Policy, ReleaseProcess
from headwater.model.values import Json

_STAGE: Final = re.compile(r"(?!v?[0-9]+\Z)(?!latest\Z)[\w-]{1,128}")
_KEYS: Final = ("transitions", "exclusive", "policies", "roles")
_FLAGS: Final = ("separates_duty", "binds_rollback")
_LISTS: Final = ("requires", "approvers", "promoters")


def process_from(given: Mapping[str, Any]) -> ReleaseProcess:
    """Read a release process; what is not given is as in the default one.

    Args:
        given: `transitions` (stage to a list of stages), `exclusive` (stages), `policies` (stage to
            its settings, named as the fields of `Policy`) and `roles` (role to a list of actors).

    Raises:
        InvalidError: a name or value is wrong, or a policy can never be met.
    """
    _check_keys("a release process", given, _KEYS)
    moves = _table(given, "transitions")
    stages = Stages(
        transitions={s: frozenset(_names(moves, s)) for s in moves} or DEFAULT_STAGES.transitions,
        exclusive=frozenset(_names(given, "exclusive")) if "exclusive" in given else DEFAULT_STAGES.exclusive,
    )
    roles, policies = _table(given, "roles"), _table(given, "policies")
    process = ReleaseProcess(
        stages=stages,
        policies={stage: _policy(stage, _table(policies, stage)) for stage in policies},
        roles={role: frozenset(_names(roles, role)) for role in roles},
    )
    check_process(process)
    return process


def process_values(process: ReleaseProcess) -> dict[str, Json]:
    """Return the values that `process_from` reads."""
    return {
        "transitions": {stage: [*sorted(to)] for stage, to in process.stages.transitions.items()},
        "exclusive": [*sorted(process.stages.exclusive)],
        "policies": {stage: _policy_values(policy) for stage, policy in process.policies.items()},
        "roles": {role: [*sorted(actors)] for role, actors in process.roles.items()},
    }


def check_process(process: ReleaseProcess) -> None:
    """Check that a process makes sense.

    Raises:
        InvalidError: naming the fault.
    """
    stages = process.stages
    known = stages.transitions.keys()
    for stage in known:
        if not _STAGE.fullmatch(stage):
            raise InvalidError(f"stage {stage!r} must have 1 to 128 letters, digits, _ or -, not 'latest'")
    if missing := {NO_STAGE, ARCHIVED} - known:
        raise InvalidError(f"a release process needs none and archived too: {sorted(missing)} is missing")
    named = {*stages.exclusive, *process.policies, *(to for tos in stages.transitions.values() for to in tos)}
    if unknown := named - known:
        raise InvalidError(f"no stage {', '.join(sorted(unknown))}: give it a line under transitions")
    if odd := {NO_STAGE, ARCHIVED} & stages.exclusive:
        raise InvalidError(f"stage {', '.join(sorted(odd))} cannot be exclusive: versions go there to rest")
    for stage, policy in process.policies.items():
        _check_policy(process, stage, policy)


def _check_policy(process: ReleaseProcess, stage: str, policy: Policy) -> None:
    if policy.approvals < 0:
        raise InvalidError(f"{stage}: approvals must be 0 or more, not {policy.approvals}")
    people = process.people(policy.approvers)
    if policy.approvers and len(people) < policy.approvals:
        raise InvalidError(
            f"{stage}: {policy.approvals} approvals are asked for, but only {len(people)} may approve"
        )
    if policy.promoters and not process.people(policy.promoters):
        raise InvalidError(f"{stage}: nobody has the roles {', '.join(sorted(policy.promoters))}")


def _policy(stage: str, given: Mapping[str, Any]) -> Policy:
    _check_keys(f"the policy of {stage}", given, (*_LISTS, *_FLAGS, "approvals"))
    approvals = given.get("approvals", 0)
    if not isinstance(approvals, int) or isinstance(approvals, bool):
        raise InvalidError(f"{stage}: approvals must be a number, not {approvals!r}")
    flags = {name: given.get(name, False) for name in _FLAGS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InvalidError(f"{stage}: {name} must be true or false, not {value!r}")
    return Policy(
        requires=tuple(dict.fromkeys(_names(given, "requires"))),
        approvals=approvals,
        approvers=frozenset(_names(given, "approvers")),
        promoters=frozenset(_names(given, "promoters")),
        **flags,
    )


def _policy_values(policy: Policy) -> dict[str, Json]:
    return {
        "requires": [*policy.requires],
        "approvals": policy.approvals,
        "approvers": [*sorted(policy.approvers)],
        "promoters": [*sorted(policy.promoters)],
        "separates_duty": policy.separates_duty,
        "binds_rollback": policy.binds_rollback,
    }


def _check_keys(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := given.keys() - set(known):
        raise InvalidError(f"{what} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name, {})
    if not isinstance(found, Mapping):
        raise InvalidError(f"{name} must be a table, not {found!r}")
    return cast("Mapping[str, Any]", found)


def _names(given: Mapping[str, Any], name: str) -> list[str]:
    found = given.get(name, [])
    if not isinstance(found, list):
        raise InvalidError(f"{name} must be a list of names, not {found!r}")
    for each in cast("list[object]", found):
        if not isinstance(each, str) or not each:
            raise InvalidError(f"{name} must be a list of names, not {found!r}")
    return cast("list[str]", found)
