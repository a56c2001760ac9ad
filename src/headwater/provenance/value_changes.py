"""Which values differ between two mappings, whichever of them comes first."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from headwater.model.values import Json, ProtoValue
from headwater.provenance.changes import Change, ColumnChange, FileChange, ValueChange
from headwater.provenance.history import Columns


def column_changes(before: Columns | None, after: Columns | None, side: str = "") -> tuple[ColumnChange, ...]:
    """Compare columns by name; nothing differs where either is not known."""
    if before is None or after is None:
        return ()
    left, right = _by_name(before), _by_name(after)
    return tuple(
        ColumnChange(name=name, before=left.get(name), after=right.get(name), side=side)
        for name in names_of_both(left, right)
        if left.get(name) != right.get(name)
    )


def value_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """Compare values by name, sorted; 1 and 1.0 are the same, NaN is the same as NaN."""
    return tuple(
        ValueChange(name=name, before=as_json(before.get(name)), after=as_json(after.get(name)))
        for name in names_of_both(before, after)
        if not is_equal(before.get(name), after.get(name))
    )


def patch_changes(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> tuple[FileChange, ...]:
    """Compare uncommitted changes by file; nothing differs where either is not known."""
    if before is None or after is None:
        return ()
    kinds = {(True, False): Change.REMOVED, (False, True): Change.ADDED}
    return tuple(
        FileChange(path=path, change=kinds.get((path in before, path in after), Change.CHANGED))
        for path in names_of_both(before, after)
        if before.get(path) != after.get(path)
    )


def flat(captured: Mapping[str, Any], *names: str) -> dict[str, Json]:
    """Return nested facts with dots in their names; those that are None are left out."""
    found: dict[str, Json] = {}
    for name in names:
        value = captured.get(name)
        if isinstance(value, dict):
            found |= {f"{name}.{key}": item for key, item in _items(value) if item is not None}
        elif value is not None:
            found[name] = value
    return found


def as_json(value: Any) -> Json:
    """Return a property's value as JSON has it."""
    match value:
        case bytes():
            return value.hex()
        case ProtoValue():
            return f"{value.type_url} {value.value.hex()}"
        case _:
            return value


def _items(value: Any) -> Iterator[tuple[str, Json]]:
    yield from value.items()


def _by_name(columns: Columns) -> dict[str, str]:
    """Number the columns that share a name, as a table may have several."""
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for name, dtype in columns:
        seen[name] = seen.get(name, 0) + 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = dtype
    return found


def is_equal(one: Any, two: Any) -> bool:
    """Tell whether two values are the same: 1 is 1.0 and NaN is NaN, True is not 1."""
    match one, two:
        case (bool(), _) | (_, bool()):
            return one is two
        case (float(), float()):
            return one == two or (math.isnan(one) and math.isnan(two))
        case (dict(), dict()):
            return _is_equal_mapping(cast("dict[Any, Any]", one), cast("dict[Any, Any]", two))
        case (list(), list()):
            left, right = cast("list[Any]", one), cast("list[Any]", two)
            return len(left) == len(right) and all(map(is_equal, left, right))
        case _:
            return one == two


def names_of_both(before: Mapping[Any, object], after: Mapping[Any, object]) -> list[Any]:
    """Return the names in either, sorted."""
    return sorted({*before, *after})


def _is_equal_mapping(one: Mapping[Any, Any], two: Mapping[Any, Any]) -> bool:
    return one.keys() == two.keys() and all(is_equal(one[key], two[key]) for key in one)
