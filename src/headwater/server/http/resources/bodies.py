"""Bodies that say only what changes."""

from typing import Any


def given(change: Any) -> dict[str, Any]:
    """Return the fields of a pydantic model that its body named; null is a value like any other."""
    return {name: getattr(change, name) for name in change.model_fields_set}
