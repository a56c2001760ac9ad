"""Text columns that hold any Python string, the same way on every database.

PostgreSQL cannot store NUL, and no database can store half of a surrogate
pair; both are legal in a Python string. They are written as an escape that
starts with U+F8FF (a private-use character, which is escaped too), so equal
strings stay equal and different ones different. Collation is by code point
everywhere, without padding: `a` is not `A`, and not `a` with a space.
"""

import re
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

from headwater.errors import InvalidError
from headwater.model.graph import MAX_NAME_CHARS

HEAD_CHARS: Final = 128
"""Strings up to this length live whole in an indexed `head` column; see `values.py`."""
LONGEST_ESCAPE: Final = 5
"""Characters that stand for half a surrogate pair, which is the longest."""

_MARK: Final = "\uf8ff"
_TO_ESCAPE = re.compile("[\x00\uf8ff\ud800-\udfff]")
_ESCAPED = re.compile("\uf8ff(0|e|d[0-9a-f]{3})")


def encode(text: str) -> str:
    """Make a string storable; almost always it comes back as it is."""
    if text.isascii() and "\x00" not in text:
        return text
    return _TO_ESCAPE.sub(_escape, text)


def decode(text: str) -> str:
    """Undo `encode`."""
    return _ESCAPED.sub(_unescape, text) if _MARK in text else text


def encode_optional(text: str | None) -> str | None:
    """`encode` that passes None through."""
    return None if text is None else encode(text)


def decode_optional(text: str | None) -> str | None:
    """`decode` that passes None through."""
    return None if text is None else decode(text)


def check_length(what: str, text: str | None, *, least: int = 0, most: int = MAX_NAME_CHARS) -> None:
    """Check that a text fits into its column; None always does.

    Characters that are stored as an escape, such as NUL, count as what they become.

    Args:
        what: The column, for the message.
        text: The text.
        least: How many characters it must have.
        most: How many it may have.

    Raises:
        InvalidError: it does not fit.
    """
    if text is None or (least <= len(text) and LONGEST_ESCAPE * len(text) <= most):
        return
    if not least <= len(encode(text)) <= most:
        said = f"{what.replace('_', ' ')} {text[:40]!r}"
        raise InvalidError(f"{said} must have {least} to {most} characters, not {len(text)}")


def _escape(match: re.Match[str]) -> str:
    match match[0]:
        case "\x00":
            return _MARK + "0"
        case "\uf8ff":
            return _MARK + "e"
        case surrogate:
            return f"{_MARK}{ord(surrogate):x}"


def _unescape(match: re.Match[str]) -> str:
    match match[1]:
        case "0":
            return "\x00"
        case "e":
            return _MARK
        case code:
            return chr(int(code, 16))


class AnyText(TypeDecorator[str]):
    """A text type that escapes on the way in and out."""

    impl = sa.Text
    cache_ok = True
    length: int | None = None

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        match dialect.name:
            case "postgresql":
                kind = postgresql.VARCHAR(self.length, "C") if self.length else postgresql.TEXT(None, "C")
            case "mysql" | "mariadb":
                collation = _mysql_collation(dialect)
                kind = (
                    mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation)
                    if self.length
                    else mysql.LONGTEXT(charset="utf8mb4", collation=collation)
                )
            case _:
                kind = sa.Text()
        return kind

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return encode_optional(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return decode_optional(value)


def _mysql_collation(dialect: sa.Dialect) -> str:
    # Each server has its own name for "by code point, no padding".
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


class Text(AnyText):
    """Text of any length."""

    cache_ok = True


class Name(AnyText):
    """Text short enough for an index on every database."""

    cache_ok = True
    length = MAX_NAME_CHARS


class Head(AnyText):
    """The indexed beginning of a text."""

    cache_ok = True
    length = HEAD_CHARS
