"""Rows of the tables of nodes, in the tables' order of columns, to entities.

Written out field by field: this runs for every node that is read. Looking fields up by name takes a multiple
of the time, and so does the constructor of a frozen dataclass, which sets each one through a function.
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
_new: Final = object.__new__


def opened(entity: type[Any]) -> type[Any]:
    """Return a subclass of a frozen dataclass whose fields can be set.

    Once they are, an instance is turned into one of the entity's own class: both have the same layout.
    """
    # Both, as Python has one slot for them: with one inherited, an entity takes five times as long.
    methods = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(f"Opened{entity.__name__}", (entity,), {"__slots__": (), **methods})


_Artifact: Final = opened(Artifact)
_Execution: Final = opened(Execution)
_Context: Final = opened(Context)
_Run: Final = opened(Run)


def artifact_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Artifact:
    """Make an artifact."""
    made = _new(_Artifact)
    made.id, made.type_id, name, external, uri, state, digest, made.size_bytes, *times = row
    made.created_ms, made.updated_ms, made.deleted_ms, made.revision = times
    made.type_name, made.name, made.external_id = type_name, decode_optional(name), decode_optional(external)
    made.uri, made.state, made.digest = decode_optional(uri), _ARTIFACT_STATES[state], decode_optional(digest)
    made.properties, made.custom_properties = spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}
    made.params, made.metrics = spaces.get(_PARAM) or {}, spaces.get(_METRIC) or {}
    made.removed_ms = None
    made.__class__ = Artifact
    return made


def execution_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Execution:
    """Make an execution."""
    made = _new(_Execution)
    made.id, made.type_id, name, external, state, *times = row
    made.created_ms, made.updated_ms, made.deleted_ms, made.revision = times
    made.type_name, made.name, made.external_id = type_name, decode_optional(name), decode_optional(external)
    made.properties, made.custom_properties = spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}
    made.params, made.state = spaces.get(_PARAM) or {}, _EXECUTION_STATES[state]
    made.removed_ms = None
    made.__class__ = Execution
    return made


def context_of(row: Sequence[Any], type_name: str, spaces: Spaces) -> Context:
    """Make a context."""
    made = _new(_Context)
    made.id, made.type_id, name, external, *times = row
    made.created_ms, made.updated_ms, made.deleted_ms, made.revision = times
    made.type_name, made.name, made.external_id = type_name, decode_optional(name), decode_optional(external)
    made.properties, made.custom_properties = spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}
    made.removed_ms = None
    made.__class__ = Context
    return made


def run_of(row: Sequence[Any], spaces: Spaces, metrics: Mapping[str, LatestMetric]) -> Run:
    """Make a run of its own row, the name of its experiment, and what of its execution is not its own."""
    made = _new(_Run)
    made.id, made.run_id, made.experiment_id, name, status, made.start_ms, made.end_ms, *others = row
    user, host, made.parent_id, made.heartbeat_ms, error, of, made.deleted_ms, made.revision = others
    made.experiment, made.name, made.status = decode(of), decode_optional(name), _RUN_STATUSES[status]
    made.user, made.host, made.error = decode_optional(user), decode_optional(host), decode_optional(error)
    made.properties, made.tags = spaces.get(_PROPERTY) or {}, spaces.get(_CUSTOM) or {}
    made.params, made.metrics = spaces.get(_PARAM) or {}, metrics
    made.__class__ = Run
    return made


ENTITIES: Final[Mapping[NodeKind, EntityOf]] = {
    NodeKind.ARTIFACT: artifact_of,
    NodeKind.EXECUTION: execution_of,
    NodeKind.CONTEXT: context_of,
}
