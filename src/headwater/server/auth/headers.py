"""What an `Authorization` header says."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from headwater.errors import UnauthenticatedError

MOST_CHARS: Final = 8192
"""A header beyond that is no credential of ours: a provider's token has a few thousand characters."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password."""

    name: str
    password: str = field(repr=False)


def parse_authorization(text: str) -> Bearer | Basic:
    """Read the value of an `Authorization` header.

    Raises:
        UnauthenticatedError: it is none of the two kinds, or broken.

    Source:
        RFC 6750 (Bearer), RFC 7617 (Basic).
    """
    scheme, _, value = text.strip(" ").partition(" ")
    value = value.strip(" ")
    if len(text) > MOST_CHARS or not value.isascii() or not value.isprintable() or " " in value:
        raise UnauthenticatedError("the Authorization header is broken")
    match scheme.lower():
        case "bearer" if value:
            return Bearer(value)
        case "basic" if value:
            return _basic(value)
        case _:
            raise UnauthenticatedError("the Authorization header has to be `Bearer TOKEN` or `Basic …`")


def _basic(value: str) -> Basic:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnauthenticatedError("the Authorization header is broken") from error
    if not colon:
        raise UnauthenticatedError("the Authorization header is broken")
    return Basic(name, password)
