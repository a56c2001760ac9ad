"""Values in a filter: read, checked against the field's type, and turned into what is stored."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlglot import Token, TokenType

from headwater.model.filters import Scalar
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.query.attributes import Attribute, ValueType
from headwater.query.tokens import Cursor

_WHOLE: Final = re.compile(r"[0-9]+")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_INFINITY: Final = frozenset({"inf", "infinity"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_BARE: Final = frozenset(
    {TokenType.STRING, TokenType.NUMBER, TokenType.TRUE, TokenType.FALSE, TokenType.DASH}
)


def is_literal(cursor: Cursor) -> bool:
    """Tell whether a value stands at the cursor; a bare word may be one too, or a name."""
    return cursor.current.token_type in _BARE


class Literal:
    """A value as written, with its place; its meaning depends on the field beside it."""

    def __init__(self, cursor: Cursor) -> None:
        """Read a value.

        Raises:
            FilterError: there is none.
        """
        self._cursor = cursor
        self.token = cursor.current
        self._is_negative = cursor.accept(TokenType.DASH) is not None
        self._token = _read_token(cursor, is_number=self._is_negative)

    def as_scalar(self, attribute: Attribute) -> Scalar:
        """Return the value as a field of this type has it.

        Raises:
            FilterError: such a field cannot have it.
        """
        match attribute.value_type:
            case ValueType.STRING:
                return self._string(attribute)
            case ValueType.INTEGER:
                return self._integer(attribute)
            case ValueType.TIME:
                return self._time(attribute)
            case ValueType.ENUM:
                return self._member(attribute)
            case ValueType.NUMBER:
                return float(self._number(attribute))
            case ValueType.ANY:
                return self._any(attribute)

    def _any(self, attribute: Attribute) -> Scalar:
        match self._token.token_type:
            case TokenType.STRING:
                return self._token.text
            case TokenType.TRUE | TokenType.FALSE:
                return self._token.token_type is TokenType.TRUE
            case _:
                return self._number(attribute)

    def _string(self, attribute: Attribute) -> str:
        if self._token.token_type is TokenType.STRING:
            return self._token.text
        raise self._misfit(attribute)

    def _number(self, attribute: Attribute) -> int | float:
        text = self._token.text
        sign = -1 if self._is_negative else 1
        if self._token.token_type is TokenType.VAR and text.lower() in _INFINITY:
            return sign * float("inf")
        if self._token.token_type is not TokenType.NUMBER or not _NUMBER.fullmatch(text):
            raise self._misfit(attribute)
        # 64 bits hold less than 20 digits; int() refuses more than 4,300.
        if _WHOLE.fullmatch(text) and len(text) < 20 and INT64_MIN <= sign * int(text) <= INT64_MAX:
            return sign * int(text)
        return sign * float(text)

    def _integer(self, attribute: Attribute) -> int:
        number = self._number(attribute)
        if isinstance(number, int):
            return number
        if _WHOLE.fullmatch(self._token.text):
            raise self._cursor.fault("this number does not fit in 64 bits", at=self.token)
        raise self._misfit(attribute)

    def _time(self, attribute: Attribute) -> int:
        if self._token.token_type is not TokenType.STRING:
            return self._integer(attribute)
        try:
            moment = datetime.fromisoformat(self._token.text)
        except ValueError:
            raise self._misfit(attribute) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND

    def _member(self, attribute: Attribute) -> int:
        if attribute.members is None:
            raise TypeError("an ENUM attribute needs its members")
        members = attribute.members.__members__
        if self._token.token_type is TokenType.NUMBER:
            number = self._integer(attribute)
            if number in {int(member) for member in members.values()}:
                return number
        elif (name := self._token.text.upper()) in members:
            return int(members[name])
        shown = self._cursor.spelled(self._token)
        raise self._cursor.fault(f"{shown} is none of its names", at=self.token, allowed=list(members))

    def _misfit(self, attribute: Attribute) -> Exception:
        problem = f"this must be {attribute.value_type.value}"
        if self._token.token_type is TokenType.IDENTIFIER and self._cursor.spelled(self._token)[0] == '"':
            problem += "; double quotes are for names"
        return self._cursor.fault(problem, at=self.token)


def _read_token(cursor: Cursor, *, is_number: bool) -> Token:
    token = cursor.current
    words = (TokenType.VAR, TokenType.IDENTIFIER)
    if token.token_type is TokenType.NUMBER or token.token_type in words:
        return cursor.take()
    if not is_number and token.token_type in _BARE:
        return cursor.take()
    if token.token_type is TokenType.NULL:
        raise cursor.fault("nothing equals NULL", allowed=("IS NULL", "IS NOT NULL"))
    if token.token_type is TokenType.L_PAREN:
        raise cursor.fault("subqueries are not part of the filter language")
    raise cursor.fault("a number must follow" if is_number else "a value must follow")
