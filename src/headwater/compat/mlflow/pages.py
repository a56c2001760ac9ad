"""Pages of lists that are cut here and not by the store: a token says where the next one begins."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TypeVar

from headwater.compat.mlflow.errors import MlflowError

T = TypeVar("T")


def cut(items: Sequence[T], size: int, token: str) -> tuple[Sequence[T], str]:
    """Return the page that a token asks for, and the token of the next one: empty at the end.

    Raises:
        MlflowError: the token is none of ours.
    """
    start = _start_of(token) if token else 0
    end = start + size
    return items[start:end], _token_of(end) if end < len(items) else ""


def _token_of(start: int) -> str:
    return urlsafe_b64encode(json.dumps({"offset": start}).encode()).decode()


def _start_of(token: str) -> int:
    try:
        found = json.loads(urlsafe_b64decode(token.encode()))
        start = found["offset"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MlflowError(f"Invalid page token: {token[:60]!r}") from None
    if type(start) is not int or start < 0:
        raise MlflowError(f"Invalid page token: {token[:60]!r}")
    return start
