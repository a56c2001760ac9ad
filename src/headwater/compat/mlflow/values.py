"""Values as MLflow's clients see them: params and tags are texts, whatever they were logged as."""

import json

from headwater.model.values import PropertyValue, ProtoValue


def text_of(value: PropertyValue) -> str:
    """Return a value's text: that of Python for numbers and booleans, JSON for lists and mappings."""
    # Of most of them; a page of runs has thousands.
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    match value:
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case bytes():
            return value.hex()
        case ProtoValue():
            return value.type_url
