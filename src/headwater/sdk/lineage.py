"""Lineage of one thing, as its users ask for it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from headwater.model.graph import NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Walk
from headwater.model.protocols import Store
from headwater.model.refs import parse_ref
from headwater.sdk.answers import Answer, Route
from headwater.sdk.naming import names_of, start_of
from headwater.sdk.sources import Sources

# What compares and judges is loaded when it is asked for: `import headwater` should not wait for it.
if TYPE_CHECKING:
    from headwater.provenance.card import Card
    from headwater.provenance.difference import Difference
    from headwater.provenance.impact import Impact
    from headwater.provenance.kit import Kit
    from headwater.provenance.missing import Missing


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where one thing comes from and what came of it."""

    sources: Sources
    ref: str
    start: NodeRef

    @classmethod
    def of(cls, sources: Sources, ref: str) -> Self:
        """Find what a reference names.

        Raises:
            InvalidError: it names no artifact or execution.
            NotFoundError: there is no such thing.
        """
        return cls(sources, ref, start_of(sources.store, parse_ref(ref)))

    def upstream(self, max_hops: int | None = None) -> Answer:
        """Return what it was made from; one hop goes from an artifact to an execution or back."""
        return self._walk(Direction.UPSTREAM, max_hops)

    def downstream(self, max_hops: int | None = None) -> Answer:
        """Return what came of it."""
        return self._walk(Direction.DOWNSTREAM, max_hops)

    def connected(self, max_hops: int | None = None) -> Answer:
        """Return all that it is connected with, both ways at every step."""
        return self._walk(Direction.BOTH, max_hops)

    def path(self, to: str) -> Route | None:
        """Return a shortest path to something else, up or down, with the number of others; or None."""
        from headwater.sdk.impacts import count_between

        store, end = self.store, start_of(self.store, parse_ref(to))
        found = store.lineage.path(self.start, end)
        if found is None:
            return None
        names, counts = names_of(store, found), count_between(store, self.start, end, found)
        return Route(
            found,
            Direction.BOTH,
            names,
            counts.shortest if counts else None,
            counts.all if counts else None,
        )

    def impact(self) -> "Impact":
        """Return everything that came from it, versions in production first."""
        from headwater.sdk.impacts import read_impact

        return read_impact(self.store, self.start)

    def diff(self, other: str, *, rows: bool = False) -> "Difference":
        """Return what differs between the history of this and that of another thing, which comes after it.

        Data versions with their rows and columns, commits with the files between them (where the
        repository at hand has both), uncommitted changes, params, packages, Python, machine, threads,
        random states, signature, format, metrics, and the steps before.

        Args:
            other: Reference of the other thing: a model or data version, a run, an artifact …
            rows: Count the rows that differ, too; reads both tables where the blob store has them.

        Raises:
            InvalidError, NotFoundError: as in `headwater.lineage`.
            MissingDependencyError: rows are to be counted, and no library reads the tables.
        """
        from headwater.provenance.comparing import compare
        from headwater.sdk.histories import evidence_for, read_history

        sources = self.sources
        before = read_history(sources, self.start).history
        after = read_history(sources, start_of(self.store, parse_ref(other))).history
        return compare(before, after, evidence_for(sources, before, after, rows=rows))

    def missing(self) -> "Missing":
        """Return what its record lacks, with a score and the calls that would have recorded it.

        See `headwater.provenance.completeness.missing_of` for what is looked for and how the score is made.
        """
        from headwater.sdk.histories import read_history
        from headwater.sdk.records import read_missing

        return read_missing(self.sources, read_history(self.sources, self.start))

    def card(self) -> "Card":
        """Return a model version explained out of its record: a model card, as Markdown or in a notebook.

        What it is, where it comes from, how good it is, who decided, where it runs, and what is not known.

        Raises:
            InvalidError: it is no version of a model.
        """
        from headwater.sdk.cards import read_card
        from headwater.sdk.histories import read_history

        return read_card(self.sources, read_history(self.sources, self.start))

    def unpack(self, folder: str | os.PathLike[str]) -> "Kit":
        """Lay out in a folder what it takes to make this again, with a `REBUILD.md` that says how.

        Code at its commit with the changes that were not committed, from the repository at hand; the
        packages as `requirements.txt`; params; and the bytes of what the run read, verified. What cannot be
        had is said, and the rest laid out all the same.

        Args:
            folder: A new or an empty folder.

        Raises:
            InvalidError: nothing tells what made it.
            ConflictError: the folder is there and not empty.
            UnavailableError: the bytes cannot be reached.
        """
        from headwater.sdk.histories import read_history
        from headwater.sdk.unpacking import unpack

        return unpack(self.sources, read_history(self.sources, self.start), Path(folder))

    @property
    def store(self) -> Store:
        """The store that is asked."""
        return self.sources.store

    def _walk(self, direction: Direction, max_hops: int | None) -> Answer:
        kind, node_id = self.start
        is_artifact = kind is NodeKind.ARTIFACT
        question = Walk(
            artifacts=(ArtifactId(node_id),) if is_artifact else (),
            executions=() if is_artifact else (ExecutionId(node_id),),
            direction=direction,
            max_hops=max_hops,
        )
        return self._answer(self.store.lineage.walk(question), direction)

    def _answer(self, graph: LineageGraph, direction: Direction) -> Answer:
        return Answer(graph, direction, names_of(self.store, graph))
