import inspect
from typing import get_type_hints

import pytest

from headwater.errors import InvalidError
from headwater.model.access import Permission
from headwater.model.protocols import Store
from headwater.store.calls import calls
from headwater.store.calls.rights import NEVER_SERVED, PERMISSIONS, REPEATABLE


def declared() -> set[str]:
    """All methods of all parts of a store, read off the protocols."""
    return {
        f"{part}.{method}"
        for part, prop in inspect.getmembers(Store, lambda member: isinstance(member, property))
        for method, _ in inspect.getmembers(get_type_hints(prop.fget)["return"], inspect.isfunction)
        if not method.startswith("_")
    }


def test_every_method_is_a_call_with_a_permission_or_is_never_served():
    assert calls().keys() == PERMISSIONS.keys()
    assert calls().keys() | NEVER_SERVED == declared()
    assert not calls().keys() & NEVER_SERVED


def test_only_calls_are_repeatable():
    assert calls().keys() >= REPEATABLE


def test_whoever_may_only_read_changes_nothing():
    reads = {name for name, call in calls().items() if call.permission is Permission.READ}
    changes = {"add", "put", "update", "delete", "restore", "set", "remove", "take", "append", "grant"}

    assert {name.partition(".")[2].partition("_")[0] for name in reads} & changes == set()


def test_accounts_and_their_secrets_are_for_admins():
    assert {call.permission for name, call in calls().items() if name.startswith("access.")} == {
        Permission.ADMIN
    }
    assert {"access.credentials", "access.by_token"} <= NEVER_SERVED


def test_arguments_are_bound_as_python_would():
    call = calls()["series.read"]

    assert call.bind((1, "loss"), {"min_step": 2}) == {"execution_id": 1, "key": "loss", "min_step": 2}
    with pytest.raises(TypeError, match="unexpected keyword"):
        call.bind((1, "loss"), {"color": 2})
    with pytest.raises(TypeError, match="missing a required"):
        call.bind((1,), {})


def test_a_missing_argument_is_named():
    with pytest.raises(InvalidError, match=r"series.read needs execution_id, key"):
        calls()["series.read"].run(None, {"min_step": 2})
