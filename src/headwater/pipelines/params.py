"""Params of a pipeline: plain values, as the annotations of its function ask for them."""

import inspect
import json
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin

from headwater.errors import InvalidError
from headwater.model.values import Json, check_json
from headwater.pipelines.contracts import hints_of

_SCALARS: Final = frozenset({bool, int, float, str, NoneType, Any})
_PARTED: Final = frozenset({list, dict, tuple, Union, UnionType})


class TypedText(str):
    """A param as somebody typed it: its annotation tells whether it is text, or JSON for something else."""

    __slots__ = ()


def bound_params(function: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Json]:
    """Return all params that a function is called with, with the defaults of those that are not given.

    Raises:
        InvalidError: one is missing or unknown, not of the annotated type, or cannot be stored.
    """
    try:
        bound = inspect.signature(function).bind(**params)
    except TypeError as error:
        raise InvalidError(str(error)) from error
    bound.apply_defaults()
    hints = hints_of(function)
    values = {name: _value(name, each, hints.get(name, Any)) for name, each in bound.arguments.items()}
    check_json("params", values)
    return values


def _value(name: str, value: Any, hint: Any) -> Json:
    stored = _storable(name, _read(value, hint) if isinstance(value, TypedText) else value)
    if not _is_plain(hint):
        return stored
    # Loaded when first used: whoever imports headwater need not wait for it.
    import msgspec

    try:
        return _storable(name, msgspec.convert(stored, hint))
    except msgspec.ValidationError as error:
        words = inspect.formatannotation(hint)
        raise InvalidError(f"param {name} must be {words}, not {stored!r}: {error}") from error


def _read(text: str, hint: Any) -> Any:
    if hint is not Any and _is_plain(hint) and _takes_text(text, hint):
        return str(text)
    try:
        return json.loads(text)
    except ValueError:
        return str(text)


def _takes_text(text: str, hint: Any) -> bool:
    import msgspec

    try:
        msgspec.convert(str(text), hint)
    except msgspec.ValidationError:
        return False
    return True


def _is_plain(hint: Any) -> bool:
    """Tell whether an annotation is about plain values alone, so that values can be held against it."""
    origin = get_origin(hint)
    if origin is None:
        return hint in {*_SCALARS, list, dict, tuple}
    if origin is Literal:
        return True
    if origin is dict and get_args(hint)[0] is not str:
        # JSON, which they are stored as, has texts for keys alone.
        return False
    return origin in _PARTED and all(each is Ellipsis or _is_plain(each) for each in get_args(hint))


def _storable(name: str, value: Any) -> Json:
    """Return a param as it is stored; what has a reference is stored as that."""
    reference = getattr(value, "ref", None)
    if isinstance(reference, str):
        return reference
    if isinstance(value, tuple):
        return [_storable(name, each) for each in cast("tuple[Any, ...]", value)]
    if not isinstance(value, bool | int | float | str | list | dict | type(None)):
        raise InvalidError(
            f"param {name} cannot be a {type(value).__name__}: give plain values or references such as "
            "data/NAME/2, so that the run can be resumed elsewhere"
        )
    return cast("Json", value)
