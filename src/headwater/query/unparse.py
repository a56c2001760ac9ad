"""Filter trees to canonical text."""

import re
from math import isnan
from typing import Final, assert_never

from headwater.errors import InvalidError
from headwater.model.filters import (
    And,
    Between,
    Comparison,
    Field,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    Scalar,
    Scope,
)
from headwater.model.joins import Joined

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = {
    Scope.METRIC: "metrics",
    Scope.PARAM: "params",
    Scope.TAG: "tags",
    Scope.PROPERTY: "properties",
}


def unparse(tree: Filter) -> str:
    """Write a filter as text that `parse_filter` reads as the same tree.

    Args:
        tree: A tree that `parse_filter` gave. Of one built by hand, nested ANDs
            and ORs of one kind come back flattened, and NOT NOT without both.

    Raises:
        InvalidError: the tree holds what has no text: NaN, or an AND or OR of nothing.

    Example:
        >>> from headwater.model.filters import Entity
        >>> from headwater.query.parse import parse_filter
        >>> unparse(parse_filter("not (name like 'a%' or 3 <= id)", Entity.ARTIFACT))
        "NOT (name LIKE 'a%' OR id >= 3)"
    """
    match tree:
        case Comparison(field, operator, value):
            return f"{_field(field)} {operator.value.upper()} {_value(value)}"
        case In(field, values, is_negated):
            listed = ", ".join(map(_value, values))
            return f"{_field(field)} {_not(is_negated=is_negated)}IN ({listed})"
        case Between(field, low, high, is_negated):
            return f"{_field(field)} {_not(is_negated=is_negated)}BETWEEN {_value(low)} AND {_value(high)}"
        case IsNull(field):
            return f"{_field(field)} IS NULL"
        case Not(IsNull(field)):
            return f"{_field(field)} IS NOT NULL"
        case Not(term):
            return f"NOT {_inner(term, And, Or)}"
        case And(terms):
            return _joined(" AND ", [_inner(term, And, Or) for term in terms])
        case Or(terms):
            return _joined(" OR ", [_inner(term, Or) for term in terms])
        case Joined():
            raise InvalidError("a condition on joined rows has no text in this language")
        case _:
            assert_never(tree)


def _inner(tree: Filter, *bracketed: type[Filter]) -> str:
    text = unparse(tree)
    return f"({text})" if isinstance(tree, bracketed) else text


def _joined(word: str, terms: list[str]) -> str:
    if not terms:
        raise InvalidError(f"a filter holds an{word.lower()}of nothing")
    return word.join(terms)


def _field(field: Field) -> str:
    name = field.name if _PLAIN.fullmatch(field.name) else "`" + field.name.replace("`", "``") + "`"
    own = name if field.scope is Scope.ATTRIBUTE else f"{_WORDS[field.scope]}.{name}"
    return f"{field.relation.value}.{own}" if field.relation else own


def _not(*, is_negated: bool) -> str:
    return "NOT " if is_negated else ""


def _value(value: Scalar) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float() if isnan(value):
            raise InvalidError("a filter cannot compare with NaN: nothing equals it")
        case _:
            return repr(value)
