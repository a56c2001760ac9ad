"""Sync: send what dead processes logged and the store never got."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headwater.errors import CorruptError, UnavailableError
from headwater.model.blobs import is_digest
from headwater.model.protocols import Store
from headwater.tracking.buffer import Contents, collect
from headwater.tracking.delivery import Delivery, Refusal
from headwater.tracking.journal import Journal, lock_path
from headwater.tracking.journal_files import writers
from headwater.tracking.journal_lock import JournalLock
from headwater.tracking.records import (
    Checkpoint,
    Header,
    PointsRecord,
    Record,
    RunEntry,
    RunOp,
    RunRecord,
    Seal,
    SeriesRecord,
    decode,
    frames,
    is_mark,
)
from headwater.tracking.settings import TrackingSettings

_LOG: Final = logging.getLogger("headwater.tracking")


@dataclass(slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        journals: Journals of dead processes that were sent.
        points: Points in the batches that were sent; the store had some of them, perhaps.
        refusals: What the store will never take; the files are kept in the folder `refused`.
    """

    journals: int = 0
    points: int = 0
    refusals: list[Refusal] = field(default_factory=list[Refusal])


def adopt_journals(folder: Path, store: Store, settings: TrackingSettings) -> SyncReport:
    """Send what the journals of dead processes hold, under the names that they would have used.

    Journals of living processes are left alone.

    Raises:
        UnavailableError: the store cannot be reached; the journals stay.
    """
    report = SyncReport()
    for writer in writers(folder):
        if journal := Journal.adopt(folder, writer, settings):
            _adopt(journal, store, report)
    return report


def count_waiting(folder: Path) -> int:
    """Return how many journals of dead processes wait to be sent."""
    count = 0
    for writer in writers(folder):
        if lock := JournalLock.take(lock_path(folder, writer)):
            lock.release()
            count += 1
    return count


def digests_waiting(folder: Path) -> set[str]:
    """Return the digests that journals name, those of living processes too: the store may lack them."""
    found: set[str] = set()
    for path in folder.glob("*.log"):
        with suppress(FileNotFoundError):
            for _, payload in frames(path.read_bytes()):
                record = None if is_mark(payload) else decode(payload)
                values = record.properties.values() if isinstance(record, RunOp) and record.properties else ()
                found |= {v for v in values if isinstance(v, str) and is_digest(v)}
    return found


def _adopt(journal: Journal, store: Store, report: SyncReport) -> None:
    is_done = False
    try:
        _Replay(journal, store, report).send()
        is_done = True
    except CorruptError as error:
        kept = journal.keep_all_refused()
        report.refusals.append(Refusal(f"journal {kept}", error))
        _LOG.warning("a journal cannot be read to its end and is kept in %s: %s", kept, error)
        is_done = True
    finally:
        journal.close(keep=not is_done)
    report.journals += 1


class _Replay:
    """Walks through one journal and sends each batch that has no checkpoint."""

    def __init__(self, journal: Journal, store: Store, report: SyncReport) -> None:
        self._journal, self._store, self._report = journal, store, report
        self._runs: dict[int, RunEntry] = {}
        self._names: dict[int, tuple[int, str]] = {}
        self._pending: list[Record] = []
        self._acknowledged = journal.acknowledged
        self._segment = 0

    def send(self) -> None:
        for record in self._journal.records():
            self._take(record)
        if self._pending:
            # The boundary is written down before the store hears of the batch, here too.
            batch = self._journal.last_batch + 1
            self._segment = self._journal.seal(batch).segment
            self._deliver(batch)

    def _take(self, record: Record) -> None:
        match record:
            case Header():
                self._segment = record.segment
            case RunRecord():
                # Its id is looked up again: the database may have been replaced since.
                entry = record.entry
                self._runs.setdefault(
                    record.number, RunEntry(run_id=entry.run_id, new=entry.new, parent=entry.parent)
                )
            case SeriesRecord():
                self._names[record.number] = (record.run, record.key)
            case PointsRecord() | RunOp():
                self._pending.append(record)
            case Seal():
                self._deliver(record.batch)
            case Checkpoint():
                pass

    def _deliver(self, batch: int) -> None:
        pending, self._pending = self._pending, []
        if batch <= self._acknowledged:
            return
        contents = collect(pending, self._names)
        refusals = self._send(batch, contents)
        if refusals:
            kept = self._journal.keep_refused(self._segment)
            for refusal in refusals:
                _LOG.warning("the store refused %s; a copy is kept in %s", refusal, kept)
        self._report.refusals += refusals
        self._report.points += contents.count
        self._journal.checkpoint(batch)

    def _send(self, batch: int, contents: Contents) -> list[Refusal]:
        try:
            return Delivery(self._store, self._runs, self._journal.writer, batch).send(contents)
        except UnavailableError:
            _LOG.warning("the store cannot be reached; the journal in %s stays", self._journal.folder)
            raise
