"""Filters without their values: searches of one shape share their statements.

A value is replaced by a mark of its kind. The statement is built and compiled
with the marks; where one is among its parameters, a value goes in when it runs.
What decides how a statement is built stays in the shape: operators, lists but
for short ones of short texts, patterns, flags, and values at the edge of what a
column holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from headwater.model.filters import And, Between, Comparison, Filter, In, Not, Operator, Or, Scalar
from headwater.model.joins import Call, Constant, Expression, Joined
from headwater.store.sql.prepared import padded
from headwater.store.sql.search.comparisons import EXACT_BELOW
from headwater.store.sql.text import HEAD_CHARS, encode

Values: TypeAlias = tuple[Scalar, ...]

MOST: Final = 64
"""How many values of one filter are replaced; the rest stays in the shape."""

_WHOLES: Final = {EXACT_BELOW - 7_000_000_123 - i: i for i in range(MOST)}
_DOUBLES: Final = {math.ldexp(0.812345678912345, 900 + i): i for i in range(MOST)}
_TEXTS: Final = {f"\x7f\x01{i:02}\x01\x7f": i for i in range(MOST)}
_MARKS: Final[Mapping[type, tuple[Any, ...]]] = {
    int: tuple(_WHOLES),
    float: tuple(_DOUBLES),
    str: tuple(_TEXTS),
}
_PATTERNS: Final = frozenset({Operator.LIKE, Operator.ILIKE, Operator.NOT_LIKE, Operator.NOT_ILIKE})


def shape_of(tree: Filter | None) -> tuple[Filter | None, Values]:
    """Return a filter with marks in the place of its values, and the values by the number of their mark."""
    values: list[Scalar] = []
    return (None if tree is None else _marked(tree, values)), tuple(values)


def slots_of(parameters: Mapping[str, Any]) -> dict[str, tuple[int, type[float] | None]]:
    """Find the marks among a statement's parameters.

    Returns:
        By parameter, the number of the value that goes there, and the type that it is turned into.
    """
    found: dict[str, tuple[int, type[float] | None]] = {}
    for name, value in parameters.items():
        match value:
            case int() if value in _WHOLES:
                found[name] = (_WHOLES[value], None)
            case float() if value.is_integer() and int(value) in _WHOLES:
                found[name] = (_WHOLES[int(value)], float)
            case float() if value in _DOUBLES:
                found[name] = (_DOUBLES[value], None)
            case str() if value in _TEXTS:
                found[name] = (_TEXTS[value], None)
            case _:
                continue
    return found


def _marked(tree: Filter, values: list[Scalar]) -> Filter:
    match tree:
        case And(terms):
            return And(tuple(_marked(term, values) for term in terms))
        case Or(terms):
            return Or(tuple(_marked(term, values) for term in terms))
        case Not(term):
            return Not(_marked(term, values))
        case Comparison(_, operator, value) if operator not in _PATTERNS:
            return replace(tree, value=_mark(value, values))
        case In(_, texts) if _fits(several := padded(texts), values):
            return replace(tree, values=tuple(_mark(text, values) for text in several))
        case Between(_, low, high):
            return replace(tree, low=_mark(low, values), high=_mark(high, values))
        case Joined(condition):
            return Joined(_marked_expression(condition, values))
        case _:
            return tree


def _fits(texts: Sequence[Scalar], values: list[Scalar]) -> bool:
    """Tell whether a list is one of short texts, all of which can be replaced."""
    return len(values) + len(texts) <= MOST and all(
        isinstance(text, str) and _is_plain(text) for text in texts
    )


def _marked_expression(tree: Expression, values: list[Scalar]) -> Expression:
    match tree:
        case Constant(int() | float() | str() as value):
            return Constant(_mark(value, values))
        case Call("like", (text, pattern)):
            return Call("like", (_marked_expression(text, values), pattern))
        case Call(operator, arguments):
            return Call(operator, tuple(_marked_expression(argument, values) for argument in arguments))
        case _:
            return tree


def _mark(value: Scalar, values: list[Scalar]) -> Scalar:
    if len(values) == MOST or not _is_plain(value):
        return value
    values.append(value)
    return _MARKS[type(value)][len(values) - 1]


def _is_plain(value: Scalar) -> bool:
    """Tell whether any other such value would give the same statement."""
    match value:
        case bool():
            return False
        case int():
            return abs(value) < EXACT_BELOW
        case float():
            return math.isfinite(value) and abs(value) < EXACT_BELOW
        case str():
            return len(value) < HEAD_CHARS and encode(value) == value
