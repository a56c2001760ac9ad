"""Which of active and deleted things a search sees."""

from typing import Final

from headwater.compat.mlflow.requests import invalid_value
from headwater.model.filters import And, Field, Filter, IsNull, Not, Scope

_VIEWS: Final = {
    "ACTIVE_ONLY": (None, False),
    "DELETED_ONLY": (Not(IsNull(Field(Scope.ATTRIBUTE, "deleted_time"))), True),
    "ALL": (None, True),
}
_NUMBERS: Final = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}


def in_view(view: str | int) -> tuple[Filter | None, bool]:
    """Return the condition of a view, and whether its list has deleted things.

    Raises:
        MlflowError: there is no such view.
    """
    name = _NUMBERS.get(int(view)) if str(view).isdecimal() else str(view)
    if name not in _VIEWS:
        raise invalid_value("view_type", view, "It must be one of ACTIVE_ONLY, DELETED_ONLY, ALL.")
    return _VIEWS[name]


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """Return what holds where both conditions do; None asks for nothing."""
    if one is None or other is None:
        return other if one is None else one
    return And((one, other))
