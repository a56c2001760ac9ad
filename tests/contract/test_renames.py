"""Models that get another name: what belongs to them stays theirs, and nobody else's."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from headwater.model.approvals import NewRequest
from headwater.model.upkeep import Expiry
from tests.contract.builders import add_versions, move, roll_back
from tests.contract.releases import set_policy, set_process

WHO = {"actor": "ann", "reason": "because"}


def rename(store, name="m", new_name="n"):
    return store.models.rename(name, new_name, **WHO)


def promoted_twice(store):
    """A model whose versions 1 and 2 were in production, one after the other."""
    add_versions(store, number=2)
    move(store, 1)
    move(store, 2)
    store.models.set_alias("m", "champion", 1, **WHO)


def test_a_renamed_model_keeps_versions_stages_aliases_and_process(store):
    promoted_twice(store)
    set_process(store, {"policies": {"production": {"approvals": 1}}}, name="m")
    before = store.models.get("m")

    after = rename(store)

    assert (after.id, after.name) == (before.id, "n")
    assert (after.aliases, after.stages, after.version_count) == (
        {"champion": 1},
        {"production": 2, "archived": 1},
        2,
    )
    assert [(v.ref, v.stage) for v in store.models.page_versions().items] == [
        ("models/n/1", "archived"),
        ("models/n/2", "production"),
    ]
    assert store.releases.process("n").policy("production").approvals == 1
    with pytest.raises(NotFoundError):
        store.models.get("m")


def test_a_renaming_is_noted_under_both_names_and_changes_no_older_entry(store):
    promoted_twice(store)
    before = store.ledger.entries()

    rename(store)

    entries = store.ledger.entries()
    assert entries[: len(before)] == before
    assert [(e.action, e.subject, e.actor, e.reason, e.details) for e in entries[len(before) :]] == [
        ("rename", subject, "ann", "because", {"before": "m", "after": "n"})
        for subject in ("models/m", "models/n")
    ]


def test_a_rollback_finds_what_was_decided_under_the_old_names(store):
    promoted_twice(store)
    rename(store)
    rename(store, "n", "o")

    assert roll_back(store, "o").version == 1
    assert store.models.previous_holder("o", "production") is None


def test_another_model_under_the_old_name_inherits_nothing(store):
    promoted_twice(store)
    rename(store)
    add_versions(store, number=2)

    assert [v.version for v in store.models.page_versions().items if v.model == "m"] == [1, 2]
    assert store.models.previous_holder("m", "production") is None
    with pytest.raises(RefusedError, match="never in production"):
        move(store, 1, kind="rollback")
    store.models.delete("m", 1, **WHO)


def test_names_may_be_swapped(store):
    promoted_twice(store)
    add_versions(store, "n")
    rename(store, "n", "spare")
    rename(store, "m", "n")
    rename(store, "spare", "m")

    assert store.models.previous_holder("m", "production") is None
    assert store.models.previous_holder("n", "production").version == 1
    with pytest.raises(RefusedError, match="once"):
        store.models.delete("n", 1, **WHO)
    store.models.delete("m", 1, **WHO)


def test_a_name_may_be_taken_back(store):
    promoted_twice(store)
    rename(store)
    rename(store, "n", "m")

    assert roll_back(store).version == 1


def test_whoever_registered_a_version_under_the_old_name_may_not_approve_it(store):
    set_policy(store, approvals=1, separates_duty=True)
    add_versions(store)
    rename(store)

    found = store.approvals.request(
        NewRequest(model="n", version=1, stage="production", actor="bob", reason="because")
    )

    assert found.barred == ("ann", "bob")


def test_gc_keeps_what_was_in_production_under_the_old_name(store, clock):
    promoted_twice(store)
    rename(store)
    ids = [store.models.version("n", 1).id]
    store.models.set_alias("n", "champion", None, **WHO)
    store.artifacts.delete(ids)
    clock.tick(10)

    expiry = Expiry(nodes_ms=clock.now_ms, keys_ms=0)

    assert [*store.upkeep.removable(expiry).kept] == ["models/n/1"]
    store.upkeep.remove(expiry)
    assert store.models.version("n", 1).removed_ms is None


def test_the_past_has_the_names_of_then(store, clock):
    promoted_twice(store)
    first = clock.tick() - 1
    rename(store)
    second = clock.tick() - 1
    add_versions(store)
    move(store, 1, model="n", kind="rollback")
    store.models.set_alias("n", "champion", 2, **WHO)
    clock.tick()

    past, later = store.at(first), store.at(second)

    assert [m.name for m in past.models.page().items] == ["m"]
    assert [m.name for m in later.models.page().items] == ["n"]
    assert [m.name for m in store.models.page().items] == ["m", "n"]
    assert past.models.version("m", 2).stage == "production"
    assert past.models.previous_holder("m", "production").version == 1
    assert later.models.version("n", 2).stage == "production"
    assert (past.models.get("m").aliases, store.models.get("n").aliases) == ({"champion": 1}, {"champion": 2})
    assert past.models.get("m").version_count == 2
    assert store.at(clock.now_ms).models.version("m", 1).stage == "none"


def test_a_name_that_is_taken_or_unusable_or_the_same_is_refused(store):
    add_versions(store)
    add_versions(store, "n")
    store.models.delete("n", **WHO)
    entries = store.ledger.entries()

    for name, error in (("n", ConflictError), ("m", RefusedError), ("", InvalidError), ("a/", InvalidError)):
        with pytest.raises(error):
            rename(store, "m", name)
    with pytest.raises(NotFoundError):
        rename(store, "n", "o")
    assert store.ledger.entries() == entries
