"""What runs have: names of metrics, params and tags, and values of these, by how many runs have them."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Entity, Field, Scope
from headwater.model.runs import FieldValue, RunField
from headwater.model.values import ValueKind
from headwater.store.sql.schema import execution_property, series
from headwater.store.sql.search.places import Place, place_of
from headwater.store.sql.values import Space

SPACES: Final[Mapping[Scope, Space]] = {Scope.PARAM: Space.PARAM, Scope.TAG: Space.CUSTOM}
TEXTS: Final = ("name", "experiment", "user", "host")
"""Attributes whose values can be asked for."""

_LAST: Final = "\U0010ffff"
Column = sa.ColumnElement[Any]


def run_fields(conn: sa.Connection, prefix: str, limit: int) -> list[RunField]:
    """Return metrics, params and tags of runs that are not deleted, at most `limit` of each."""
    found = [RunField(scope=Scope.METRIC, name=n, count=c) for n, c in _metrics(conn, prefix, limit)]
    for scope, space in SPACES.items():
        rows = _properties(conn, space, prefix, limit)
        found += [RunField(scope=scope, name=name, count=count) for name, count in rows]
    return sorted(found, key=lambda field: -field.count)


def field_values(conn: sa.Connection, field: Field, prefix: str, limit: int) -> list[FieldValue]:
    """Return values of one field of runs that are not deleted.

    Raises:
        InvalidError: it is no param, no tag and none of `TEXTS`.
    """
    place = place_of(Entity.RUN)
    if field.relation is None and field.scope in SPACES:
        return _property_values(conn, place, field, prefix, limit)
    if field.relation is not None or field.scope is not Scope.ATTRIBUTE or field.name not in TEXTS:
        raise InvalidError(f"{field} has no values to list: name params.NAME, tags.NAME, {', '.join(TEXTS)}")
    source, column = place.source, place.own.get(field.name)
    if column is None:
        linked = place.linked[field.name]
        source, column = source.join(linked.source, linked.on), linked.column
    rows = _counted(conn, column, source, [column.is_not(None), *_begins(column, prefix)], limit)
    return [FieldValue(value=value, count=count) for value, count in rows]


def _property_values(
    conn: sa.Connection, place: Place, field: Field, prefix: str, limit: int
) -> list[FieldValue]:
    row = execution_property.c
    # A param has its text beside its number; of a tag that is a number there is no text to list.
    is_short = sa.and_(row.head.is_not(None), row.text_value.is_(None), row.kind != ValueKind.PROTO)
    conditions = [row.name == field.name, row.space == SPACES[field.scope], is_short]
    source = place.source.join(execution_property, row.node_id == place.id)
    rows = _counted(conn, row.head, source, [*conditions, *_begins(row.head, prefix)], limit)
    return [FieldValue(value=value, count=count) for value, count in rows]


def _metrics(conn: sa.Connection, prefix: str, limit: int) -> list[Any]:
    place = place_of(Entity.RUN)
    source = place.source.join(series, series.c.execution_id == place.id)
    return _counted(conn, series.c.key, source, _begins(series.c.key, prefix), limit)


def _properties(conn: sa.Connection, space: Space, prefix: str, limit: int) -> list[Any]:
    place, row = place_of(Entity.RUN), execution_property.c
    source = place.source.join(execution_property, row.node_id == place.id)
    return _counted(conn, row.name, source, [row.space == space, *_begins(row.name, prefix)], limit)


def _counted(
    conn: sa.Connection, column: Column, source: sa.FromClause, conditions: list[Column], limit: int
) -> list[Any]:
    """Return the values of a column, each with the number of its rows, the most frequent first."""
    count = sa.func.count()
    statement = (
        sa.select(column, count)
        .select_from(source)
        .where(place_of(Entity.RUN).deleted_ms.is_(None), *conditions)
        .group_by(column)
        .order_by(count.desc(), column)
        .limit(limit)
    )
    return [tuple(row) for row in conn.execute(statement)]


def _begins(column: Column, prefix: str) -> list[Column]:
    return [column >= prefix, column < prefix + _LAST] if prefix else []
