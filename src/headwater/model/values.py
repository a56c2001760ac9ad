"""The values that a property, a param or a tag can hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from headwater.errors import InvalidError

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

if TYPE_CHECKING:
    Json: TypeAlias = bool | int | float | str | None | list["Json"] | dict[str, "Json"]
else:
    # A name in quotes could not be found by whoever resolves the annotations of another module.
    Json: TypeAlias = Any


class ValueKind(IntEnum):
    """How a value is stored; the numbers 1 to 6 are those of MLMD's PropertyType."""

    INT = 1
    DOUBLE = 2
    STRING = 3
    STRUCT = 4
    PROTO = 5
    BOOLEAN = 6
    BYTES = 7


@dataclass(frozen=True, slots=True)
class ProtoValue:
    """A serialized protocol buffer message with the URL that names its type."""

    type_url: str
    value: bytes


PropertyValue: TypeAlias = bool | int | float | str | bytes | list[Json] | dict[str, Json] | ProtoValue
Properties: TypeAlias = Mapping[str, PropertyValue]


_KINDS: Final[Mapping[type, ValueKind]] = {
    str: ValueKind.STRING,
    float: ValueKind.DOUBLE,
    bool: ValueKind.BOOLEAN,
    bytes: ValueKind.BYTES,
}
"""Of the types all of whose values can be stored."""


def kind_of(name: str, value: object) -> ValueKind:
    """Tell how `value` is stored.

    Args:
        name: The property's name, for the error message.
        value: Any object.

    Raises:
        InvalidError: no kind holds such a value, or an int is outside 64 bits.
    """
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    if type(value) is int and INT64_MIN <= value <= INT64_MAX:
        return ValueKind.INT
    # Subclasses, and what is refused.
    match value:
        case bool():
            return ValueKind.BOOLEAN
        case int():
            if INT64_MIN <= value <= INT64_MAX:
                return ValueKind.INT
            raise InvalidError(f"property {name!r}: {value} does not fit in 64 bits; store it as a string")
        case float():
            return ValueKind.DOUBLE
        case str():
            return ValueKind.STRING
        case bytes():
            return ValueKind.BYTES
        case dict() | list():
            return ValueKind.STRUCT
        case ProtoValue():
            return ValueKind.PROTO
        case _:
            raise InvalidError(
                f"property {name!r} cannot hold a {type(value).__name__}: "
                "use bool, int, float, str, bytes, or JSON lists and dicts"
            )


def check_value(name: str, value: object) -> None:
    """Refuse what cannot be stored; what is inside a list or dict is looked at, too.

    Raises:
        InvalidError: as in `kind_of`, or a list or dict holds what JSON does not have.
    """
    if kind_of(name, value) is ValueKind.STRUCT:
        check_json(name, value)


def check_json(name: str, value: object) -> None:
    """Refuse lists and dicts that JSON would change or does not have; `name` is for the message.

    Raises:
        InvalidError: a key is no string, or something inside is a tuple, holds itself, or is no JSON value.
    """
    try:
        _check_json(value)
    except (TypeError, RecursionError) as error:
        raise InvalidError(f"property {name!r} cannot be stored as JSON: {error}") from error


def _check_json(value: object) -> None:
    match value:
        case None | bool() | int() | float() | str():
            return
        case list():
            for inner in cast("list[object]", value):
                _check_json(inner)
        case dict():
            for key, inner in cast("dict[object, object]", value).items():
                if not isinstance(key, str):
                    raise TypeError(f"key {key!r} is not a string")
                _check_json(inner)
        case tuple():
            raise TypeError("a tuple would come back as a list")
        case _:
            raise TypeError(f"a {type(value).__name__} is no JSON value")
