"""Delivery: one batch of the journal into the store, in a way that may be repeated."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from headwater.errors import HeadwaterError, NotFoundError, StaleWriteError, UnavailableError
from headwater.model.graph import Execution, ExecutionChange
from headwater.model.ids import ExecutionId
from headwater.model.protocols import Store
from headwater.model.runs import RunChange
from headwater.model.series import Points, SeriesBatch
from headwater.model.values import Properties, PropertyValue
from headwater.tracking.buffer import Contents
from headwater.tracking.records import RunEntry, RunOp

_TRIES: Final = 5
"""How often tags are looked at again when others change the run at the same time."""
_LOG: Final = logging.getLogger("headwater.tracking")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that the store will never take, however often it is sent."""

    what: str
    error: HeadwaterError

    def __str__(self) -> str:
        return f"{self.what}: {self.error}"


def execution_id(store: Store, entry: RunEntry) -> ExecutionId:
    """Return the execution that a run is, after starting the run if the store does not have it.

    Raises:
        NotFoundError: the store had the run once and has it no more.
    """
    if entry.execution_id is None:
        if found := store.runs.get([entry.run_id]):
            entry.execution_id = found[0].id
        elif entry.new is None:
            raise NotFoundError("run", entry.run_id)
        else:
            parents = store.runs.get([entry.parent]) if entry.parent else []
            parent_id = parents[0].id if parents else entry.new.parent_id
            entry.execution_id = store.runs.start(replace(entry.new, parent_id=parent_id)).id
        entry.new = None
    return entry.execution_id


def attach(store: Store, execution: ExecutionId, properties: Properties) -> None:
    """Write captured facts to a run, as properties of its type."""
    store.executions.update([ExecutionChange(id=execution, properties=properties)])


class Delivery:
    """Sends the contents of one batch.

    Everything in it may be sent again after a crash: a run is started once, a
    param keeps its value, and the store takes each batch of points once.

    Args:
        store: Where to.
        runs: Runs by the number that the batch knows them under.
        writer: Whose batch it is.
        batch: Its number.
    """

    def __init__(self, store: Store, runs: Mapping[int, RunEntry], writer: int, batch: int) -> None:
        self._store, self._runs, self._writer, self._batch = store, runs, writer, batch
        self._ids: dict[int, ExecutionId] = {}
        self.refusals: list[Refusal] = []

    def send(self, contents: Contents) -> list[Refusal]:
        """Send a batch.

        Returns:
            What the store refused; all else is stored.

        Raises:
            UnavailableError: the store cannot be reached; send the batch again later.
        """
        for run in contents.runs:
            self._attempt(self._name(run), lambda run=run: self._find(run))
        for op in contents.ops:
            if op.run in self._ids:
                self._apply(op)
        self._append([b for (run, key), p in contents.points.items() if (b := self._series(run, key, p))])
        for op in contents.ops:
            if op.end and op.run in self._ids:
                self._attempt(f"end of {self._name(op.run)}", lambda op=op: self._end(op))
        return self.refusals

    def _find(self, run: int) -> None:
        self._ids[run] = execution_id(self._store, self._runs[run])

    def _series(self, run: int, key: str, points: Points) -> SeriesBatch | None:
        if run not in self._ids:
            return None
        return SeriesBatch(
            execution_id=self._ids[run], key=key, writer=self._writer, batch=self._batch, points=points
        )

    def _append(self, batches: list[SeriesBatch]) -> None:
        if not batches:
            return
        try:
            self._store.series.append(batches)
        except UnavailableError:
            raise
        except HeadwaterError as error:
            if len(batches) == 1:
                self.refusals.append(Refusal(f"metric {batches[0].key!r}", error))
                return
            # One of them spoils it for all: find out which.
            for batch in batches:
                self._append([batch])

    def _apply(self, op: RunOp) -> None:
        run, name = self._ids[op.run], self._name(op.run)
        if params := op.params:
            self._attempt(f"params of {name}", lambda: self._store.runs.log_params(run, params))
        if tags := op.tags:
            self._attempt(f"tags of {name}", lambda: self._set_tags(run, op, tags))
        if properties := op.properties:
            self._attempt(f"captured facts of {name}", lambda: attach(self._store, run, properties))

    def _set_tags(self, run: ExecutionId, op: RunOp, tags: Mapping[str, PropertyValue | None]) -> None:
        """Set tags that waited in the journal, save those that another program has set since."""
        for _ in range(_TRIES):
            (stored,) = self._store.executions.get([run])
            chosen = _still_ours(stored, op, tags)
            if left := tags.keys() - chosen.keys():
                _LOG.warning("%s: newer tags of another program stay: %s", self._name(op.run), sorted(left))
            change = RunChange(id=run, tags=chosen, expect_revision=stored.revision)
            try:
                if chosen:
                    self._store.runs.update(change)
            except StaleWriteError:
                continue
            return
        raise UnavailableError(f"{self._name(op.run)} is being changed all the time")

    def _end(self, op: RunOp) -> None:
        assert op.end
        self._store.runs.update(
            RunChange(id=self._ids[op.run], status=op.end.status, end_ms=op.end.end_ms, error=op.end.error)
        )

    def _attempt(self, what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except UnavailableError:
            raise
        except HeadwaterError as error:
            self.refusals.append(Refusal(what, error))

    def _name(self, run: int) -> str:
        return f"run {self._runs[run].run_id}"


def _still_ours(
    stored: Execution, op: RunOp, tags: Mapping[str, PropertyValue | None]
) -> dict[str, PropertyValue | None]:
    """Return the tags that nobody else has set since this process did.

    A tag has no time of its own. Nobody else has set it if the run did not change since, or if the tag
    still has the value that this process knew; a tag that it did not know must not be there.
    """
    if op.time_ms is None or stored.updated_ms <= op.time_ms:
        return dict(tags)
    before, now = op.tags_before or {}, stored.custom_properties
    return {key: value for key, value in tags.items() if now.get(key) in (before.get(key), value)}
