"""What a call of the store is about, for those who may do more with some models, experiments or data sets."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, cast

from headwater.model.access import Identity, Permission, SubjectKind, subject
from headwater.model.data import NewDataVersion
from headwater.model.graph import ExecutionChange, Publication
from headwater.model.ids import ExecutionId
from headwater.model.models import NewVersion
from headwater.model.protocols import Store
from headwater.model.runs import NewRun, RunChange, RunPublication
from headwater.model.series import SeriesBatch
from headwater.store.calls import Call

_PARTS: Final[Mapping[str, SubjectKind]] = {
    "models": "models",
    "releases": "models",
    "approvals": "models",
    "data": "data",
}
_FOR_ANYBODY: Final = frozenset({"types.put", "runs.mark_lost", "upkeep.check_schema"})
"""Calls that every program makes, and that take nothing away from anybody: any grant is enough for them."""


def require(identity: Identity, call: Call, arguments: Mapping[str, Any], store: Store) -> None:
    """Check that somebody may make a call: everywhere, or on all that it is about.

    Raises:
        ForbiddenError, UnauthenticatedError: they may not.
    """
    if identity.allows(call.permission):
        return
    is_anybodys = call.name in _FOR_ANYBODY
    if is_anybodys and any(identity.allows(call.permission, g.subject) for g in identity.grants):
        return
    about = list(_subjects(call, arguments, store)) or [None]
    for each in about:
        identity.require(call.permission, each)
    for value in arguments.values():
        if isinstance(value, NewVersion):
            require_made_of(identity, value, store)


def require_made_of(identity: Identity, new: NewVersion, store: Store) -> None:
    """Check that somebody may read what a new version is made of: a run, and an artifact that a run made.

    Raises:
        ForbiddenError, UnauthenticatedError: they may not.
    """
    makers = [] if new.execution_id is None else [new.execution_id]
    if new.artifact_id is not None:
        made = store.links.events_of_artifacts([new.artifact_id], are_outputs=True)
        # What no run has made is nobody's: only a role reads it.
        makers += [event.execution_id for event in made] or [ExecutionId(0)]
    if identity.allows(Permission.READ) or not makers:
        return
    for each in list(_experiments(store, makers)) or [None]:
        identity.require(Permission.READ, each)


def signed(identity: Identity, call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Put who calls in the place of whom the call says: nobody decides in another's name."""
    # A call that reads asks for the decisions of an actor, whoever that is.
    names_caller = call.permission is not Permission.READ
    return {
        name: identity.actor(value) if name == "actor" and names_caller else _signed(identity, value)
        for name, value in arguments.items()
    }


def _signed(identity: Identity, value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type) and "actor" in {f.name for f in fields(value)}:
        return replace(value, actor=identity.actor(value.actor))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType, reportCallIssue]
    return value


def _subjects(call: Call, arguments: Mapping[str, Any], store: Store) -> Iterator[str]:
    kind = _PARTS.get(call.name.partition(".")[0])
    for name, value in arguments.items():
        match value:
            case str() if kind and name in {"name", "new_name", "model"}:
                yield subject(kind, value)
            case NewDataVersion():
                yield subject("data", value.name)
            case [RunPublication(), *_]:
                publications = cast("list[RunPublication]", value)
                for each in publications:
                    if isinstance(each.run, NewRun):
                        yield subject("experiments", each.run.experiment)
                yield from _experiments(store, list(_executions(call, name, publications)))
            case NewRun(experiment=name) | RunPublication(run=NewRun(experiment=name)):
                yield subject("experiments", name)
            case _ if kind and isinstance(model := getattr(value, "model", None), str):
                yield subject(kind, model)
            case _:
                yield from _experiments(store, list(_executions(call, name, value)))


def _executions(call: Call, name: str, value: Any) -> Iterator[ExecutionId]:
    """Yield the executions that an argument changes."""
    match value:
        case RunChange() | ExecutionChange():
            yield value.id
        case Publication(execution=ExecutionChange() as change) | RunPublication(run=RunChange() as change):
            yield change.id
        case SeriesBatch():
            yield value.execution_id
        case list() | tuple():
            for each in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _executions(call, name, each)
        case int() if call.name == "runs.log_params" or (call.name, name) == ("runs.heartbeat", "runs"):
            yield ExecutionId(value)
        case _:
            return


def _experiments(store: Store, ids: list[ExecutionId]) -> Iterator[str]:
    wanted = sorted(set(ids))
    runs = store.runs.by_execution_ids(wanted) if wanted else []
    if len(runs) == len(wanted):
        yield from sorted({subject("experiments", run.experiment) for run in runs})
