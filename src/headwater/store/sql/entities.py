"""Rows of the tables of nodes, in the tables' order of columns, to entities.

Written out field by field: this runs for every node that is read, and a loop over the names of columns
takes twice as long.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from headwater.model.graph import Artifact, ArtifactState, Context, Execution, ExecutionState, NodeKind
from headwater.model.runs import Run, RunStatus
from headwater.model.series import LatestMetric
from headwater.store.sql.properties import Spaces
from headwater.store.sql.text import decode, decode_optional
from headwater.store.sql.values import Space

EntityOf = Callable[[Sequence[Any], str, Spaces], Any]
"""Makes an entity of a row, the name of its type, and its properties."""

_ARTIFACT_STATES: Final = {None: None, **{int(state): state for state in ArtifactState}}
_EXECUTION_STATES: Final = {None: None, **{int(state): state for state in ExecutionState}}
_RUN_STATUSES: Final = {int(status): status for status in RunStatus}
_PROPERTY, _CUSTOM, _PARAM, _METRIC = Space.PROPERTY, Space.CUSTOM, Space.PARAM, Space.METRIC
_COMMON: Final = (
    *("id", "type_id", "type_name", "name", "external_id", "created_ms", "updated_ms", "deleted_ms"),
    *("removed_ms", "revision", "properties", "custom_properties"),
)
_ARTIFACT: Final = (*_COMMON, "params", "uri", "state", "digest", "size_bytes", "metrics")
_EXECUTION: Final = (*_COMMON, "params", "state")


def maker(entity: type[Any], names: Sequence[str]) -> Callable[..., Any]:
    """Return what makes an entity of the values of these fields, all that it has.

    The constructor of a frozen dataclass looks up `object.__setattr__` for each field: twice the time.
    """
    setters = [getattr(entity, name).__set__ for name in names]
    new = object.__new__

    def make(*values: Any) -> Any:
        made = new(entity)
        for fill, value in zip(setters, values, strict=True):
            fill(made, value)
        return made

    return make


_make_artifact: Final = maker(Artifact, _ARTIFACT)
_make_execution: Final = maker(Execution, _EXECUTION)
_make_context: Final = maker(Context, _COMMON)


def artifact_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Artifact:
    """Make an artifact."""
    node, type_, name, external, uri, state, digest, size, created, updated, deleted, revision = row
    return _make_artifact(
        *(node, type_, type_name, decode_optional(name), decode_optional(external)),
        *(created, updated, deleted, None, revision),
        *(spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}, spaces.get(_PARAM) or {}),
        *(decode_optional(uri), _ARTIFACT_STATES[state], decode_optional(digest), size),
        spaces.get(_METRIC) or {},
    )


def execution_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Execution:
    """Make an execution."""
    node, type_, name, external, state, created, updated, deleted, revision = row
    return _make_execution(
        *(node, type_, type_name, decode_optional(name), decode_optional(external)),
        *(created, updated, deleted, None, revision),
        *(spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}, spaces.get(_PARAM) or {}),
        _EXECUTION_STATES[state],
    )


def context_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Context:
    """Make a context."""
    node, type_, name, external, created, updated, deleted, revision = row
    return _make_context(
        *(node, type_, type_name, decode_optional(name), decode_optional(external)),
        *(created, updated, deleted, None, revision),
        *(spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}),
    )


def run_of(row: Sequence[Any], found: Execution, metrics: Mapping[str, LatestMetric]) -> Run:
    """Make a run of its own row and the execution that it is."""
    _, run_id, experiment_id, name, status, start_ms, end_ms, user, host, parent_id, beat_ms, error, of = row
    return Run(
        id=found.id,
        run_id=run_id,
        experiment_id=experiment_id,
        experiment=decode(of),
        name=decode_optional(name),
        status=_RUN_STATUSES[status],
        start_ms=start_ms,
        end_ms=end_ms,
        user=decode_optional(user),
        host=decode_optional(host),
        parent_id=parent_id,
        heartbeat_ms=beat_ms,
        error=decode_optional(error),
        deleted_ms=found.deleted_ms,
        revision=found.revision,
        properties=found.properties,
        params=found.params,
        tags=found.custom_properties,
        metrics=metrics,
    )


ENTITIES: Final[Mapping[NodeKind, EntityOf]] = {
    NodeKind.ARTIFACT: artifact_of,
    NodeKind.EXECUTION: execution_of,
    NodeKind.CONTEXT: context_of,
}
