"""All edges in memory as compressed rows of numpy arrays, for programs that ask about lineage often."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from headwater.errors import InvalidError
from headwater.model.graph import EventType, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, Edge, Reached, Walk
from headwater.provenance.walk import check_walk

Ids = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int8]

MERGE_AT: Final = 50_000
"""New edges are kept apart up to this number, or a tenth of all, before all are laid out anew."""

# A sort key holds a row (3 per node), a neighbour's place and an event type, from high bits to low.
_TYPE_BITS: Final = 3
_PLACE_BITS: Final = 31
_ROW_SHIFT: Final = _TYPE_BITS + _PLACE_BITS
_MAX_ROWS: Final = 1 << (63 - _ROW_SHIFT)
_ROLES: Final = np.array(
    [0 if kind.is_input else 1 if kind.is_output else 2 for kind in sorted(EventType)], np.int64
)
"""For each type of event: input, output, neither."""
_KINDS: Final = (NodeKind.ARTIFACT, NodeKind.EXECUTION)
_OTHER: Final = {NodeKind.ARTIFACT: NodeKind.EXECUTION, NodeKind.EXECUTION: NodeKind.ARTIFACT}


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges as three columns of equal length."""

    executions: Ids
    artifacts: Ids
    types: Kinds

    @classmethod
    def of(cls, rows: Iterable[Edge]) -> "Edges":
        """Build columns from rows."""
        table = np.array([*rows], np.int64).reshape(-1, 3)
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].astype(np.int8))

    @classmethod
    def joined(cls, parts: Sequence["Edges"]) -> "Edges":
        """Put columns one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.executions for part in parts]),
            np.concatenate([part.artifacts for part in parts]),
            np.concatenate([part.types for part in parts]),
        )

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Edges":
        """Keep the chosen rows."""
        return Edges(self.executions[chosen], self.artifacts[chosen], self.types[chosen])

    def rows(self) -> list[Edge]:
        """Return the rows."""
        columns = (self.executions.tolist(), self.artifacts.tolist(), self.types.tolist())
        return list(zip(*columns, strict=True))

    def ends(self, kind: NodeKind) -> Ids:
        """Return the ids of one kind."""
        return self.artifacts if kind is NodeKind.ARTIFACT else self.executions

    def __len__(self) -> int:
        return len(self.types)


NO_EDGES: Final = Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int8))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The edges of all nodes of one kind: by node, then input, output or neither, then neighbour.

    `starts[3 * place + role]` is where a node's edges of a role begin.
    """

    ids: Ids
    starts: npt.NDArray[np.int32]
    neighbours: npt.NDArray[np.int32]
    types: Kinds

    @classmethod
    def of(cls, ids: Ids, places: Ids, neighbours: Ids, types: Kinds) -> "_Rows":
        row_count = 3 * len(ids)
        if max(row_count, len(neighbours)) >= min(_MAX_ROWS, 1 << _PLACE_BITS):
            raise InvalidError("the graph has too many nodes to be kept in memory")
        rows = 3 * places + _ROLES[types]
        # One sort of whole numbers is several times faster than sorting by three columns.
        keys = np.sort((rows << _ROW_SHIFT) | (neighbours << _TYPE_BITS) | types)
        ends = np.cumsum(np.bincount(keys >> _ROW_SHIFT, minlength=row_count))
        return cls(
            ids,
            np.concatenate([np.zeros(1, np.int64), ends]).astype(np.int32),
            ((keys >> _TYPE_BITS) & ((1 << _PLACE_BITS) - 1)).astype(np.int32),
            (keys & ((1 << _TYPE_BITS) - 1)).astype(np.int8),
        )

    def leaving(self, ids: Ids, roles: tuple[int, int]) -> tuple[Ids, npt.NDArray[np.int32], Kinds]:
        """Return node, neighbour's place and type of all edges in a range of roles, by node."""
        if not len(self.ids):
            return ids[:0], self.neighbours, self.types
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        is_known = self.ids[places] == ids
        ids, places = ids[is_known], places[is_known]
        first = self.starts[3 * places + roles[0]].astype(np.int64)
        counts = self.starts[3 * places + roles[1]] - first
        before = np.cumsum(counts) - counts
        where = np.repeat(first - before, counts) + np.arange(int(counts.sum()))
        return np.repeat(ids, counts), self.neighbours[where], self.types[where]


@dataclass(frozen=True, slots=True)
class _Layer:
    """Some edges, laid out in both directions."""

    by_kind: dict[NodeKind, _Rows]

    @classmethod
    def of(cls, edges: Edges) -> "_Layer":
        artifacts, artifact_places = np.unique(edges.artifacts, return_inverse=True)
        executions, execution_places = np.unique(edges.executions, return_inverse=True)
        return cls(
            {
                NodeKind.ARTIFACT: _Rows.of(artifacts, artifact_places, execution_places, edges.types),
                NodeKind.EXECUTION: _Rows.of(executions, execution_places, artifact_places, edges.types),
            }
        )

    def leaving(self, kind: NodeKind, ids: Ids, roles: tuple[int, int]) -> Edges:
        nodes, places, types = self.by_kind[kind].leaving(ids, roles)
        others = self.by_kind[_OTHER[kind]].ids[places]
        return Edges(others, nodes, types) if kind is NodeKind.ARTIFACT else Edges(nodes, others, types)

    def edges(self) -> Edges:
        """Return all edges, in the order of the artifacts."""
        ids = self.by_kind[NodeKind.ARTIFACT].ids
        return self.leaving(NodeKind.ARTIFACT, ids, (0, 3))

    @property
    def size_bytes(self) -> int:
        arrays = [a for r in self.by_kind.values() for a in (r.ids, r.starts, r.neighbours, r.types)]
        return sum(array.nbytes for array in arrays)


class Adjacency:
    """All edges of a graph; it never changes, `extended` gives a new one.

    Args:
        edges: Every edge once.
    """

    def __init__(self, edges: Edges) -> None:
        self._base = _Layer.of(edges)
        self._new = NO_EDGES
        self._layers = [self._base]
        self.count = len(edges)
        """Number of edges."""

    @property
    def size_bytes(self) -> int:
        """Memory that the arrays take."""
        return sum(layer.size_bytes for layer in self._layers)

    def extended(self, edges: Edges) -> "Adjacency":
        """Return an adjacency with more edges; those that are there already change nothing."""
        fresh = self._unknown(edges)
        if not len(fresh):
            return self
        new = Edges.joined([self._new, fresh])
        if len(new) > max(MERGE_AT, self.count // 10):
            return Adjacency(Edges.joined([self._base.edges(), new]))
        larger = object.__new__(Adjacency)
        larger._base, larger._new = self._base, new
        larger._layers = [self._base, _Layer.of(new)]
        larger.count = self.count + len(fresh)
        return larger

    def leaving(self, direction: Direction, kind: NodeKind, ids: Ids) -> Edges:
        """Return the edges through which a walk leaves nodes of one kind; see `event_types`.

        Args:
            direction: Which way the walk goes.
            kind: Kind of the nodes.
            ids: Their ids, in ascending order.
        """
        roles = _roles(direction, kind)
        parts = [layer.leaving(kind, ids, roles) for layer in self._layers]
        return Edges.joined([part for part in parts if len(part)] or [NO_EDGES])

    def reach(self, question: Walk) -> Reached:
        """Find all that can be reached, exactly as `headwater.provenance.walk` does.

        Args:
            question: Where to start, which way, and the limits; `stop_types` are not looked at.

        Raises:
            InvalidError: the walk starts nowhere, or a limit is negative.
        """
        check_walk(question)
        search = _Search(question, self)
        search.run()
        return search.answer()

    def _unknown(self, edges: Edges) -> Edges:
        """Leave out edges that are known, and repetitions."""
        rows = set(edges.rows())
        owners = np.unique(edges.executions)
        for layer in self._layers:
            rows.difference_update(layer.leaving(NodeKind.EXECUTION, owners, (0, 3)).rows())
        return Edges.of(sorted(rows))


def _roles(direction: Direction, kind: NodeKind) -> tuple[int, int]:
    """Return the range of roles through which a walk leaves nodes of a kind."""
    if direction is Direction.BOTH:
        return 0, 3
    is_upstream = direction is Direction.UPSTREAM
    return (1, 2) if is_upstream is (kind is NodeKind.ARTIFACT) else (0, 1)


class _Search:
    """The state of one walk, as in `headwater.provenance.walk`, with edges as columns."""

    def __init__(self, question: Walk, adjacency: Adjacency) -> None:
        self._question, self._adjacency = question, adjacency
        starts: dict[NodeKind, Sequence[int]] = {
            NodeKind.ARTIFACT: question.artifacts,
            NodeKind.EXECUTION: question.executions,
        }
        self._frontier: dict[NodeKind, list[int]] = {kind: sorted(set(starts[kind])) for kind in _KINDS}
        self._hops = {kind: dict.fromkeys(ids, 0) for kind, ids in self._frontier.items()}
        self._left: dict[NodeKind, set[int]] = {kind: set() for kind in _KINDS}
        self._edges: list[Edges] = []
        self._room = question.max_nodes - sum(map(len, self._hops.values()))
        self._is_truncated = False

    def run(self) -> None:
        hops = 0
        while any(self._frontier.values()) and not self._is_truncated:
            hops += 1
            if self._question.max_hops is not None and hops > self._question.max_hops:
                return
            frontier, self._frontier = self._frontier, {kind: [] for kind in _KINDS}
            for kind in _KINDS:
                if frontier[kind]:
                    self._leave(kind, frontier[kind], hops)

    def answer(self) -> Reached:
        edges = Edges.joined(self._edges or [NO_EDGES])
        return Reached(
            artifacts=cast(dict[ArtifactId, int], self._hops[NodeKind.ARTIFACT]),
            executions=cast(dict[ExecutionId, int], self._hops[NodeKind.EXECUTION]),
            edges=tuple(edges.rows()),
            is_truncated=self._is_truncated,
        )

    def _leave(self, kind: NodeKind, ids: list[int], hops: int) -> None:
        other = _OTHER[kind]
        known = self._hops[other]
        edges = self._adjacency.leaving(self._question.direction, kind, np.array(ids, np.int64))
        found = [each for each in _distinct(edges.ends(other)).tolist() if each not in known]
        if len(found) > self._room:
            self._is_truncated = True
            found = found[: max(self._room, 0)]
        self._room -= len(found)
        known.update(dict.fromkeys(found, hops))
        self._frontier[other] += found
        self._keep(edges, kind, ids)

    def _keep(self, edges: Edges, kind: NodeKind, ids: list[int]) -> None:
        """Note edges, except to nodes that were cut off, and to those that noted the same edge when left."""
        other = _OTHER[kind]
        if self._is_truncated:
            edges = edges.where(_are_among(edges.ends(other), self._hops[other]))
        if self._question.direction is Direction.BOTH:
            left = self._left[other]
            self._left[kind].update(ids)
            edges = edges.where(~_are_among(edges.ends(other), left))
        if len(edges):
            self._edges.append(edges)


def _distinct(ids: Ids) -> Ids:
    """Return ids sorted, each once; for some hundreds of them this is thrice as fast as `numpy.unique`."""
    ids = np.sort(ids)
    return ids[np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1))]


def _are_among(ids: Ids, wanted: Any) -> npt.NDArray[np.bool_]:
    return np.fromiter((each in wanted for each in ids.tolist()), np.bool_, len(ids))
