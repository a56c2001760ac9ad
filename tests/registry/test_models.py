"""Models in the registry: listing, aliases, tags and history."""

import pytest

from headwater.errors import FilterError, HeadwaterError, NotFoundError, RefusedError
from headwater.model.models import NewVersion


def test_the_registry_lists_models_by_name(shelf):
    for name in ("zeta", "alpha", "a/b", "späť"):
        shelf.add("weights", name=name)

    assert [model.name for model in shelf.registry] == ["a/b", "alpha", "späť", "zeta"]


def test_models_can_be_searched(shelf):
    for name in ("late-flights", "late-trains", "weather"):
        shelf.add("weights", name=name)

    found = shelf.registry.search("name like 'late-%'", order_by="name desc")

    assert [model.name for model in found] == ["late-trains", "late-flights"]


def test_a_bad_filter_is_told_with_its_place(shelf):
    with pytest.raises(FilterError, match="did you mean name"):
        shelf.registry.search("nam = 'late'")


def test_versions_are_listed_oldest_first_beyond_a_page(shelf, late):
    for _ in range(5):
        shelf.registry.store.models.add_version(NewVersion(model="late"), actor="ann")

    assert [version.version for version in late.versions(page_size=2)] == [1, 2, 3, 4, 5]


def test_an_alias_moves_and_goes(three):
    three.set_alias("champion", 1, reason="first")
    three.set_alias("champion", 3, reason="better")
    assert (three["champion"].version, three[3].aliases) == (3, ("champion",))

    three.delete_alias("champion")

    with pytest.raises(NotFoundError):
        three["champion"]


def test_an_alias_of_an_unknown_version_changes_nothing(shelf, three):
    before = shelf.state()

    with pytest.raises(HeadwaterError):
        three.set_alias("champion", 9)

    assert shelf.state() == before


def test_history_is_all_decisions_oldest_first(three):
    three.set_alias("champion", 2)
    three.rollback(reason="incident 12")

    told = [(entry.action, entry.subject) for entry in three.history()]
    assert told == [
        *((action, f"models/late/{number}") for number in (1, 2, 3) for action in ("register", "promote")),
        ("alias", "models/late"),
        ("rollback", "models/late/2"),
    ]


def test_history_leaves_out_models_whose_name_begins_alike(shelf, three):
    shelf.add("weights", name="late/2013")
    shelf.add("weights", name="lately")

    assert {entry.subject for entry in three.history()} == {f"models/late/{n}" for n in (1, 2, 3)}


def test_tags_of_a_version_are_set_and_deleted(three):
    three.set_tags(2, {"refused": "no better", "seen": 1})
    three.set_tags("production", {"seen": True})

    assert three.set_tags(2, {"seen": None}).tags == {"refused": "no better"}
    assert three[3].tags == {"seen": True}


def test_a_handle_needs_no_registered_model(shelf, three):
    unknown = shelf.registry["lat"]

    assert unknown.versions() == []
    assert unknown.history() == []
    with pytest.raises(NotFoundError, match="did you mean late"):
        unknown.info()


def test_a_renamed_model_keeps_its_history_and_goes_back(shelf, three):
    before = three.history()
    three.rename("delays", reason="clearer")
    renamed = shelf.registry["delays"]
    shelf.add("weights", name="late")

    assert renamed.history()[:-1] == before
    assert renamed.history()[-1].subject == "models/delays"
    assert [entry.subject for entry in three.history()] == ["models/late/1"]
    assert renamed.rollback(reason="worse", loads=False).ref == "models/delays/2"
    with pytest.raises(RefusedError, match="reason"):
        renamed.rename("late-again", reason=" ")
