"""The answer of a lineage question: a small graph as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from headwater.model.graph import Artifact, Event, Execution
from headwater.model.ids import ArtifactId, ExecutionId


class Direction(Enum):
    """Which way to walk."""

    UPSTREAM = "upstream"
    """What it was made from: output events to executions, input events to artifacts."""
    DOWNSTREAM = "downstream"
    """What came of it."""
    BOTH = "both"
    """Every edge, both ways: all that is connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A lineage question.

    One hop goes from an artifact to an execution or back, as in MLMD.

    Attributes:
        artifacts, executions: Where to start; at least one node.
        max_hops: None walks to the end.
        max_nodes: Stop after about this many nodes and mark the answer truncated.
        stop_types: Names of types whose nodes are part of the answer but are not walked through.
    """

    artifacts: tuple[ArtifactId, ...] = ()
    executions: tuple[ExecutionId, ...] = ()
    direction: Direction = Direction.UPSTREAM
    max_hops: int | None = None
    max_nodes: int = 100_000
    stop_types: frozenset[str] = frozenset()


Edge: TypeAlias = tuple[int, int, int]
"""An event in short: execution id, artifact id, and the number of its `EventType`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Ids that a walk found, by the fewest hops to each and then id; the starting nodes have 0.

    `edges` are all events that were walked, each once, in the order of the walk.
    """

    artifacts: Mapping[ArtifactId, int] = field(default_factory=dict[ArtifactId, int])
    executions: Mapping[ExecutionId, int] = field(default_factory=dict[ExecutionId, int])
    edges: tuple[Edge, ...] = ()
    is_truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGraph:
    """The nodes and edges that a walk found, nodes by hops and then id.

    `hops` are aligned with the nodes; `events` come by (execution, artifact, type).
    """

    artifacts: tuple[Artifact, ...] = ()
    executions: tuple[Execution, ...] = ()
    artifact_hops: tuple[int, ...] = ()
    execution_hops: tuple[int, ...] = ()
    events: tuple[Event, ...] = ()
    is_truncated: bool = False
