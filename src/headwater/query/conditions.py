"""One condition of the native filter language: a field, an operator and what it takes."""

from typing import Final

from sqlglot import Token, TokenType

from headwater.model.filters import Between, Comparison, Entity, Filter, In, IsNull, Not, Operator, Scalar
from headwater.query.attributes import ValueType
from headwater.query.limits import MAX_PATTERN_CHARS, MAX_VALUES
from headwater.query.literals import Literal, is_literal
from headwater.query.names import TypedField, is_name, names_of, read_field
from headwater.query.tokens import Cursor

_COMPARISONS: Final = {
    TokenType.EQ: Operator.EQ,
    TokenType.NEQ: Operator.NE,
    TokenType.LT: Operator.LT,
    TokenType.LTE: Operator.LE,
    TokenType.GT: Operator.GT,
    TokenType.GTE: Operator.GE,
}
_PATTERNS: Final = {
    (TokenType.LIKE, False): Operator.LIKE,
    (TokenType.ILIKE, False): Operator.ILIKE,
    (TokenType.LIKE, True): Operator.NOT_LIKE,
    (TokenType.ILIKE, True): Operator.NOT_ILIKE,
}
_TURNED: Final = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
}
_OPERATOR_SIGNS: Final = frozenset({*_COMPARISONS, TokenType.UNKNOWN})
_EQUALITIES: Final = frozenset({Operator.EQ, Operator.NE})
_OPERATORS: Final = ("=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "BETWEEN", "NOT", "IS")


class ConditionReader:
    """Reads one condition on an entity from a cursor."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._value_count = 0

    def __call__(self, cursor: Cursor) -> Filter:
        """Read a condition.

        Raises:
            FilterError: there is none, or it makes no sense for the field.
        """
        if is_literal(cursor):
            return self._read_turned(cursor)
        if not is_name(cursor):
            raise cursor.fault("a condition must stand here", allowed=names_of(self._entity))
        field = read_field(cursor, self._entity)
        operator = cursor.current
        if symbol := _accept_comparison(cursor):
            return _compare(cursor, field, symbol, operator, _read_value(cursor))
        if cursor.accept(TokenType.IS):
            return _read_null(cursor, field)
        is_negated = cursor.accept(TokenType.NOT) is not None
        if pattern := _PATTERNS.get((cursor.current.token_type, is_negated)):
            cursor.take()
            return _compare(cursor, field, pattern, operator, Literal(cursor))
        if cursor.accept(TokenType.IN):
            return self._read_in(cursor, field, is_negated=is_negated)
        if cursor.accept(TokenType.BETWEEN):
            return _read_between(cursor, field, operator, is_negated=is_negated)
        raise _no_operator(cursor, is_negated=is_negated)

    def _read_turned(self, cursor: Cursor) -> Filter:
        """Read `0.7 < metrics.auc` as `metrics.auc > 0.7`."""
        literal = Literal(cursor)
        token = cursor.current
        operator = _accept_comparison(cursor)
        if operator is None:
            raise cursor.fault("a comparison must follow", allowed=_OPERATORS[:6])
        if not is_name(cursor):
            raise cursor.fault("a field must follow", allowed=names_of(self._entity))
        field = read_field(cursor, self._entity)
        return _compare(cursor, field, _TURNED[operator], token, literal)

    def _read_in(self, cursor: Cursor, field: TypedField, *, is_negated: bool) -> In:
        opened = cursor.accept(TokenType.L_PAREN)
        if not opened:
            raise cursor.fault("a list must follow", allowed=("(",))
        values: list[Scalar] = []
        while not values or cursor.accept(TokenType.COMMA):
            self._value_count += 1
            if self._value_count > MAX_VALUES:
                raise cursor.fault(f"the lists of a filter have at most {MAX_VALUES:,} values")
            values.append(_read_value(cursor).as_scalar(field.attribute))
        if not cursor.accept(TokenType.R_PAREN):
            if cursor.is_at_end:
                raise cursor.fault("this parenthesis is never closed", at=opened)
            raise cursor.fault("the list must go on or end here", allowed=(",", ")"))
        return In(field.field, tuple(values), is_negated)


def _accept_comparison(cursor: Cursor) -> Operator | None:
    token = cursor.accept(*_COMPARISONS)
    if token is None:
        return None
    last = token
    while cursor.current.start == last.end + 1 and cursor.current.token_type in _OPERATOR_SIGNS:
        last = cursor.take()
    if last is not token:
        shown = cursor.text[token.start : last.end + 1]
        raise cursor.fault(f"{shown!r} is not an operator", at=token, allowed=_OPERATORS)
    return _COMPARISONS[token.token_type]


def _compare(
    cursor: Cursor, field: TypedField, operator: Operator, place: Token, literal: Literal
) -> Comparison:
    _check_operator(cursor, field, operator, place)
    value = literal.as_scalar(field.attribute)
    if operator in _PATTERNS.values():
        _check_pattern(cursor, value, literal.token)
    if isinstance(value, bool) and operator not in _EQUALITIES:
        raise cursor.fault("true and false have no order", at=place, allowed=("=", "!="))
    return Comparison(field.field, operator, value)


def _check_pattern(cursor: Cursor, pattern: Scalar, place: Token) -> None:
    if not isinstance(pattern, str):
        raise cursor.fault("a pattern is a string in single quotes", at=place)
    if len(pattern) > MAX_PATTERN_CHARS:
        raise cursor.fault(f"a pattern has at most {MAX_PATTERN_CHARS:,} characters", at=place)


def _check_operator(cursor: Cursor, field: TypedField, operator: Operator, place: Token) -> None:
    type_ = field.attribute.value_type
    if operator in _PATTERNS.values() and type_ not in {ValueType.STRING, ValueType.ANY}:
        allowed = ("=", "!=", "IN") if type_ is ValueType.ENUM else (*_OPERATORS[:6], "IN", "BETWEEN")
        raise cursor.fault(f"{field.field} is not a string", at=place, allowed=allowed)
    if type_ is ValueType.ENUM and operator not in _EQUALITIES:
        raise cursor.fault(f"the values of {field.field} have no order", at=place, allowed=("=", "!=", "IN"))


def _read_value(cursor: Cursor) -> Literal:
    """Read the right-hand side, and tell a value that lacks its quotes from another field."""
    following = cursor.following.token_type
    if is_name(cursor) and following is TokenType.DOT:
        raise cursor.fault("a field is compared with a value, not with another field")
    if is_name(cursor) and following is TokenType.L_PAREN:
        raise cursor.fault("functions are not part of the filter language")
    return Literal(cursor)


def _read_between(cursor: Cursor, field: TypedField, place: Token, *, is_negated: bool) -> Between:
    if field.attribute.value_type is ValueType.ENUM:
        raise cursor.fault(f"the values of {field.field} have no order", at=place, allowed=("=", "!=", "IN"))
    low = _read_bound(cursor, field)
    if not cursor.accept(TokenType.AND):
        raise cursor.fault("the second end must follow", allowed=("AND",))
    high_token = cursor.current
    high = _read_bound(cursor, field)
    if isinstance(low, str) is not isinstance(high, str):
        raise cursor.fault("both ends must be strings, or both numbers", at=high_token)
    return Between(field.field, low, high, is_negated)


def _read_bound(cursor: Cursor, field: TypedField) -> int | float | str:
    token = cursor.current
    value = _read_value(cursor).as_scalar(field.attribute)
    if isinstance(value, bool):
        raise cursor.fault("true and false have no order", at=token)
    return value


def _read_null(cursor: Cursor, field: TypedField) -> Filter:
    is_negated = cursor.accept(TokenType.NOT) is not None
    if not cursor.accept(TokenType.NULL):
        allowed = ("NULL",) if is_negated else ("NULL", "NOT NULL")
        raise cursor.fault("IS asks for a missing value only", allowed=allowed)
    found = IsNull(field.field)
    return Not(found) if is_negated else found


def _no_operator(cursor: Cursor, *, is_negated: bool) -> Exception:
    if is_negated:
        return cursor.fault("NOT stands before these here", allowed=("LIKE", "ILIKE", "IN", "BETWEEN"))
    if cursor.is_at_end or cursor.current.token_type in {TokenType.AND, TokenType.OR, TokenType.R_PAREN}:
        return cursor.fault("the comparison is not finished", allowed=_OPERATORS)
    return cursor.fault(f"{cursor.spelled(cursor.current)!r} is not an operator", allowed=_OPERATORS)
