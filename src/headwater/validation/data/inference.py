"""A first schema from what was measured: what a reviewer would write down, and nothing that chance breaks."""

import math
from collections.abc import Sequence
from typing import Final

from headwater.validation.data.measuring import statistics
from headwater.validation.data.schema import OFF, Column, Domain, Limits, Presence, Schema
from headwater.validation.data.statistics import ColumnStatistics, Kind, Statistics

MAX_DOMAIN: Final = 100
"""A text column with more different values has no domain."""
_REPEATS: Final = 5
"""A value of a domain was seen so often on average; fewer, and others are likely to come."""
_UNIQUE_ROWS: Final = 100
"""So many rows have to differ before a column is taken for a key."""


def infer_schema(
    data: object, *, environments: Sequence[str] = (), absent: str | Sequence[str] = (), ranges: bool = False
) -> Schema:
    """Write down what data look like, for somebody to review.

    Types; presence (all rows where none was missing, else at most twice as many missing as here); the
    values of texts with up to 100 different ones; keys; numbers that are never negative, and those that
    are never NaN or infinite. Keys, times and free texts are not compared with other tables.

    Args:
        data: What `statistics` measures, or statistics.
        environments: Such as `training` and `serving`.
        absent: Columns that are absent in all environments but the first, such as the label.
        ranges: Also write down the least and the largest number of each column.

    Raises:
        InvalidError: as in `statistics` and `Schema`.

    Example:
        >>> print(infer_schema([{"late": True}, {"late": False}]).to_yaml(), end="")
        format: headwater.schema/1
        drift: auto
        skew: auto
        columns:
          late:
            type: boolean
            presence: 1
    """
    measured = data if isinstance(data, Statistics) else statistics(data)
    names = {absent} if isinstance(absent, str) else set(absent)
    columns = [
        _column(each, tuple(environments[1:]) if each.name in names else (), has_range=ranges)
        for each in measured.columns
    ]
    return Schema(columns=tuple(columns), environments=tuple(environments))


def domain_of(column: ColumnStatistics) -> Domain | None:
    """Return the values of a column of texts with few of them."""
    distinct = column.distinct
    is_small = distinct is not None and 0 < distinct.count <= MAX_DOMAIN and column.has_all_values
    if column.kind is not Kind.TEXT or not is_small or column.present < _REPEATS * len(column.top_values):
        return None
    return Domain(values=tuple(sorted(v.value for v in column.top_values)))


def presence_of(column: ColumnStatistics) -> Presence:
    """Return how many rows of such a table should have a value."""
    missing = 1 - column.fraction
    return Presence(min_fraction=max(0.0, math.floor((1 - 2 * missing) * 1000) / 1000))


def _column(column: ColumnStatistics, absent_in: tuple[str, ...], *, has_range: bool) -> Column:
    is_key = _is_key(column)
    domain = domain_of(column)
    is_free_text = column.kind is Kind.TEXT and not column.has_all_values
    numbers = column.numbers
    return Column(
        name=column.name,
        kind=column.kind,
        presence=presence_of(column),
        domain=domain,
        range=_range(column, has_range=has_range),
        is_unique=is_key,
        allows_nan=numbers is None or numbers.nans > 0 or column.kind is not Kind.NUMBER,
        allows_infinity=numbers is None or numbers.infinities > 0 or column.kind is not Kind.NUMBER,
        absent_in=absent_in,
        drift=OFF if is_key or is_free_text or column.kind is Kind.TIME else None,
        skew=OFF if is_key or is_free_text or column.kind is Kind.TIME else None,
    )


def _is_key(column: ColumnStatistics) -> bool:
    return (
        column.kind in {Kind.TEXT, Kind.INTEGER}
        and column.present >= _UNIQUE_ROWS
        and column.distinct is not None
        and column.distinct.is_exact
        and column.distinct.count == column.present
    )


def _range(column: ColumnStatistics, *, has_range: bool) -> Limits | None:
    numbers = column.numbers
    if numbers is None or numbers.min is None or numbers.max is None:
        return None
    if has_range:
        return Limits(min=numbers.min, max=numbers.max)
    is_measure = column.kind is not Kind.TIME and numbers.min >= 0
    return Limits(min=0) if is_measure else None
