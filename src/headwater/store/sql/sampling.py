"""Fewer points that still tell the story: step ranges, LTTB samples, min-max buckets."""

import numpy as np
from numpy.typing import NDArray

from headwater.model.series import Bucket, Points
from headwater.store.sql.chunks import columns, points_of


def between(points: Points, min_step: int, max_step: int) -> Points:
    """Return the points with a step in a range; `points` are sorted by step."""
    steps = columns(points)[0]
    start = int(np.searchsorted(steps, min_step, "left"))
    end = int(np.searchsorted(steps, max_step, "right"))
    return points if (start, end) == (0, len(points)) else sliced(points, start, end)


def sliced(points: Points, start: int, end: int) -> Points:
    """Return `points[start:end]`."""
    return Points(points.steps[start:end], points.times_ms[start:end], points.values[start:end])


def largest_triangles(points: Points, max_points: int) -> Points:
    """Thin points out to `max_points` that keep the visual shape.

    NaN and infinities cannot span a triangle: they are seen as 0 here, and
    come back as they are where they are picked.

    Args:
        points: Sorted by step.
        max_points: At least 2; the first and last point are always kept.

    Source:
        Steinarsson, Downsampling Time Series for Visual Representation (2013): LTTB.
    """
    if len(points) <= max_points:
        return points
    steps, times, values = columns(points)
    x = steps.astype(np.float64)
    y = np.where(np.isfinite(values), values, 0.0)
    kept = np.array([0, *_peaks(x, y, max_points - 2), len(points) - 1])
    return points_of(steps[kept], times[kept], values[kept])


def _peaks(x: NDArray[np.float64], y: NDArray[np.float64], count: int) -> list[int]:
    """Pick one point out of each of `count` runs: the one that spans the largest triangle."""
    edges = np.linspace(1, len(x) - 1, count + 1).astype(np.int64)
    # The middle of the run after each one; after the last run comes the last point alone.
    sizes = np.diff(edges)
    after_x, after_y = (
        np.append(np.add.reduceat(column[:-1], edges[:-1]) / sizes, column[-1])[1:] for column in (x, y)
    )
    picked, before_x, before_y = list[int](), float(x[0]), float(y[0])
    bounds = zip(edges.tolist(), edges[1:].tolist(), after_x.tolist(), after_y.tolist(), strict=False)
    with np.errstate(over="ignore", invalid="ignore"):
        for start, end, mean_x, mean_y in bounds:
            # Twice the area of each triangle.
            area = (before_x - mean_x) * (y[start:end] - before_y)
            area -= (before_x - x[start:end]) * (mean_y - before_y)
            place = start + int(np.abs(area, out=area).argmax())
            before_x, before_y = float(x[place]), float(y[place])
            picked.append(place)
    return picked


def buckets(points: Points, count: int) -> list[Bucket]:
    """Cut points into at most `count` runs of equal step width; empty runs are left out.

    Args:
        points: Sorted by step and time.
        count: At least 1.
    """
    if not len(points):
        return []
    steps = columns(points)[0]
    # Python's integers: the range of steps may not fit in 64 bits.
    width = max(1, -(-(int(steps[-1]) - int(steps[0]) + 1) // count))
    # The distance to the first step always fits without a sign: the subtraction wraps around to it.
    offsets = steps.view(np.uint64) - steps.view(np.uint64)[0]
    numbers = offsets // np.uint64(width) if width < 2**64 else np.zeros_like(offsets)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
    return _summed_up(points, starts)


def _summed_up(points: Points, starts: NDArray[np.int64]) -> list[Bucket]:
    """Return what became of each run of points, all runs at once; a run lasts until the next one starts."""
    steps, times, values = columns(points)
    ends = np.append(starts[1:], len(steps)) - 1
    is_number = ~np.isnan(values)
    counts = np.add.reduceat(is_number.astype(np.int64), starts)
    # The last number of a run; where there is none, whatever stands there is not looked at.
    last = np.maximum.reduceat(np.where(is_number, np.arange(len(values)), 0), starts)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.add.reduceat(np.where(is_number, values, 0.0), starts)
        means = sums / np.maximum(counts, 1)
    found = zip(
        *(column.tolist() for column in (steps[starts], steps[ends], times[starts], times[ends])),
        values[last].tolist(),
        np.minimum.reduceat(np.where(is_number, values, np.inf), starts).tolist(),
        np.maximum.reduceat(np.where(is_number, values, -np.inf), starts).tolist(),
        means.tolist(),
        counts.tolist(),
        (ends - starts + 1).tolist(),
        np.add.reduceat(np.isinf(values).astype(np.int64), starts).tolist(),
        strict=True,
    )
    return [_bucket(*facts) for facts in found]


def _bucket(
    first_step: int,
    last_step: int,
    first_time_ms: int,
    last_time_ms: int,
    last: float,
    low: float,
    high: float,
    mean: float,
    numbers: int,
    count: int,
    infinite: int,
) -> Bucket:
    return Bucket(
        first_step=first_step,
        last_step=last_step,
        first_time_ms=first_time_ms,
        last_time_ms=last_time_ms,
        last=last if numbers else None,
        min=low if numbers else None,
        max=high if numbers else None,
        mean=mean if numbers else None,
        count=count,
        nan_count=count - numbers,
        infinite_count=infinite,
    )
