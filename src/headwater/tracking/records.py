"""Journal records: what a log call leaves on disk, framed so that a torn one is seen.

A frame is the payload's length (uint32), its CRC-32 (uint32) and the payload;
the first byte of a payload is its kind. Numbers are little-endian, columns in the
machine's order: a journal is read where it was written.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final, TypeAlias
from zlib import crc32

from headwater.errors import CorruptError
from headwater.model.ids import ExecutionId, RunId
from headwater.model.runs import NewRun, RunStatus
from headwater.model.series import Points
from headwater.model.values import Properties, PropertyValue

FORMAT: Final = 1
_FRAME: Final = struct.Struct("<II")
_POINT: Final = struct.Struct("<BIqqd")
_SERIES: Final = struct.Struct("<BII")
_COLUMNS: Final = struct.Struct("<BII")
_BATCH: Final = struct.Struct("<BQ")
_RUN: Final = struct.Struct("<BI")


class _Kind(IntEnum):
    HEADER = 1
    RUN = 2
    SERIES = 3
    POINT = 4
    COLUMNS = 5
    OP = 6
    SEAL = 7
    CHECKPOINT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first record of every journal file."""

    writer: int
    segment: int
    first_batch: int
    """Number of the first batch that is closed in this file."""
    store: str
    """The store's URL without its password."""
    pid: int
    host: str
    format: int = FORMAT


@dataclass(slots=True, kw_only=True)
class RunEntry:
    """A run as the journal knows it.

    Attributes:
        execution_id: None until the store has told it.
        new: What to start the run with; None once the store is known to hold it.
        parent: Run id of the parent, looked up when the run is started.
    """

    run_id: RunId
    execution_id: ExecutionId | None = None
    new: NewRun | None = None
    parent: RunId | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Gives a run its number in this file."""

    number: int
    entry: RunEntry


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """Gives a series its number in this file."""

    number: int
    run: int
    key: str


@dataclass(frozen=True, slots=True)
class PointsRecord:
    """Points of one series; one point for most log calls."""

    series: int
    points: Points


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    status: RunStatus
    end_ms: int
    error: str | None


@dataclass(frozen=True, slots=True)
class RunOp:
    """Something to write to a run besides metrics."""

    run: int
    params: Properties | None = None
    tags: dict[str, PropertyValue | None] | None = None
    properties: Properties | None = None
    """What was captured of the run's code and environment."""
    end: RunEnd | None = None
    tags_before: Properties | None = None
    """What this process knew of the tags when it set them, so that a newer value of another is not lost."""
    time_ms: int | None = None
    """When the tags were set."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Closes a batch: it is everything since the seal before it."""

    batch: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The store has this batch, and all before it."""

    batch: int


Record: TypeAlias = Header | RunRecord | SeriesRecord | PointsRecord | RunOp | Seal | Checkpoint


def frame(payload: bytes) -> bytes:
    """Wrap a payload for the file."""
    return _FRAME.pack(len(payload), crc32(payload)) + payload


def point_frame(
    series: int,
    step: int,
    time_ms: int,
    value: float,
    # Bound here because this is the hot path: a local is found faster than a global.
    *,
    _pack: Any = _POINT.pack,
    _wrap: Any = _FRAME.pack,
    _crc: Any = crc32,
    _size: int = _POINT.size,
    _kind: int = int(_Kind.POINT),
) -> bytes:
    """Pack one point and wrap it."""
    payload = _pack(_kind, series, step, time_ms, value)
    return _wrap(_size, _crc(payload)) + payload


def encode(record: Record) -> bytes:
    """Pack a record into a payload."""
    match record:
        case Header():
            body = {f.name: getattr(record, f.name) for f in fields(record)}
            return bytes([_Kind.HEADER]) + _packed(body)
        case RunRecord():
            return _RUN.pack(_Kind.RUN, record.number) + _packed(_packed_entry(record.entry))
        case SeriesRecord():
            return _SERIES.pack(_Kind.SERIES, record.number, record.run) + record.key.encode()
        case PointsRecord():
            p = record.points
            head = _COLUMNS.pack(_Kind.COLUMNS, record.series, len(p))
            return b"".join((head, p.steps.tobytes(), p.times_ms.tobytes(), p.values.tobytes()))
        case RunOp():
            end = record.end and (int(record.end.status), record.end.end_ms, record.end.error)
            body = (
                record.params,
                record.tags,
                record.properties,
                end,
                record.tags_before,
                record.time_ms,
            )
            return _RUN.pack(_Kind.OP, record.run) + _packed(body)
        case Seal():
            return _BATCH.pack(_Kind.SEAL, record.batch)
        case Checkpoint():
            return _BATCH.pack(_Kind.CHECKPOINT, record.batch)


def decode(payload: bytes) -> Record:
    """Read a payload.

    Raises:
        CorruptError: it is of no kind or shape known here.
    """
    try:
        return _decode(payload)
    except (struct.error, TypeError, ValueError, IndexError) as error:
        raise CorruptError(
            f"a journal record cannot be read; was it written by a newer headwater? {error}"
        ) from error


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (end offset, payload) of every whole frame; stop before the first broken one."""
    at = 0
    while at + _FRAME.size <= len(data):
        length, checksum = _FRAME.unpack_from(data, at)
        end = at + _FRAME.size + length
        payload = data[at + _FRAME.size : end]
        # An all-zero frame has a fitting checksum: a file system may leave zeros after a power cut.
        if not length or end > len(data) or crc32(payload) != checksum:
            return
        yield end, payload
        at = end


def _decode(payload: bytes) -> Record:
    match payload[0]:
        case _Kind.POINT:
            _, series, step, time_ms, value = _POINT.unpack(payload)
            return PointsRecord(series, Points.of([(step, time_ms, value)]))
        case _Kind.COLUMNS:
            return _columns(payload)
        case _Kind.SERIES:
            _, number, run = _SERIES.unpack_from(payload)
            return SeriesRecord(number, run, payload[_SERIES.size :].decode())
        case _Kind.OP:
            return _op(payload)
        case _Kind.SEAL:
            return Seal(_BATCH.unpack(payload)[1])
        case _Kind.CHECKPOINT:
            return Checkpoint(_BATCH.unpack(payload)[1])
        case _Kind.RUN:
            number = _RUN.unpack_from(payload)[1]
            return RunRecord(number, _entry(_unpacked(payload[_RUN.size :])))
        case _Kind.HEADER:
            return Header(**_unpacked(payload[1:]))
        case kind:
            raise ValueError(f"kind {kind} is not known here")


def is_mark(payload: bytes) -> bool:
    """Tell, without reading it, whether a payload is a seal or a checkpoint."""
    return payload[0] >= _Kind.SEAL


def _columns(payload: bytes) -> PointsRecord:
    _, series, count = _COLUMNS.unpack_from(payload)
    width = 8 * count
    columns = (payload[_COLUMNS.size + i * width : _COLUMNS.size + (i + 1) * width] for i in range(3))
    steps, times_ms, values = columns
    return PointsRecord(series, Points(array("q", steps), array("q", times_ms), array("d", values)))


def _op(payload: bytes) -> RunOp:
    params, tags, properties, end, *rest = _unpacked(payload[_RUN.size :])
    return RunOp(
        _RUN.unpack_from(payload)[1],
        params,
        tags,
        properties,
        RunEnd(RunStatus(end[0]), end[1], end[2]) if end else None,
        *rest,
    )


def _packed(body: object) -> bytes:
    # Imported when something is written: msgspec takes a sixth of the time of `import headwater`.
    import msgspec

    return msgspec.msgpack.encode(body)


def _unpacked(data: bytes) -> Any:
    import msgspec

    return msgspec.msgpack.decode(data)


def _packed_entry(entry: RunEntry) -> dict[str, Any]:
    new = entry.new and {f.name: getattr(entry.new, f.name) for f in fields(entry.new)}
    return {"run_id": entry.run_id, "execution_id": entry.execution_id, "new": new, "parent": entry.parent}


def _entry(packed: dict[str, Any]) -> RunEntry:
    new = packed.pop("new")
    if new:
        new["status"] = RunStatus(new["status"])
    return RunEntry(new=NewRun(**new) if new else None, **packed)
