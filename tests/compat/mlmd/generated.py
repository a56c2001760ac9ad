"""What the random requests have to say at least once each, and what they said."""

from collections.abc import Iterator
from typing import Any

from headwater.compat.mlmd.wire import definitions

Said = tuple[str, str, str]
"""A message, a field of it, and of enums and booleans the value."""

NOT_COMPARED = ("GetLineageGraph", "GetParentContextsByContexts", "GetChildrenContextsByContexts")
"""Calls that the original's library in process does not have."""
NEVER = {
    # A page's token comes from an answer, so each library gets its own: the rule `turn_page`.
    ("ListOperationOptions", "next_page_token", ""),
}
"""What no random request says, and why."""


def sayable(method: str) -> set[Said]:
    """Everything that requests of a call can say."""
    seen: set[str] = set()
    found: set[Said] = set()
    waiting = [definitions().message(f"{method}Request").DESCRIPTOR]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen or not message.full_name.startswith("ml_metadata."):
            continue
        seen.add(message.full_name)
        for field in message.fields:
            found |= {(message.name, field.name, value) for value in _values(field)}
            if field.message_type is not None:
                waiting.append(field.message_type)
    return {each for each in found if not each[0].endswith("Entry")} - NEVER


def said(request: Any) -> set[Said]:
    """What a request says."""
    return set(_said(request))


def _values(field: Any) -> list[str]:
    if field.enum_type is not None:
        return [value.name for value in field.enum_type.values]
    return ["True", "False"] if field.type == field.TYPE_BOOL else [""]


def _said(message: Any) -> Iterator[Said]:
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            many = list(value.values()) if inner.message_type is not None else []
        elif field.enum_type is not None:
            value = field.enum_type.values_by_number[value].name
        yield message.DESCRIPTOR.name, field.name, _word(field, value)
        if hasattr(message, "ListFields") and field.message_type is not None:
            for each in many:
                yield from _said(each)


def _word(field: Any, value: Any) -> str:
    return str(value) if field.enum_type is not None or field.type == field.TYPE_BOOL else ""
