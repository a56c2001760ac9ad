"""MLflow's filter and order texts, read into the store's tree; what can be named is a table for each entity.

Beyond MLflow's grammar: OR, NOT, parentheses, and IN for every text.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlglot import TokenType

from headwater.model.filters import Comparison, Field, Filter, In, IsNull, Not, Operator, Scalar
from headwater.model.listing import Order
from headwater.query.attributes import Attribute, ValueType
from headwater.query.literals import Literal
from headwater.query.names import is_name, read_parts
from headwater.query.structure import read_structure
from headwater.query.tokens import Cursor

MAX_VALUES: Final = 10_000
"""Values in one IN list."""

_SIGNS: Final = {
    TokenType.EQ: Operator.EQ,
    TokenType.NEQ: Operator.NE,
    TokenType.LT: Operator.LT,
    TokenType.LTE: Operator.LE,
    TokenType.GT: Operator.GT,
    TokenType.GTE: Operator.GE,
    TokenType.LIKE: Operator.LIKE,
    TokenType.ILIKE: Operator.ILIKE,
}
_NEGATED: Final = {TokenType.LIKE: Operator.NOT_LIKE, TokenType.ILIKE: Operator.NOT_ILIKE}
_DIRECTIONS: Final = {"asc": False, "desc": True}

Test: TypeAlias = Comparison | In | IsNull

EQUALITY: Final = frozenset({"=", "!=", "IN", "NOT IN"})
TEXT: Final = frozenset({*EQUALITY, "LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"})
NUMBER: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
NULL: Final = frozenset({"IS NULL", "IS NOT NULL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a name in a filter stands for.

    Attributes:
        field: What is compared.
        operators: Which operators it takes.
        value_type: What it is compared with.
        rewrite: Makes the condition that is meant of a test on the field, with the values as written.
        is_sortable: It can be ordered by.
    """

    field: Field
    operators: frozenset[str] = TEXT
    value_type: ValueType = ValueType.STRING
    rewrite: Callable[[Test], Filter] | None = None
    is_sortable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What can be named of one entity.

    Attributes:
        attributes: Keys by name; they stand alone or behind one of `attribute_words`.
        scopes: By the word before the dot, what the name behind it stands for.
        attribute_words: Words that may stand before an attribute.
    """

    attributes: Mapping[str, Key]
    scopes: Mapping[str, Callable[[str], Key]] = field(default_factory=dict[str, Callable[[str], Key]])
    attribute_words: frozenset[str] = frozenset({"attribute", "attributes", "attr"})


def parse_filter(text: str, names: Names) -> Filter | None:
    """Read a filter; None when it is blank.

    Raises:
        FilterError: it is no filter, or names what does not exist.
    """
    cursor = Cursor(text)
    return None if cursor.is_at_end else read_structure(cursor, lambda at: _read_condition(at, names))


def parse_order(texts: Sequence[str], names: Names) -> tuple[Order, ...]:
    """Read what to sort by, most important key first.

    Raises:
        FilterError: a key is unknown or named twice.
    """
    orders: list[Order] = []
    for text in texts:
        cursor = Cursor(text)
        key, place = _read_key(cursor, names), cursor.current
        word = place.text.lower() if place.token_type is TokenType.VAR else ""
        if word in _DIRECTIONS:
            cursor.take()
        if not cursor.is_at_end:
            raise cursor.fault("Invalid order_by clause", allowed=("ASC", "DESC"))
        if not key.is_sortable:
            raise cursor.fault("Invalid order_by key: nothing is sorted by it", at=0)
        if key.field in (order.field for order in orders):
            raise cursor.fault("`order_by` contains duplicate fields", at=0)
        orders.append(Order(key.field, is_descending=_DIRECTIONS.get(word, False)))
    return tuple(orders)


def matching(names: Iterable[str], test: Comparison | In) -> tuple[str, ...]:
    """Return the texts that meet a test on a text."""
    match test:
        case In(values=values, is_negated=is_negated):
            return tuple(name for name in names if (name in values) is not is_negated)
        case Comparison(operator=Operator.EQ, value=value):
            return tuple(name for name in names if name == value)
        case Comparison(operator=Operator.NE, value=value):
            return tuple(name for name in names if name != value)
        case Comparison(operator=operator, value=value):
            is_like = _pattern(str(value), ignores_case=operator in {Operator.ILIKE, Operator.NOT_ILIKE})
            is_negated = operator in {Operator.NOT_LIKE, Operator.NOT_ILIKE}
            return tuple(name for name in names if is_like(name) is not is_negated)


def _read_condition(cursor: Cursor, names: Names) -> Filter:
    key = _read_key(cursor, names)
    test, is_negated = _read_test(cursor, key)
    meant = test if key.rewrite is None else key.rewrite(test)
    return Not(meant) if is_negated else meant


def _read_key(cursor: Cursor, names: Names) -> Key:
    start = cursor.current
    if not is_name(cursor):
        raise cursor.fault("Invalid clause(s) in filter string: a key must stand here", allowed=_words(names))
    parts = [token.text for token in read_parts(cursor)]
    if len(parts) == 1 and start.token_type is TokenType.IDENTIFIER and "." in parts[0]:
        # The whole key in quotes: "metrics.acc".
        parts = parts[0].split(".", 1)
    name = ".".join(parts[1:])
    if name and (scope := names.scopes.get(parts[0])):
        return scope(name)
    if name and parts[0] not in names.attribute_words:
        raise cursor.fault(f"Invalid entity type {parts[0]!r}", at=start, allowed=_words(names))
    wanted = name or parts[0]
    if (found := names.attributes.get(wanted)) is None:
        raise cursor.fault(f"Invalid attribute key {wanted!r} specified", at=start, allowed=_words(names))
    return found


def _read_test(cursor: Cursor, key: Key) -> tuple[Test, bool]:
    """Read operator and value; the answer's second part says that its opposite is meant."""
    place = cursor.current
    if cursor.accept(TokenType.IS):
        is_negated = cursor.accept(TokenType.NOT) is not None
        if not cursor.accept(TokenType.NULL):
            raise cursor.fault("IS asks for a missing value only", allowed=("NULL", "NOT NULL"))
        _check(cursor, key, "IS NOT NULL" if is_negated else "IS NULL", place.start)
        return IsNull(key.field), is_negated
    is_negated = cursor.accept(TokenType.NOT) is not None
    sign = cursor.current.token_type
    if cursor.accept(TokenType.IN):
        _check(cursor, key, "NOT IN" if is_negated else "IN", place.start)
        return In(key.field, _read_list(cursor, key), is_negated), False
    operator = _NEGATED.get(sign) if is_negated else _SIGNS.get(sign)
    if operator is None:
        raise cursor.fault(
            "Invalid clause(s) in filter string: a comparator must follow", allowed=sorted(key.operators)
        )
    cursor.take()
    _check(cursor, key, operator.value.upper(), place.start)
    return Comparison(key.field, operator, _read_value(cursor, key)), False


def _check(cursor: Cursor, key: Key, operator: str, place: int) -> None:
    if operator not in key.operators:
        raise cursor.fault(
            f"Invalid comparator {operator!r} for {key.field}", at=place, allowed=sorted(key.operators)
        )


def _read_list(cursor: Cursor, key: Key) -> tuple[Scalar, ...]:
    if not cursor.accept(TokenType.L_PAREN):
        raise cursor.fault("a list must follow", allowed=("(",))
    values: list[Scalar] = []
    while not values or cursor.accept(TokenType.COMMA):
        if cursor.accept(TokenType.R_PAREN):
            # MLflow's readers take ('a',), as Python writes it.
            if values:
                return tuple(values)
            raise cursor.fault("an empty list matches nothing")
        values.append(_read_value(cursor, key))
        if len(values) > MAX_VALUES:
            raise cursor.fault(f"a list has at most {MAX_VALUES:,} values")
    if not cursor.accept(TokenType.R_PAREN):
        raise cursor.fault("the list must go on or end here", allowed=(",", ")"))
    return tuple(values)


def _read_value(cursor: Cursor, key: Key) -> Scalar:
    token = cursor.current
    if token.token_type is TokenType.IDENTIFIER and cursor.spelled(token).startswith('"'):
        cursor.take()
        if key.value_type is ValueType.STRING:
            return token.text
        raise cursor.fault(f"{key.field} is compared with a number, without quotes", at=token)
    return Literal(cursor).as_scalar(Attribute(key.value_type, ""))


def _words(names: Names) -> list[str]:
    return [*sorted(names.attributes), *(f"{word}.NAME" for word in names.scopes)]


def _pattern(pattern: str, *, ignores_case: bool) -> Callable[[str], bool]:
    text = re.escape(pattern).replace("%", ".*").replace("_", ".")
    compiled = re.compile(text, re.DOTALL | (re.IGNORECASE if ignores_case else 0))
    return lambda name: compiled.fullmatch(name) is not None
