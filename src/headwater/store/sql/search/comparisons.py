"""What a column or a property row has to meet, for every operator and kind of value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from headwater.errors import InvalidError
from headwater.model.filters import Between, Comparison, In, Operator, Scalar
from headwater.model.values import INT64_MAX, INT64_MIN, ValueKind
from headwater.store.sql.search.places import Column
from headwater.store.sql.text import AnyText
from headwater.store.sql.values import split_infinity, split_text

Condition: TypeAlias = sa.ColumnElement[bool]
Test: TypeAlias = Comparison | In | Between
"""A leaf of a filter that looks at a value; the other leaf, IS NULL, asks whether there is one."""

ESCAPE: Final = "|"
"""Escapes itself in patterns; nothing else does, so that LIKE means the same on every database."""

MAX_PATTERN_CHARS: Final = 10_000
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_LAST_BEFORE_SURROGATES: Final = "\ud7ff"
EXACT_BELOW: Final = 2**53
"""Whole numbers up to here are exact as doubles."""

_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], Any]]] = {
    Operator.EQ: eq,
    Operator.NE: ne,
    Operator.LT: lt,
    Operator.LE: le,
    Operator.GT: gt,
    Operator.GE: ge,
}
_NUMBERS: Final = (ValueKind.INT, ValueKind.DOUBLE)
_SPELLED: Final = (ValueKind.STRING, ValueKind.INT, ValueKind.DOUBLE, ValueKind.BOOLEAN, ValueKind.PROTO)
"""Kinds of param that have a text: all that have a `head`; that of a message is its type's URL."""


def column_test(column: Column, test: Test) -> Condition:
    """Return what a plain column meets; NULL where it is NULL."""
    match test:
        case Comparison(_, operator, value) if operator in _COMPARE:
            return _COMPARE[operator](column, value)
        case Comparison(_, operator, value):
            return like(column, operator, value)
        case In(_, values, is_negated):
            return column.not_in(values) if is_negated else column.in_(values)
        case Between(_, low, high, is_negated):
            within = sa.and_(column >= low, column <= high)
            return sa.not_(within) if is_negated else within


def number_test(column: Column, test: Test) -> Condition:
    """Return what a column of doubles meets in which infinities are clamped and NaN is NULL."""
    match test:
        case Comparison(field, operator, value):
            return column_test(column, Comparison(field, operator, clamped(value)))
        case In(field, values, is_negated):
            return column_test(column, In(field, tuple(map(clamped, values)), is_negated))
        case Between(field, low, high, is_negated):
            return column_test(column, Between(field, clamped(low), clamped(high), is_negated))


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """The columns of a property row, and whether numbers and texts compare with each other, as params do."""

    columns: Any
    is_param: bool

    def test(self, test: Test) -> Condition:
        """Return what the row meets; a value of a kind that cannot be compared meets nothing."""
        match test:
            case Comparison(_, operator, value):
                return self._compare(operator, value)
            case In(_, values, is_negated):
                return self._among(values, is_negated=is_negated)
            case Between(_, low, high, is_negated):
                within = sa.and_(self._compare(Operator.GE, low), self._compare(Operator.LE, high))
                comparable = self._is_text() if isinstance(low, str) else self._is_number()
                return sa.and_(comparable, sa.not_(within)) if is_negated else within

    def _compare(self, operator: Operator, value: Scalar) -> Condition:
        match value:
            case bool():
                return sa.and_(
                    self.columns.kind == ValueKind.BOOLEAN,
                    _COMPARE[operator](self.columns.int_value, int(value)),
                )
            case int() | float():
                return sa.and_(self._is_number(), self._number(operator, value))
            case str():
                return sa.and_(self._is_text(), self._text(operator, value))

    def _is_number(self) -> Condition:
        has_number = self.columns.number_value.is_not(None)
        return has_number if self.is_param else sa.and_(self.columns.kind.in_(_NUMBERS), has_number)

    def _is_text(self) -> Condition:
        return self.columns.kind.in_(_SPELLED if self.is_param else (ValueKind.STRING,))

    def _number(self, operator: Operator, value: int | float) -> Condition:
        number, whole = self.columns.number_value, near_whole(value)
        if whole is None:
            return _COMPARE[operator](number, clamped(value))
        # The double in the index is only near to a large integer, so the integers themselves decide.
        is_int = self.columns.kind == ValueKind.INT
        exact = _COMPARE[operator](self.columns.int_value, whole)
        doubles = sa.and_(sa.not_(is_int), _doubles(number, operator, whole))
        return sa.or_(sa.and_(is_int, exact), doubles)

    def _text(self, operator: Operator, value: str) -> Condition:
        head, rest = split_text(value)
        # `head` is in the index; the whole text decides.
        given, first = plain(head if rest is None else rest), plain(head)
        whole = sa.func.coalesce(raw(self.columns.text_value), raw(self.columns.head))
        match operator:
            case Operator.EQ:
                return sa.and_(raw(self.columns.head) == first, whole == given)
            case Operator.LT | Operator.LE:
                return sa.and_(raw(self.columns.head) <= first, _COMPARE[operator](whole, given))
            case Operator.GT | Operator.GE:
                return sa.and_(raw(self.columns.head) >= first, _COMPARE[operator](whole, given))
            case Operator.NE:
                return whole != given
            case _:
                return like(sa.func.coalesce(self.columns.text_value, self.columns.head), operator, value)

    def _among(self, values: tuple[Scalar, ...], *, is_negated: bool) -> Condition:
        texts = [value for value in values if isinstance(value, str)]
        flags = [int(value) for value in values if isinstance(value, bool)]
        numbers = [value for value in values if not isinstance(value, (bool, str))]
        # NOT IN is met by a value that could be compared with one of the list, and equals none.
        kinds: list[tuple[Condition, Condition]] = []
        if texts:
            kinds.append((self._is_text(), self._text_among(texts)))
        if numbers:
            kinds.append((self._is_number(), self._number_among(numbers)))
        if flags:
            is_flag = self.columns.kind == ValueKind.BOOLEAN
            kinds.append((is_flag, sa.and_(is_flag, self.columns.int_value.in_(flags))))
        found = sa.or_(*(sa.and_(comparable, equal) for comparable, equal in kinds))
        if not is_negated:
            return found
        return sa.and_(sa.or_(*(comparable for comparable, _ in kinds)), sa.not_(found))

    def _number_among(self, values: list[int | float]) -> Condition:
        small = [clamped(value) for value in values if near_whole(value) is None]
        large = [value for value in values if near_whole(value) is not None]
        equal = [self._number(Operator.EQ, value) for value in large]
        return sa.or_(*([self.columns.number_value.in_(small)] if small else []), *equal)

    def _text_among(self, values: list[str]) -> Condition:
        split = [split_text(value) for value in values]
        short = [plain(head) for head, rest in split if rest is None]
        found: list[Condition] = []
        if short:
            found.append(sa.and_(raw(self.columns.head).in_(short), self.columns.text_value.is_(None)))
        if long := [(head, rest) for head, rest in split if rest is not None]:
            heads = sorted({head for head, _ in long})
            found.append(
                sa.and_(
                    raw(self.columns.head).in_([plain(head) for head in heads]),
                    self.columns.text_value.is_not(None),
                    raw(self.columns.text_value).in_([plain(rest) for _, rest in long]),
                )
            )
        return sa.or_(*found)


def like(column: Column, operator: Operator, value: Scalar) -> Condition:
    """Return what LIKE and its kin mean, the same on every database."""
    if not isinstance(value, str) or len(value) > MAX_PATTERN_CHARS:
        raise InvalidError(f"a pattern is a string of at most {MAX_PATTERN_CHARS:,} characters")
    pattern: Any = sa.literal(value.replace(ESCAPE, ESCAPE * 2), column.type)
    if operator in {Operator.LIKE, Operator.NOT_LIKE}:
        found = column.like(pattern, escape=ESCAPE)
    else:
        found = sa.func.lower(column).like(sa.func.lower(pattern), escape=ESCAPE)
        if reach := reach_of(value):
            found = sa.and_(Near(column, *(sa.literal(end, column.type) for end in reach)), found)
    return sa.not_(found) if operator in {Operator.NOT_LIKE, Operator.NOT_ILIKE} else found


def reach_of(pattern: str) -> tuple[str, str] | None:
    """Return the first text that a pattern without regard to case may match, and the first after the last.

    None when it begins with a wildcard, or when no text comes after.
    """
    begin = re.split("[%_]", pattern, maxsplit=1)[0].translate(_LOWER)
    if not begin or begin[-1] >= _LAST_BEFORE_SURROGATES:
        return None
    return begin, begin[:-1] + chr(ord(begin[-1]) + 1)


class Near(FunctionElement[bool]):
    """What follows from a pattern, and costs less where the database has an order without regard to case.

    Its arguments are a text, the first text that the pattern may match, and the first after all of them.
    """

    inherit_cache = True
    type = sa.Boolean()
    _is_implicitly_boolean = True


@compiles(Near)
def _everywhere(*_: Any, **__: Any) -> str:
    return "1 = 1"


@compiles(Near, "sqlite")
def _in_order(near: Near, compiler: Any, **options: Any) -> str:
    # lower() and LIKE make two texts for each row, NOCASE none.
    text, first, end = (compiler.process(each, **options) for each in near.clauses)
    return f"({text} COLLATE NOCASE >= {first} AND {text} COLLATE NOCASE < {end})"


def _doubles(column: Column, operator: Operator, whole: int) -> Condition:
    """Compare doubles with an integer that may lie between two of them."""
    near = float(whole)
    if near == whole:
        return _COMPARE[operator](column, near)
    match operator:
        case Operator.LT | Operator.LE:
            return column <= near if near < whole else column < near
        case Operator.GT | Operator.GE:
            return column >= near if near > whole else column > near
        case _:
            return sa.true() if operator is Operator.NE else sa.false()


def near_whole(value: int | float) -> int | None:
    """Return a whole number that a double may not tell from its neighbours, None for all others."""
    if abs(value) < EXACT_BELOW or not INT64_MIN <= value <= INT64_MAX:
        return None
    return int(value)


def clamped(value: Scalar) -> float:
    """Return a number as it is stored in a column of doubles.

    Raises:
        InvalidError: it is a text, or NaN.
    """
    if isinstance(value, str):
        raise InvalidError(f"a number is compared with numbers, not with {value[:40]!r}")
    number, _ = split_infinity(float(value))
    if number is None:
        raise InvalidError("a filter cannot compare with NaN: nothing equals it")
    return number


def raw(column: Column) -> Column:
    """Take a text column as it is stored: what it is compared with is escaped already, and may be cut."""
    return sa.type_coerce(column, sa.Text())


def as_stored(column: Column) -> Column:
    """Take any column as the driver has it."""
    return raw(column) if isinstance(column.type, AnyText) else column


def plain(text: str) -> sa.BindParameter[str]:
    """Give a text that is escaped already."""
    return sa.literal(text, sa.Text())
