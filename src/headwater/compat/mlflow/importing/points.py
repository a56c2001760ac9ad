"""Files of points that MLflow's folders keep for each metric."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from headwater.compat.mlflow.importing.metadata import noted, read_text
from headwater.errors import InvalidError


class PointLine(NamedTuple):
    """A line of a metric's file: `TIME VALUE [STEP [REST]]`, the time in milliseconds."""

    time_ms: int
    value: float
    step: int
    rest: str
    """A run's: `DATASET DIGEST` or nothing. A logged model's: `RUN [DATASET DIGEST]`."""


def read_points(path: Path, damaged: list[str]) -> Iterator[PointLine]:
    """Yield the points of a file.

    Args:
        path: Of the file.
        damaged: Told of lines that are no points.
    """
    text = ""
    with noted(damaged):
        text = read_text(path)
        if not text:
            raise InvalidError(f"{path} is damaged: it holds no points")
    for number, line in enumerate(text.splitlines(), 1):
        try:
            point = _point(line, f"{path}, line {number}")
        except InvalidError as error:
            damaged.append(str(error))
        else:
            yield point


def _point(line: str, place: str) -> PointLine:
    time_ms, value, step, rest = (*line.strip().split(" ", 3), "", "", "", "")[:4]
    try:
        return PointLine(int(time_ms), float(value), int(step or 0), rest)
    except ValueError as error:
        raise InvalidError(f"{place} is damaged: {line[:80]!r} is no point of a metric") from error
