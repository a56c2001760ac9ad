"""Fewer points that still tell the story: step ranges, LTTB samples, min-max buckets."""

from itertools import pairwise

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
    picked, before = list[int](), 0
    for i in range(count):
        start, end = int(edges[i]), int(edges[i + 1])
        after = slice(end, int(edges[i + 2])) if i + 2 < len(edges) else slice(len(x) - 1, None)
        mean_x, mean_y = x[after].mean(), y[after].mean()
        with np.errstate(over="ignore", invalid="ignore"):
            area = np.abs(
                (x[before] - mean_x) * (y[start:end] - y[before])
                - (x[before] - x[start:end]) * (mean_y - y[before])
            )
        before = start + int(np.argmax(area))
        picked.append(before)
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
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    bounds = [0, *(int(cut) for cut in cuts), len(points)]
    return [_bucket(points, start, end) for start, end in pairwise(bounds)]


def _bucket(points: Points, start: int, end: int) -> Bucket:
    steps, times, values = (c[start:end] for c in columns(points))
    numbers = values[~np.isnan(values)]
    has_numbers = len(numbers) > 0
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(numbers.mean()) if has_numbers else None
    return Bucket(
        first_step=int(steps[0]),
        last_step=int(steps[-1]),
        first_time_ms=int(times[0]),
        last_time_ms=int(times[-1]),
        last=float(numbers[-1]) if has_numbers else None,
        min=float(numbers.min()) if has_numbers else None,
        max=float(numbers.max()) if has_numbers else None,
        mean=mean,
        count=len(values),
        nan_count=int(np.isnan(values).sum()),
        infinite_count=int(np.isinf(values).sum()),
    )
