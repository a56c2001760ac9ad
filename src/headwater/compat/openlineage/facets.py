"""Facets: JSON objects by name that events carry, each replaced as a whole by a later one."""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from headwater.model.values import INT64_MAX

Facets: TypeAlias = Mapping[str, Any]
"""By name; what stands under a name need not be what its schema says."""


def stored_facets(properties: Mapping[str, Any]) -> Facets:
    """Return the facets that a node has in its property `facets`."""
    return cast(Facets, found) if isinstance(found := properties.get("facets"), dict) else {}


def merged(old: Facets, new: Facets, *, wins: bool = True) -> dict[str, Any]:
    """Return facets with newer ones: each replaces that of its name, and one that is deleted takes it away.

    Args:
        old: What was known.
        new: What came.
        wins: Whether it replaces what was known; otherwise it only adds.
    """
    found = {**old, **new} if wins else {**new, **old}
    return {name: facet for name, facet in found.items() if part(found, name, "_deleted") is not True}


def part(facets: Facets, facet: str, name: str) -> Any:
    """Return one field of a facet; None where there is none."""
    found = facets.get(facet)
    return cast(Facets, found).get(name) if isinstance(found, dict) else None


def text(facets: Facets, facet: str, name: str) -> str | None:
    """Return one field of a facet, if it is a text that is not empty."""
    value = part(facets, facet, name)
    return value if isinstance(value, str) and value else None


def count(facets: Facets, facet: str, name: str) -> int | None:
    """Return one field of a facet, if it is a number of things."""
    value = part(facets, facet, name)
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return int(value) if is_whole and 0 <= value <= INT64_MAX else None
