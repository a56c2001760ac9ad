"""The payload of a metric chunk: steps, times and values as packed columns.

Layout, little-endian: one byte version (1), one byte codec, then the columns
of `count` items each: steps int64, times int64, values float64. Codec 0 is
plain. Codec 1, for `COMPRESS_FROM` points or more: steps and times as
differences to the item before, the bytes of each column shuffled (all first
bytes, then all second ones …), the whole compressed with zstandard. Lab
figure: a third of the plain size, at no cost in speed.
"""

from array import array
from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import zstandard
from numpy.typing import NDArray

from headwater.errors import CorruptError
from headwater.model.series import Points

Columns: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Steps, times and values."""

VERSION: Final = 1
PLAIN: Final = 0
SHUFFLED: Final = 1
COMPRESS_FROM: Final = 128
LEVEL: Final = 1


def pack(points: Points) -> bytes:
    """Turn points into a payload."""
    if len(points) < COMPRESS_FROM:
        # Without numpy, which takes longer to look at a few points than to copy them.
        plain = (points.steps, points.times_ms, points.values)
        return bytes((VERSION, PLAIN)) + b"".join(column.tobytes() for column in plain)
    steps, times, values = columns(points)
    shuffled = b"".join(_shuffle(c) for c in (_differences(steps), _differences(times), values))
    return bytes((VERSION, SHUFFLED)) + zstandard.ZstdCompressor(level=LEVEL).compress(shuffled)


def unpack(payload: bytes, count: int) -> Points:
    """Turn a payload back into points.

    Raises:
        CorruptError: the payload does not hold `count` points.
    """
    return points_of(*_unpacked(payload, count, zstandard.ZstdDecompressor()))


def unpack_all(parts: Iterable[tuple[bytes, int]]) -> Points:
    """Turn payloads with their counts into all of their points, ordered as by `concatenated`.

    Raises:
        CorruptError: a payload does not hold as many points.
    """
    decompressor = zstandard.ZstdDecompressor()
    return _in_order([_unpacked(payload, count, decompressor) for payload, count in parts])


def _unpacked(payload: bytes, count: int, decompressor: zstandard.ZstdDecompressor) -> Columns:
    version, codec, body = payload[0], payload[1], payload[2:]
    if version != VERSION or codec not in {PLAIN, SHUFFLED}:
        raise CorruptError(f"metric chunk of unknown format {version}.{codec}: upgrade headwater to read it")
    size = 8 * count
    if codec == SHUFFLED:
        try:
            body = decompressor.decompress(body, max_output_size=3 * size)
        except zstandard.ZstdError as error:
            raise CorruptError(f"metric chunk does not decompress: {error}") from error
    if len(body) != 3 * size:
        raise CorruptError(f"metric chunk holds {len(body)} bytes, not {3 * size} for {count} points")
    parts = [body[i * size : (i + 1) * size] for i in range(3)]
    if codec == SHUFFLED:
        steps, times = (np.cumsum(_unshuffle(p).view("<i8")) for p in parts[:2])
        return steps, times, _unshuffle(parts[2]).view("<f8")
    steps, times = (np.frombuffer(p, "<i8") for p in parts[:2])
    return steps, times, np.frombuffer(parts[2], "<f8")


def columns(points: Points) -> Columns:
    """Return the columns as numpy arrays that share the points' memory."""
    return (
        np.asarray(points.steps, dtype=np.int64),
        np.asarray(points.times_ms, dtype=np.int64),
        np.asarray(points.values, dtype=np.float64),
    )


def points_of(steps: NDArray[np.int64], times_ms: NDArray[np.int64], values: NDArray[np.float64]) -> Points:
    """Return points that hold a copy of three numpy columns."""
    return Points(array("q", steps.tobytes()), array("q", times_ms.tobytes()), array("d", values.tobytes()))


def concatenated(parts: list[Points]) -> Points:
    """Return all points, in order of (step, time, value bits), each exact duplicate once."""
    return _in_order([columns(part) for part in parts])


def _in_order(parts: list[Columns]) -> Points:
    if not parts:
        return Points()
    steps, times, values = parts[0] if len(parts) == 1 else _joined(parts)
    # Points mostly come with growing steps, and then there is nothing to sort or drop.
    if bool(np.all(steps[1:] > steps[:-1])):
        return points_of(steps, times, values)
    bits = values.view(np.int64)
    order = np.lexsort((bits, times, steps))
    steps, times, values, bits = steps[order], times[order], values[order], bits[order]
    fresh = np.ones(len(steps), dtype=bool)
    fresh[1:] = (np.diff(steps) != 0) | (np.diff(times) != 0) | (np.diff(bits) != 0)
    return points_of(steps[fresh], times[fresh], values[fresh])


def _joined(parts: list[Columns]) -> Columns:
    """Return the points of all parts, the part with the smallest step first."""
    ordered = sorted(parts, key=lambda part: int(part[0][0]) if len(part[0]) else 0)
    return (
        np.concatenate([steps for steps, _, _ in ordered]),
        np.concatenate([times for _, times, _ in ordered]),
        np.concatenate([values for _, _, values in ordered]),
    )


def _differences(column: NDArray[np.int64]) -> NDArray[np.int64]:
    # Wraps around at the ends of int64, and the running sum wraps back.
    return np.diff(column, prepend=np.int64(0))


def _shuffle(column: NDArray[np.int64] | NDArray[np.float64]) -> bytes:
    return column.view(np.uint8).reshape(-1, 8).T.tobytes()


def _unshuffle(part: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(part, dtype=np.uint8).reshape(8, -1).T.reshape(-1)
