"""Strategies for values of any type that the store's calls name, read off the types."""

import enum
from array import array
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.graph import Keep
from headwater.model.series import Points
from headwater.model.values import PropertyValue, ProtoValue

INT64S = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(width=64)
# Lone surrogates and NUL, too: every Python string can be stored.
TEXTS = st.text(max_size=8)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(),
    # NaN is unequal to itself, so that nothing with one could be compared; points have them.
    float: st.floats(allow_nan=False),
    str: TEXTS,
    bytes: st.binary(max_size=8),
    NoneType: st.none(),
    Keep: st.sampled_from(Keep),
    ProtoValue: st.builds(ProtoValue, TEXTS, st.binary(max_size=8)),
}
_JSON = st.recursive(
    st.none() | st.booleans() | INT64S | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
PROPERTY_VALUES = (
    st.booleans()
    | INT64S
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(max_size=8)
    | st.lists(_JSON, max_size=2)
    | st.dictionaries(TEXTS, _JSON, max_size=2)
    | _PLAIN[ProtoValue]
)


@cache
def of(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is Any:
        return _JSON
    if kind is Points:
        return st.lists(st.tuples(INT64S, INT64S, DOUBLES), max_size=3).map(Points.of)
    if hasattr(kind, "__supertype__"):
        return of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if hasattr(kind, "_fields"):
        return st.builds(kind, **{name: of(hint) for name, hint in get_type_hints(kind).items()})
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(origin or kind):
        # Later, because a filter holds filters.
        return st.deferred(lambda: _entities(origin or kind, args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin in {Union, UnionType}:
        return _unions(kind)
    return _collections(origin, args)


def _unions(kind: Any) -> st.SearchStrategy[Any]:
    members = get_args(kind)
    if set(get_args(PropertyValue)) <= set(members):
        return PROPERTY_VALUES | st.none() if NoneType in members else PROPERTY_VALUES
    return st.one_of([of(member) for member in members])


def _collections(origin: Any, args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if issubclass(origin, Mapping):
        # Numbers are keys only where they are ids.
        keys = INT64S if of(args[0]) is of(int) else of(args[0])
        return st.dictionaries(keys, of(args[1]), max_size=2)
    if origin is tuple and args[-1] is not Ellipsis:
        return st.tuples(*[of(each) for each in args])
    lists = st.lists(of(args[0]), max_size=2)
    if origin in {set, frozenset}:
        return lists.map(origin)
    # Whoever declares a sequence gets a tuple.
    return lists if origin is list else lists.map(tuple)


def _entities(kind: Any, args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, localns={"array": array})
    filled = dict(zip(getattr(kind, "__parameters__", ()), args, strict=False))
    given = {f.name: of(_filled(hints[f.name], filled)) for f in fields(kind) if f.init}
    return st.builds(_valid(kind), **given).filter(lambda value: value is not None)


def _filled(hint: Any, filled: dict[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if hint in filled:
        return filled[hint]
    return hint[tuple(filled.values())] if getattr(hint, "__parameters__", ()) and filled else hint


def _valid(kind: Any) -> Any:
    def build(**given: Any) -> Any:
        try:
            return kind(**given)
        except InvalidError:
            return None

    return build
