"""Our entities as plain values and back, by their types."""

from collections.abc import Callable
from enum import EnumType
from functools import cache, partial
from typing import Any

import cattrs

from headwater.errors import InvalidError
from headwater.model.series import Points
from headwater.store.calls import unions
from headwater.store.calls.columns import columns_of, points_of


def plain(value: Any, of: Any) -> Any:
    """Return a value of a type as dicts, lists and plain values; fields with their default are left out.

    Raises:
        InvalidError: a property has a value that cannot be stored.
    """
    return _converter().unstructure(value, unstructure_as=of)


def entity(value: Any, of: Any) -> Any:
    """Build a value of a type from what `plain` made of one.

    Raises:
        InvalidError: it does not fit the type; the message says where.
    """
    if of is type(None):
        return None
    try:
        return _converter().structure(value, of)
    except cattrs.BaseValidationError as error:
        raise InvalidError("; ".join(cattrs.transform_error(error, path="value"))) from error
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise InvalidError(f"the value is none of its type: {error}") from error


@cache
def _converter() -> Any:
    # Any, because a converter's own types know nothing of a union or a mapping as a type.
    converter: Any = cattrs.Converter(omit_if_default=True, forbid_extra_keys=True)
    for kind in (bool, int, float, str, bytes):
        converter.register_structure_hook(kind, _strictly(kind))
    converter.register_unstructure_hook(Points, columns_of)
    converter.register_structure_hook(Points, points_of)
    converter.register_unstructure_hook_factory(unions.is_plain_union, unions.plain_writer)
    converter.register_structure_hook_factory(unions.is_plain_union, unions.plain_reader)
    converter.register_unstructure_hook_factory(unions.is_properties, unions.properties_writer)
    converter.register_unstructure_hook_factory(
        unions.is_entity_union, partial(unions.entity_writer, converter)
    )
    converter.register_structure_hook_factory(
        unions.is_entity_union, partial(unions.entity_reader, converter)
    )
    return converter


def _strictly(kind: type[Any]) -> Callable[[Any, Any], Any]:
    """Build what takes a value of one kind as it is, and turns nothing into it."""
    accepted = (float, int) if kind is float else kind

    def read(value: Any, of: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
        # An IntEnum is an int, too, and has to become one of its members.
        return of(value) if isinstance(of, EnumType) else value

    return read
