"""The journal: an append-only file per process, so that what a log call returned from is never lost."""

import logging
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from headwater.errors import CorruptError, UnavailableError
from headwater.model.ids import new_writer_id
from headwater.tracking.journal_files import REFUSED, copy_refused, cut_torn_tail, header_of, marks
from headwater.tracking.journal_lock import JournalLock
from headwater.tracking.records import (
    Checkpoint,
    Header,
    Record,
    Seal,
    decode,
    encode,
    frame,
    frames,
)
from headwater.tracking.settings import MIB, TrackingSettings

_LOG: Final = logging.getLogger("headwater.tracking")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch stands in the journal: it never spans two files."""

    segment: int
    start: int
    end: int


@dataclass(slots=True)
class Segment:
    """One file of a journal; `last_batch` is the newest batch that is closed in it."""

    size_bytes: int = 0
    last_batch: int = 0


class Journal:
    """The journal of one writer: files `WRITER-SEGMENT.log` in a folder, and `WRITER.lock`.

    A record is handed to the operating system by one `write` before `append`
    returns, so it outlives the process, however that ends. A power cut may take
    the last records with it, up to the last `fsync` (see `duplicate`).

    The lock is held as long as the process lives. Once it is free, any process
    may `adopt` the journal and send what the store does not have.

    Not safe for several threads: the buffer calls it under its own lock.
    """

    def __init__(self, folder: Path, header: Header, lock: JournalLock, settings: TrackingSettings) -> None:
        self._folder, self._header, self._lock = folder, header, lock
        self._limit_bytes = settings.journal_bytes
        # Several files must fit within the limit, for only whole files are deleted.
        self._segment_bytes = min(settings.segment_bytes, settings.journal_bytes // 8)
        self._segments: dict[int, Segment] = {}
        self._total_bytes = 0
        self._batch_start = 0
        self._descriptor = -1
        self._is_over_limit = False
        self._acknowledged = 0

    @classmethod
    def create(cls, folder: Path, store: str, settings: TrackingSettings) -> Self:
        """Start a journal under a new writer id.

        Args:
            folder: Where the files go; made when it is not there.
            store: URL of the store that the records are for, without a password.
            settings: Sizes of one file and of all.

        Raises:
            UnavailableError: the folder cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                writer = new_writer_id()
                if lock := JournalLock.take(lock_path(folder, writer)):
                    break
        except OSError as error:
            raise UnavailableError(f"no journal can be kept in {folder}: {error}") from error
        header = Header(
            writer=writer, segment=0, first_batch=1, store=store, pid=os.getpid(), host=socket.gethostname()
        )
        return cls(folder, header, lock, settings)

    @property
    def writer(self) -> int:
        """The id under which batches are sent."""
        return self._header.writer

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return self._total_bytes

    @property
    def acknowledged(self) -> int:
        """Number of the newest batch that the store is known to have."""
        return self._acknowledged

    @property
    def store(self) -> str:
        """URL of the store that the records are for, without a password."""
        return self._header.store

    @property
    def last_batch(self) -> int:
        """Number of the newest closed batch."""
        return max(segment.last_batch for segment in self._segments.values())

    def append(self, framed: bytes) -> None:
        """Write framed records; when this returns, they outlive the process.

        Raises:
            UnavailableError: the size limit is reached, or the disk does not take it.
        """
        size = len(framed)
        if self._total_bytes + size > self._limit_bytes:
            raise self._over_limit()
        self._write(framed)

    def seal(self, batch: int) -> Place:
        """Close a batch: everything since the last one belongs to it, now and after any replay."""
        self._write(frame(encode(Seal(batch))))
        number, segment = self._current()
        segment.last_batch = batch
        place = Place(number, self._batch_start, segment.size_bytes)
        self._batch_start = segment.size_bytes
        return place

    @property
    def wants_rotation(self) -> bool:
        """True when the current file has grown enough; only ever rotate right after `seal`."""
        return self._current()[1].size_bytes >= self._segment_bytes

    def rotate(self, first_batch: int, declarations: Iterable[Record]) -> None:
        """Go on in a new file.

        Args:
            first_batch: Number of the first batch that will be closed in it.
            declarations: The runs and series that later records refer to.

        Raises:
            UnavailableError: the disk does not take it; the journal goes on in the old file.
        """
        number = self._header.segment + 1
        header = replace(self._header, segment=number, first_batch=first_batch)
        content = b"".join(frame(encode(record)) for record in (header, *declarations))
        try:
            descriptor = self._open(number, os.O_CREAT | os.O_TRUNC)
        except OSError as error:
            raise UnavailableError(f"no journal file can be added in {self._folder}: {error}") from error
        try:
            _write_all(descriptor, content, 0)
        except OSError as error:
            os.close(descriptor)
            self._path(number).unlink(missing_ok=True)
            raise UnavailableError(f"no journal file can be added in {self._folder}: {error}") from error
        self._leave()
        self._descriptor, self._header = descriptor, header
        self._segments[number] = Segment(len(content), first_batch - 1)
        self._total_bytes += len(content)
        # The declarations stand before the first batch, not in it.
        self._batch_start = len(content)

    def checkpoint(self, batch: int) -> None:
        """Note that the store has this batch and all before it, and delete files that hold nothing else."""
        self._write(frame(encode(Checkpoint(batch))))
        self._acknowledged = batch
        current = self._header.segment
        for number, segment in list(self._segments.items()):
            if number != current and segment.last_batch <= batch:
                self._path(number).unlink(missing_ok=True)
                self._total_bytes -= segment.size_bytes
                del self._segments[number]
        self._is_over_limit = False

    def read(self, place: Place) -> list[Record]:
        """Return the records of a batch, its seal included.

        Raises:
            CorruptError: the file no longer holds what was written.
        """
        with self._path(place.segment).open("rb") as file:
            file.seek(place.start)
            data = file.read(place.end - place.start)
        found = list(frames(data))
        if not found or found[-1][0] != place.end - place.start:
            raise CorruptError(f"journal file {self._path(place.segment)} has been damaged")
        return [decode(payload) for _, payload in found]

    def duplicate(self) -> int:
        """Return a descriptor of the current file to `fsync` and close.

        Once it is synced, what was appended before outlives a power cut, too.
        """
        return os.dup(self._descriptor)

    def keep_refused(self, segment: int) -> Path:
        """Copy a file aside, because the store refused some of it and it will be deleted here."""
        return copy_refused(self._path(segment))

    def keep_all_refused(self) -> Path:
        """Copy all files aside, as `keep_refused` does with one; return their folder."""
        for number in self._segments:
            self.keep_refused(number)
        return self._folder / REFUSED

    def close(self, *, keep: bool) -> None:
        """Give the journal up.

        Args:
            keep: Leave the files for another process to adopt; False deletes them.
        """
        if keep:
            os.fsync(self._descriptor)
        self._leave()
        if not keep:
            for number in self._segments:
                self._path(number).unlink(missing_ok=True)
        self._lock.release()

    def forget(self) -> None:
        """Close the inherited descriptors in a forked child; the files stay the parent's."""
        self._leave()
        self._lock.forget()

    @classmethod
    def adopt(cls, folder: Path, writer: int, settings: TrackingSettings) -> "Self | None":
        """Take over the journal of a dead process; a torn last record is cut off.

        Returns:
            None when its owner lives, somebody else was quicker, or there is nothing in it.
        """
        lock = JournalLock.take(lock_path(folder, writer))
        if lock is None:
            return None
        found: dict[Path, Header] = {}
        for path in sorted(folder.glob(f"{writer:016x}-*.log")):
            cut_torn_tail(path)
            if header := header_of(path):
                found[path] = header
            else:
                path.unlink(missing_ok=True)
        if not found:
            lock.release()
            return None
        journal = cls(folder, list(found.values())[-1], lock, settings)
        journal._resume(found)
        return journal

    def records(self) -> Iterator[Record]:
        """Yield all records, oldest first, one file at a time."""
        for number in sorted(self._segments):
            # To a list: a checkpoint in between may delete the file.
            yield from [decode(payload) for _, payload in frames(self._path(number).read_bytes())]

    def _resume(self, found: dict[Path, Header]) -> None:
        self._acknowledged = min(header.first_batch for header in found.values()) - 1
        for path, header in found.items():
            segment = Segment(path.stat().st_size, header.first_batch - 1)
            for record in marks(path):
                if isinstance(record, Seal):
                    segment.last_batch = record.batch
                else:
                    self._acknowledged = max(self._acknowledged, record.batch)
            self._segments[header.segment] = segment
        self._total_bytes = sum(segment.size_bytes for segment in self._segments.values())
        self._descriptor = self._open(self._header.segment, 0)
        self._batch_start = self._current()[1].size_bytes

    def _current(self) -> tuple[int, Segment]:
        return self._header.segment, self._segments[self._header.segment]

    def _write(self, framed: bytes) -> None:
        segment = self._segments[self._header.segment]
        size = len(framed)
        try:
            if os.write(self._descriptor, framed) != size:
                _write_all(self._descriptor, framed, segment.size_bytes)
        except OSError as error:
            raise UnavailableError(f"the journal in {self._folder} cannot be written: {error}") from error
        segment.size_bytes += size
        self._total_bytes += size

    def _open(self, number: int, flags: int) -> int:
        flags |= os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return os.open(self._path(number), flags, 0o600)

    def _leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _path(self, number: int) -> Path:
        return self._folder / f"{self.writer:016x}-{number:08d}.log"

    def _over_limit(self) -> UnavailableError:
        message = (
            f"the store has not taken anything for long and the journal in {self._folder} holds "
            f"{self._total_bytes / MIB:.0f} MiB, its limit (HEADWATER_JOURNAL_MAX_MB): "
            "this call was not recorded"
        )
        if not self._is_over_limit:
            self._is_over_limit = True
            _LOG.warning(message)
        return UnavailableError(message)


def lock_path(folder: Path, writer: int) -> Path:
    """Return the file whose lock tells whether a writer is alive."""
    return folder / f"{writer:016x}.lock"


def _write_all(descriptor: int, data: bytes, size_before: int) -> None:
    """Write all of `data` again from where the file ended before, or leave the file as it was."""
    try:
        os.ftruncate(descriptor, size_before)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, size_before)
        raise
