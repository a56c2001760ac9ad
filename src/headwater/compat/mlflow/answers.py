"""Responses, and how they are written: unset fields and empty lists are left out."""

import json
import math
import sys
from typing import TypeAlias

import msgspec

from headwater.compat.mlflow.values import text_of
from headwater.model.values import Properties

Double: TypeAlias = float | str


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What every response extends: a field that has its default is not written.

    A field that is always written has no default. Lists are tuples, of which `()` is left out. None can be
    part of itself, so Python's garbage collector need not look at the thousands that a page is made of.
    """


class Nothing(Answer):
    """The response of a call that only does something."""


class KeyValue(Answer):
    """A tag or a param."""

    key: str
    value: str


def double(value: float) -> Double:
    """Return a double as MLflow writes it: NaN as a text, an infinity as the greatest number."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else math.copysign(sys.float_info.max, value)


def key_values(values: Properties) -> tuple[KeyValue, ...]:
    """Return tags or params as texts, in the order given."""
    # A list, because a generator takes twice as long, and a page of runs has thousands of these.
    return tuple([KeyValue(k, v if isinstance(v, str) else text_of(v)) for k, v in values.items()])


def encode(answer: Answer) -> bytes:
    """Write a response as JSON."""
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:
        # UTF-8 has no half of a surrogate pair, and what was logged may; an escape in JSON can say it.
        return json.dumps(msgspec.to_builtins(answer), separators=(",", ":")).encode()
