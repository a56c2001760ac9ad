"""The history of one thing, as far as histories are compared: what it was made from, by what, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from headwater.model.graph import Artifact, Event, Execution, NodeKind, NodeRef
from headwater.model.lineage import LineageGraph
from headwater.model.values import Json, Properties, PropertyValue

Columns: TypeAlias = tuple[tuple[str, str], ...]
"""Name and type of each column, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """An artifact in a history.

    Attributes:
        id: Its artifact.
        ref: Its reference.
        name: What all versions of the same thing share, such as the name of a data set.
        kind: `data`, `model` or `artifact`.
        columns: None where it has no columns, or they were not recorded.
        stored_digest: Digest under which the blob store has its bytes, where it does.
        source: Where it came from, in words or as an address.
        hops: How far up it stands.
    """

    id: int
    ref: str
    name: str
    kind: str
    digest: str | None = None
    row_count: int | None = None
    columns: Columns | None = None
    stored_digest: str | None = None
    source: str | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An execution in a history.

    Attributes:
        id: The execution.
        ref: Its reference.
        name: What steps of one kind share: the experiment, else the type.
        label: The name of this one, such as the month that it was for.
        captured: What it found out by itself; see `headwater.model.builtin.RUN`.
        metrics: Newest value of each.
        packages: Versions of the installed packages by name; None where that is not known.
        patch: Digest of the uncommitted change of each file; None where that is not known.
        hops: How far up it stands.
    """

    id: int
    ref: str
    name: str
    label: str | None = None
    params: Properties = field(default_factory=dict[str, PropertyValue])
    captured: Properties = field(default_factory=dict[str, PropertyValue])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    packages: Mapping[str, str] | None = None
    patch: Mapping[str, str] | None = None
    hops: int = 1

    @property
    def commit(self) -> str | None:
        """The commit that it ran from."""
        commit = self.captured.get("git_commit")
        return commit if isinstance(commit, str) else None

    @property
    def arguments(self) -> list[str]:
        """What its program was given; values that looked secret stand as `***`."""
        given = self.captured.get("arguments")
        return [str(each) for each in given] if isinstance(given, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where one thing comes from.

    Attributes:
        ref: Its reference.
        subject: What it is; None for an execution.
        materials: What it was made from, nearest first.
        maker: The execution that made it, or that it is.
        steps: All other executions upstream, nearest first.
        signature: Columns of a model by `inputs` and `outputs`; None where that is not recorded.
        format: How a model is stored; empty where that is not recorded.
        is_truncated: There is more than was read.
    """

    ref: str
    subject: Material | None = None
    materials: Sequence[Material] = ()
    maker: Step | None = None
    steps: Sequence[Step] = ()
    params: Properties = field(default_factory=dict[str, PropertyValue])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    signature: Mapping[str, Columns] | None = None
    format: Mapping[str, Json] = field(default_factory=dict[str, Json])
    is_truncated: bool = False


def maker_of(graph: LineageGraph, start: NodeRef, *, preferred: int | None = None) -> Execution | None:
    """Return the execution that made what a walk upstream began with, or that it began with.

    Args:
        graph: What the walk found.
        start: Where it began.
        preferred: The execution that a version names as its maker.

    Returns:
        Of several that made the same artifact the preferred one, else the one with the smallest id:
        the first to make it. None where none is recorded.
    """
    kind, node_id = start
    executions: dict[int, Execution] = {execution.id: execution for execution in graph.executions}
    if kind is NodeKind.EXECUTION:
        return executions.get(node_id)
    makers = [
        event.execution_id
        for event in graph.events
        if event.artifact_id == node_id and event.type.is_output and event.execution_id in executions
    ]
    if not makers:
        return None
    return executions[preferred if preferred is not None and preferred in makers else min(makers)]


def history_of(
    graph: LineageGraph,
    start: NodeRef,
    ref: str,
    *,
    materials: Mapping[int, Material],
    steps: Mapping[int, Step],
    maker: Step | None,
    params: Properties | None = None,
    metrics: Mapping[str, float] | None = None,
    properties: Properties | None = None,
) -> History:
    """Put a history together.

    Args:
        graph: What a walk upstream found.
        start: Where it began.
        ref: Reference of that.
        materials: What is known of the artifacts, by id.
        steps: What is known of the executions, by id.
        maker: The execution that made it.
        params: Hyperparameters that a model version keeps itself; else its maker's.
        metrics: Numbers that a model version keeps itself; they go before its maker's.
        properties: Those of a model: its signature and format.
    """
    kind, node_id = start
    is_artifact = kind is NodeKind.ARTIFACT
    known = [materials[artifact.id] for artifact in graph.artifacts if artifact.id in materials]
    ran = [steps[execution.id] for execution in graph.executions if execution.id in steps]
    measured = dict(maker.metrics if maker else {}) | dict(metrics or {})
    own = properties or {}
    return History(
        ref=ref,
        subject=materials.get(node_id) if is_artifact else None,
        materials=tuple(m for m in known if not (is_artifact and m.id == node_id)),
        maker=maker,
        steps=tuple(step for step in ran if maker is None or step.id != maker.id),
        params=params or (maker.params if maker else {}),
        metrics=measured,
        signature=signature_columns(own.get("signature")),
        format=_format(own),
        is_truncated=graph.is_truncated,
    )


def columns_of(schema: object) -> Columns | None:
    """Read a recorded schema, a list of `{"name", "dtype"}`; None when it is not one.

    Example:
        >>> columns_of([{"name": "late", "dtype": "int64"}])
        (('late', 'int64'),)
    """
    if not isinstance(schema, list):
        return None
    entries = cast("list[object]", schema)
    return tuple(_column(cast("dict[str, object]", entry)) for entry in entries if isinstance(entry, dict))


def signature_columns(signature: object) -> dict[str, Columns] | None:
    """Read a recorded signature; None when there is none."""
    if not isinstance(signature, dict):
        return None
    sides = cast("dict[str, object]", signature)
    return {side: columns for side, schema in sides.items() if (columns := columns_of(schema)) is not None}


def inputs_of(graph: LineageGraph, execution_id: int) -> list[Event]:
    """Return the events by which an execution read something."""
    return [e for e in graph.events if e.execution_id == execution_id and e.type.is_input]


def shared_name(artifact: Artifact) -> str:
    """Return what artifacts of the same purpose share: the name, without the run that made it.

    Example:
        `runs/0a1b…/report.html#2` is `report.html`.
    """
    name = artifact.name or artifact.uri or artifact.type_name
    parts = name.split("/", 2)
    own = parts[2] if parts[0] == "runs" and len(parts) == 3 else name
    return own.partition("#")[0] or own


def _column(entry: Mapping[str, object]) -> tuple[str, str]:
    shape = entry.get("shape")
    return str(entry.get("name")), str(entry.get("dtype")) + (f" {shape}" if shape else "")


def _format(properties: Properties) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in ("format", "is_safe", "facts"):
        value = properties.get(name)
        if isinstance(value, dict):
            found |= value
        elif isinstance(value, str | bool):
            found[name] = value
    return found
