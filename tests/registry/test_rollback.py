"""Rollback through the registry: what it goes back to, and when it is refused."""

import pytest

from headwater.errors import CorruptError, NotFoundError, RefusedError
from headwater.model.models import NewVersion
from tests.registry.models import Vanishing


def test_rollback_puts_the_version_before_back(three):
    back = three.rollback(reason="incident 12")

    assert (back.version, back.stage) == (2, "production")
    assert [version.stage for version in three.versions()] == ["archived", "production", "archived"]


def test_a_second_rollback_goes_further_back(three):
    three.rollback(reason="incident 12")

    assert three.rollback(reason="incident 13").version == 1


def test_a_promotion_after_a_rollback_can_be_rolled_back_to_the_same_version(three):
    three.rollback(reason="incident 12")
    three.promote(3, reason="it was the data")

    assert three.rollback(reason="it was the model").version == 2


def test_rollback_is_a_decision_of_its_own(three):
    three.rollback(reason="incident 12")

    entry = three.history()[-1]
    assert (entry.actor, entry.action, entry.subject) == ("ann", "rollback", "models/late/2")
    assert (entry.reason, entry.details["replaced"]) == ("incident 12", 3)


def test_with_nothing_before_rollback_is_refused(shelf, late):
    shelf.add("first")
    late.promote(1, reason="the first one")
    before = shelf.state()

    with pytest.raises(RefusedError, match="no earlier version of 'late' was in production"):
        late.rollback(reason="incident 12")

    assert shelf.state() == before


def test_of_a_model_that_is_not_registered_rollback_names_near_ones(shelf, three):
    with pytest.raises(NotFoundError, match="did you mean late"):
        shelf.registry["lat"].rollback(reason="incident 12")


@pytest.mark.parametrize("reason", ["", " \t"], ids=["empty", "blank"])
def test_a_rollback_without_a_reason_is_refused(shelf, three, reason):
    before = shelf.state()

    with pytest.raises(RefusedError, match="needs a reason"):
        three.rollback(reason=reason)

    assert shelf.state() == before


@pytest.mark.parametrize("damage", ["alter", "lose"])
def test_to_a_version_whose_bytes_are_not_as_they_were_rollback_is_refused(shelf, three, damage):
    getattr(shelf, damage)(b"of version 2")
    before = shelf.state()

    with pytest.raises(CorruptError):
        three.rollback(reason="incident 12")

    assert shelf.state() == before


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (Vanishing.take_module, "a_module_that_goes_away"),
        (Vanishing.take_class, "AttributeError"),
        (Vanishing.break_loading, "KeyError"),
    ],
    ids=["module gone", "class gone", "class changed"],
)
def test_to_a_version_that_does_not_load_rollback_is_refused(
    shelf, late, monkeypatch, tmp_path, break_it, why
):
    vanishing = Vanishing(monkeypatch, tmp_path / "code")
    for number, model in enumerate([vanishing.model(), "second"], start=1):
        shelf.add(model)
        late.promote(number, reason="release")
    break_it(vanishing)
    before = shelf.state()

    with pytest.raises(RefusedError, match=why):
        shelf.tries_loading().rollback(reason="incident 12")

    assert shelf.state() == before


def test_rollback_to_a_version_kept_elsewhere_is_possible(shelf, late):
    shelf.add_new(NewVersion(model="late", uri="s3://bucket/model"))
    shelf.add("second")
    late.promote(1, reason="release 1")
    late.promote(2, reason="release 2")

    assert late.rollback(reason="incident 12").version == 1
