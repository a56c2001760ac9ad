"""Fields that may hold one of several things: plain values, or entities that say which they are."""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin

from headwater.model.graph import Keep
from headwater.model.values import PropertyValue, ProtoValue, check_value
from headwater.store.calls.packing import extension_of

_PLAIN: Final = (bool, int, float, str, bytes, list, dict, ProtoValue)
_TAG: Final = "is"
"""Key under which an entity says of which class it is."""


def is_plain_union(of: Any) -> bool:
    """Tell whether a type is a union of plain values, such as that of a property's values."""
    members = _members(of)
    return len(members) > 1 and all((get_origin(member) or member) in _PLAIN for member in members)


def is_entity_union(of: Any) -> bool:
    """Tell whether a type is a union with entities, or of something and the mark that keeps a field."""
    members = _members(of)
    return Keep in get_args(of) or (
        len(members) > 1 and not is_plain_union(of) and any(map(is_dataclass, members))
    )


def is_properties(of: Any) -> bool:
    """Tell whether a type maps names to property values, or to None for a name that goes."""
    return get_origin(of) is Mapping and _members(get_args(of)[1]) == get_args(PropertyValue)


def plain_writer(_: Any) -> Callable[[Any], Any]:
    """Build what writes a plain value."""
    return _packable


def plain_reader(of: Any) -> Callable[[Any, Any], Any]:
    """Build what checks a plain value."""
    accepted = tuple(get_origin(member) or member for member in get_args(of) if member is not Keep)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, accepted):
            names = ", ".join(kind.__name__ for kind in accepted)
            raise TypeError(f"expected one of {names}, not {type(value).__name__}")
        return value

    return read


def properties_writer(_: Any) -> Callable[[Any], Any]:
    """Build what writes properties: a value that cannot be stored is refused under its name."""

    def write(values: Mapping[str, PropertyValue | None]) -> dict[str, Any]:
        for name, value in values.items():
            if value is not None:
                check_value(name, value)
        return {name: _packable(value) for name, value in values.items()}

    return write


def entity_writer(converter: Any, of: Any) -> Callable[[Any], Any]:
    """Build what writes an entity with its class beside it, and anything else as it is."""
    if len(_members(of)) == 1:
        # KEEP is the default of its fields, so it is never written.
        return converter.unstructure

    def write(value: Any) -> Any:
        written = converter.unstructure(value)
        return {_TAG: type(value).__name__, **written} if is_dataclass(value) else written

    return write


def entity_reader(converter: Any, of: Any) -> Callable[[Any, Any], Any]:
    """Build what reads what `entity_writer`'s has written."""
    members = _members(of)
    classes: dict[str, Any] = {_name(member): member for member in members if is_dataclass(member)}
    others = [member for member in members if not is_dataclass(member)]
    is_tagged, may_be_none = len(members) > 1, type(None) in get_args(of)

    def read(value: Any, _: Any) -> Any:
        if value is None and may_be_none:
            return None
        if is_tagged and isinstance(value, dict):
            tagged = dict(cast("dict[str, Any]", value))
            name = tagged.pop(_TAG, None)
            if name not in classes:
                raise ValueError(f"{_TAG!r} must be one of {', '.join(classes)}, not {name!r}")
            return converter.structure(tagged, classes[name])
        if is_tagged and not others:
            raise TypeError(f"expected one of {', '.join(classes)}, not {type(value).__name__}")
        return converter.structure(value, others[0] if others else members[0])

    return read


def _members(of: Any) -> tuple[Any, ...]:
    """Return what a union is of, without None and the mark that leaves a field as it is."""
    if not isinstance(of, UnionType) and get_origin(of) is not Union:
        return ()
    return tuple(member for member in get_args(of) if member not in {type(None), Keep})


def _name(of: Any) -> str:
    return of.__name__


def _packable(value: Any) -> Any:
    return extension_of(value) if isinstance(value, ProtoValue) else value
