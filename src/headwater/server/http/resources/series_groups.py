"""Metric series of groups of runs: a line for each group, with a band that tells how far its runs differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from headwater.model.protocols import Store
from headwater.model.runs import Run
from headwater.server.http.resources.listing import sparse, wanted_fields
from headwater.server.http.resources.wire.runs import RunOut, run_out

Axis = Literal["step", "time", "relative"]
Band = Literal["interval", "range"]

# fmt: off
T_975: Final = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604,
    2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555,
    2.0518, 2.0484, 2.0452, 2.0423, 2.0395, 2.0369, 2.0345, 2.0322, 2.0301, 2.0281, 2.0262, 2.0244, 2.0227,
    2.0211, 2.0195, 2.0181, 2.0167, 2.0154, 2.0141, 2.0129, 2.0117, 2.0106, 2.0096,
)
# fmt: on
"""Student's t at 97.5 % by degrees of freedom, from 1 on: SciPy is in no extra of the server."""
COLUMNS: Final = ("x", "mean", "lo", "hi", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDrawn:
    """A series of a group of runs, as columns of equal length.

    Attributes:
        group: What its runs have in common, as the fields of a run.
        runs: Their ids.
        columns: `x`, where the bucket's last point stands; `mean` of the runs' means, `lo` and `hi` of
            the band, `n`, the runs with a number in that bucket.
    """

    group: Mapping[str, Any]
    runs: Sequence[str]
    key: str
    columns: dict[str, list[float | None]]

    @property
    def head(self) -> dict[str, Any]:
        """What it is a series of."""
        return {"group": self.group, "runs": self.runs, "key": self.key}


@dataclass(frozen=True, slots=True)
class _Cells:
    """A series of one run, summed up in cells that all runs share: numbers of cells, and what is in each."""

    numbers: NDArray[np.int64]
    last_x: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How series are drawn together.

    Attributes:
        by: Fields of a run, parted by commas, as in `fields`; runs that agree in all are one group.
        band: `interval` is the 95 % interval of the mean, `range` reaches from the least to the largest.
        buckets: Most buckets between the first and the last point of all runs.
    """

    by: str
    band: Band
    buckets: int
    x: Axis = "step"
    first: int | None = None
    last: int | None = None

    def draw(self, store: Store, runs: Sequence[Run], keys: Sequence[str]) -> Iterator[GroupDrawn]:
        """Yield the series of groups that have numbers, by key and group.

        Every run counts once in each bucket, however many points it has there.

        Raises:
            InvalidError: a run has no such field.
        """
        chosen = wanted_fields(self.by, RunOut)
        groups: dict[bytes, tuple[Mapping[str, Any], list[Run]]] = {}
        for run in {run.run_id: run for run in runs}.values():
            label: Mapping[str, Any] = sparse(run_out(run), chosen) if chosen else {}
            groups.setdefault(msgspec.json.encode(label), (label, []))[1].append(run)
        for key in keys:
            cells = self._cells(store, runs, key)
            for label, members in groups.values():
                mine = [cells[run.run_id] for run in members if run.run_id in cells]
                if mine:
                    ids = [run.run_id for run in members]
                    yield GroupDrawn(group=label, runs=ids, key=key, columns=_columns(mine, self.band))

    def _cells(self, store: Store, runs: Sequence[Run], key: str) -> dict[str, _Cells]:
        """Return what is in each cell, by run; the cells lie between the ends of all runs."""
        curves = {run.run_id: curve for run in runs if len((curve := self._curve(store, run, key))[0])}
        if not curves:
            return {}
        start = min(int(x[0]) for x, _ in curves.values())
        end = max(int(x[-1]) for x, _ in curves.values())
        width = max(1, -(-(end - start + 1) // self.buckets))
        return {run_id: _summed_up(x, values, start, width) for run_id, (x, values) in curves.items()}

    def _curve(self, store: Store, run: Run, key: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the numbers of a series, and where they stand, in order."""
        points = store.series.read(run.id, key, min_step=self.first, max_step=self.last)
        values = np.asarray(points.values)
        x = np.asarray(points.steps if self.x == "step" else points.times_ms)
        is_number = ~np.isnan(values)
        x, values = x[is_number], values[is_number]
        if self.x != "step":
            # A step may be logged before one that is smaller.
            order = np.argsort(x, kind="stable")
            x, values = x[order] - (run.start_ms if self.x == "relative" else 0), values[order]
        return x, values


def _summed_up(x: NDArray[np.int64], values: NDArray[np.float64], start: int, width: int) -> _Cells:
    # The distance to the start always fits without a sign: the subtraction wraps around to it.
    offsets = x.view(np.uint64) - np.uint64(start % 2**64)
    numbers = (offsets // np.uint64(width) if width < 2**64 else np.zeros_like(offsets)).astype(np.int64)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
    ends = np.append(starts[1:], len(x))
    with np.errstate(invalid="ignore", over="ignore"):
        means = np.add.reduceat(values, starts) / (ends - starts)
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return _Cells(numbers[starts], x[ends - 1], means, low, high)


def _columns(members: Sequence[_Cells], band: Band) -> dict[str, list[float | None]]:
    numbers = np.unique(np.concatenate([each.numbers for each in members]))
    last_x = np.full(len(numbers), np.iinfo(np.int64).min)
    means, low, high = (np.full((len(members), len(numbers)), np.nan) for _ in range(3))
    for row, each in enumerate(members):
        places = np.searchsorted(numbers, each.numbers)
        last_x[places] = np.maximum(last_x[places], each.last_x)
        means[row, places], low[row, places], high[row, places] = each.mean, each.low, each.high
    count = (~np.isnan(low)).sum(axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.where(np.isnan(low), 0.0, means).sum(axis=0) / count
        if band == "range":
            ends = np.nanmin(low, axis=0), np.nanmax(high, axis=0)
        else:
            half = _half_width(means, mean, count)
            ends = mean - half, mean + half
    found = (mean, *ends)
    columns = [last_x.tolist(), *([_number(each) for each in column.tolist()] for column in found)]
    return dict(zip(COLUMNS, [*columns, count.tolist()], strict=True))


def _half_width(
    means: NDArray[np.float64], mean: NDArray[np.float64], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return half of the 95 % interval of the mean; NaN where one run tells nothing of the noise.

    Source:
        Student, The Probable Error of a Mean, Biometrika 6 (1908).
    """
    freedom = count - 1
    squares = np.where(np.isnan(means), 0.0, (means - mean) ** 2).sum(axis=0)
    factors = np.array([np.nan, *T_975])[freedom]
    return factors * np.sqrt(squares / np.where(freedom, freedom, 1) / count)


def _number(value: float) -> float | None:
    return None if value != value else value
