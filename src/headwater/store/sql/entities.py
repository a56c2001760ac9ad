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


def artifact_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Artifact:
    """Make an artifact."""
    node, type_, name, external, uri, state, digest, size, created, updated, deleted, revision = row
    return Artifact(
        id=node,
        type_id=type_,
        type_name=type_name,
        name=decode_optional(name),
        external_id=decode_optional(external),
        uri=decode_optional(uri),
        state=_ARTIFACT_STATES[state],
        digest=decode_optional(digest),
        size_bytes=size,
        created_ms=created,
        updated_ms=updated,
        deleted_ms=deleted,
        revision=revision,
        properties=spaces.get(_PROPERTY) or {},
        custom_properties=spaces.get(_CUSTOM) or {},
        params=spaces.get(_PARAM) or {},
        metrics=spaces.get(_METRIC) or {},  # type: ignore[arg-type]
    )


def execution_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Execution:
    """Make an execution."""
    node, type_, name, external, state, created, updated, deleted, revision = row
    return Execution(
        id=node,
        type_id=type_,
        type_name=type_name,
        name=decode_optional(name),
        external_id=decode_optional(external),
        state=_EXECUTION_STATES[state],
        created_ms=created,
        updated_ms=updated,
        deleted_ms=deleted,
        revision=revision,
        properties=spaces.get(_PROPERTY) or {},
        custom_properties=spaces.get(_CUSTOM) or {},
        params=spaces.get(_PARAM) or {},
    )


def context_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Context:
    """Make a context."""
    node, type_, name, external, created, updated, deleted, revision = row
    return Context(
        id=node,
        type_id=type_,
        type_name=type_name,
        name=decode_optional(name),
        external_id=decode_optional(external),
        created_ms=created,
        updated_ms=updated,
        deleted_ms=deleted,
        revision=revision,
        properties=spaces.get(_PROPERTY) or {},
        custom_properties=spaces.get(_CUSTOM) or {},
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
