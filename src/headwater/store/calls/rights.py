"""What each call of a store needs, and which may be asked twice."""

from collections.abc import Mapping
from typing import Final

from headwater.model.access import Permission

_READ: Final = {
    "approvals": "requests",
    "artifacts": "by_digests by_external_ids by_uris count find get page",
    "contexts": "by_external_ids count find get page",
    "data": "all by_artifact_ids version versions",
    "executions": "by_external_ids count find get page",
    "ledger": "entries head records",
    "lineage": "path reach walk",
    "links": "artifacts_of_contexts children contexts_of_artifacts contexts_of_executions "
    "events_of_artifacts events_of_executions executions_of_contexts parents",
    "models": "by_artifact_ids count count_versions get newest page page_versions previous_holder "
    "resolve version",
    "releases": "check deployments process verdicts",
    "runs": "by_execution_ids count experiments fields get page values with_prefix",
    "series": "buckets keys last_points latest read sample",
    "types": "all find get",
    "upkeep": "check_schema digests_in_use facts named_bytes removed_runs tombstones",
}
_WRITE: Final = {
    "artifacts": "add update",
    "contexts": "add update",
    "data": "add_version",
    "executions": "add update",
    "links": "add_events add_memberships add_parents publish put",
    "models": "add_version describe register",
    "releases": "add_verdict record_deployment",
    "runs": "heartbeat log log_params mark_lost publish publish_all start update",
    "series": "append merge",
    "types": "put",
}
_DECIDE: Final = {
    "approvals": "decide request vote withdraw",
    "artifacts": "delete restore",
    "contexts": "delete restore",
    "executions": "delete restore",
    "models": "delete deprecate rename restore set_alias transition undeprecate",
    "upkeep": "delete restore",
}
_ADMIN: Final = {
    "access": "add add_token all get grant is_empty remove revoke_token set_password set_role tokens ungrant",
    "lineage": "keep_in_memory release_memory",
    "releases": "set_process",
    "transfer": "claims clashes compare count_properties date reserve take_events take_memberships "
    "take_nodes take_types",
    "upkeep": "check removable remove repair",
    "webhooks": "add all delete get update",
}


def _named(methods: Mapping[str, str], permission: Permission) -> dict[str, Permission]:
    return {f"{part}.{name}": permission for part, names in methods.items() for name in names.split()}


PERMISSIONS: Final[Mapping[str, Permission]] = {
    **_named(_READ, Permission.READ),
    **_named(_WRITE, Permission.WRITE),
    **_named(_DECIDE, Permission.DECIDE),
    **_named(_ADMIN, Permission.ADMIN),
}

NEVER_SERVED: Final = frozenset(
    (
        *(
            f"access.{method}"
            for method in ("begin_sign_in", "by_oidc", "by_token", "credentials", "note_use", "take_sign_in")
        ),
        "webhooks.secret",
    )
)
"""What only a server itself asks its store: secrets' digests and hashes never leave it."""

REPEATABLE: Final = frozenset(
    {
        "artifacts.delete",
        "artifacts.restore",
        "contexts.delete",
        "contexts.restore",
        "data.add_version",
        "executions.delete",
        "executions.restore",
        "lineage.keep_in_memory",
        "lineage.release_memory",
        "links.add_memberships",
        "runs.heartbeat",
        "runs.log_params",
        "runs.start",
        "series.append",
        "series.merge",
        "transfer.claims",
        "transfer.clashes",
        "transfer.compare",
        "transfer.count_properties",
        "transfer.date",
        "transfer.reserve",
        "transfer.take_events",
        "transfer.take_memberships",
        "transfer.take_nodes",
        "transfer.take_types",
        "types.put",
        "upkeep.check",
        "upkeep.removable",
        "upkeep.repair",
    }
)
"""Calls that write and may be sent again when nobody knows whether the first one arrived.

Those that take an idempotency key are beside these, because a client gives them one.
"""
