"""Filter and order texts to trees."""

from collections.abc import Sequence
from typing import Final

from sqlglot import TokenType

from headwater.model.filters import Entity, Filter
from headwater.model.listing import Order
from headwater.query.conditions import ConditionReader
from headwater.query.names import is_name, names_of, read_field
from headwater.query.structure import read_structure
from headwater.query.tokens import Cursor

MAX_KEYS: Final = 16
"""Keys to sort by."""

_DIRECTIONS: Final = {"asc": False, "desc": True}


def parse_filter(text: str, entity: Entity) -> Filter | None:
    """Read a filter.

    Fields are attributes (`status`), `metrics.NAME`, `params.NAME`, `tags.NAME`,
    `properties.NAME`, and those of related nodes (`inputs.name`); an odd name
    stands in backquotes or double quotes, a string in single quotes. Operators
    are `= != <> < <= > >=`, LIKE, ILIKE, IN, BETWEEN, each of these also with
    NOT, and IS [NOT] NULL, under AND, OR, NOT and parentheses.

    Args:
        text: A filter; blank text selects everything.
        entity: What is filtered; says which fields there are.

    Returns:
        The tree, or None for blank text. Times are milliseconds, and enums their numbers.

    Raises:
        FilterError: the text is no filter on this entity; shows where and what is allowed there.

    Example:
        >>> parse_filter("0.7 < metrics.auc", Entity.RUN)  # doctest: +NORMALIZE_WHITESPACE
        Comparison(field=Field(scope=<Scope.METRIC: 'metric'>, name='auc', relation=None),
                   operator=<Operator.GT: '>'>, value=0.7)
    """
    cursor = Cursor(text)
    if cursor.is_at_end:
        return None
    return read_structure(cursor, ConditionReader(entity))


def parse_order(text: str | Sequence[str], entity: Entity) -> tuple[Order, ...]:
    """Read what to sort by, most important key first.

    Args:
        text: Fields with ASC (the default) or DESC, parted by commas, or a sequence of such texts.
        entity: What is sorted.

    Raises:
        FilterError: a field is unknown, has several values per node, or is named twice.

    Example:
        >>> [str(order.field) for order in parse_order("metrics.auc desc, start_time", Entity.RUN)]
        ['metrics.auc', 'start_time']
    """
    orders: list[Order] = []
    for part in [text] if isinstance(text, str) else text:
        cursor = Cursor(part)
        while not cursor.is_at_end:
            _read_key(cursor, entity, orders)
            if not cursor.accept(TokenType.COMMA):
                break
            if cursor.is_at_end:
                raise cursor.fault("a field must follow the comma", allowed=names_of(entity))
        if not cursor.is_at_end:
            raise cursor.fault("the order must go on or end here", allowed=("ASC", "DESC", ","))
    return tuple(orders)


def _read_key(cursor: Cursor, entity: Entity, orders: list[Order]) -> None:
    """Read one field with its direction and append it to `orders`."""
    if not is_name(cursor):
        raise cursor.fault("a field must stand here", allowed=names_of(entity))
    if len(orders) == MAX_KEYS:
        raise cursor.fault(f"at most {MAX_KEYS} keys to sort by")
    typed = read_field(cursor, entity)
    if typed.field.relation or typed.attribute.is_many:
        raise cursor.fault("one node can have several of these, so it cannot be sorted by", at=typed.token)
    if typed.field in (order.field for order in orders):
        raise cursor.fault("this field is sorted by already", at=typed.token)
    word = cursor.current.text.lower() if cursor.current.token_type is TokenType.VAR else ""
    if word in _DIRECTIONS:
        cursor.take()
    orders.append(Order(typed.field, is_descending=_DIRECTIONS.get(word, False)))
