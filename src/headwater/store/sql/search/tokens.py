"""Page tokens: where the page before ended, tied to its filter and order."""

import binascii
import hashlib
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final, TypeAlias, cast

from headwater.errors import InvalidError
from headwater.model.filters import Entity
from headwater.model.listing import Listing, Order
from headwater.model.values import INT64_MAX, INT64_MIN

Position: TypeAlias = tuple[int | float | str, ...]
"""The sort values of a row, the id last."""

_DIGEST_BYTES: Final = 9


def query_digest(entity: Entity, listing: Listing, orders: Sequence[Order]) -> str:
    """Return what a token is tied to: everything that decides which rows come in which order."""
    text = repr((entity, listing.filter, tuple(orders), listing.with_deleted))
    digest = hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=_DIGEST_BYTES)
    return digest.hexdigest()


def token_of(digest: str, position: Position) -> str:
    """Write a token: URL-safe base64 of JSON."""
    return urlsafe_b64encode(json.dumps([digest, *position]).encode()).decode().rstrip("=")


def position_of(token: str, digest: str, like: Position) -> Position:
    """Read a token.

    Args:
        token: What `token_of` gave.
        digest: Of the query at hand.
        like: A position of this query, for the types of its values.

    Raises:
        InvalidError: the token is none of ours, or belongs to another query.
    """
    found = _decoded(token)
    if not found or not isinstance(found[0], str):
        raise _malformed(token)
    if found[0] != digest:
        raise InvalidError("this page token belongs to another filter or order: start again without a token")
    values = found[1:]
    if len(values) != len(like) or not all(map(_fits, values, like)):
        raise _malformed(token)
    return cast(Position, tuple(values))


def _decoded(token: str) -> list[object] | None:
    try:
        text = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        found: object = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return cast(list[object], found) if isinstance(found, list) else None


def _fits(value: object, like: int | float | str) -> bool:
    match like:
        case int():
            return type(value) is int and INT64_MIN <= value <= INT64_MAX
        case float():
            return type(value) in {int, float} and math.isfinite(cast(float, value))
        case str():
            return isinstance(value, str)


def _malformed(token: str) -> InvalidError:
    return InvalidError(f"{token[:60]!r} is not a page token")
