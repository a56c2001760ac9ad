"""Promotion through the registry: what is checked before, and what is recorded."""

import sys

import pytest

from headwater.errors import CorruptError, InvalidError, NotFoundError, RefusedError
from headwater.model.models import NewVersion
from tests.registry.models import Vanishing


def test_promotion_moves_a_version_and_archives_the_one_before(shelf, late):
    shelf.add("first")
    shelf.add("second")
    late.promote(1, reason="the first one")

    promoted = late.promote(2, reason="better")

    assert (promoted.version, promoted.stage) == (2, "production")
    assert [version.stage for version in late.versions()] == ["archived", "production"]


def test_a_decision_keeps_who_why_and_on_what_evidence(shelf, late):
    shelf.add("first")

    late.promote(1, to="staging", reason="looks well", evidence={"auc": 0.71, "runs": ["runs/0a1b"]})

    entry = late.history()[-1]
    who_and_why = (entry.actor, entry.action, entry.subject, entry.reason)
    assert who_and_why == ("ann", "promote", "models/late/1", "looks well")
    move = {"from": "none", "to": "staging", "replaced": None}
    assert entry.details == {"evidence": {"auc": 0.71, "runs": ["runs/0a1b"]}} | move


@pytest.mark.parametrize("reason", ["", "  \n\t"], ids=["empty", "blank"])
def test_a_promotion_without_a_reason_is_refused(shelf, late, reason):
    shelf.add("first")
    before = shelf.state()

    with pytest.raises(RefusedError, match="needs a reason"):
        late.promote(1, reason=reason)

    assert shelf.state() == before


def test_a_version_with_altered_bytes_is_not_promoted(shelf, late):
    shelf.add("weights of the first")
    shelf.alter(b"weights of the first")
    before = shelf.state()

    with pytest.raises(CorruptError):
        late.promote(1, reason="better")

    assert shelf.state() == before


def test_a_version_that_does_not_load_is_not_promoted(shelf, monkeypatch, tmp_path):
    late = shelf.tries_loading()
    vanishing = Vanishing(monkeypatch, tmp_path / "code")
    shelf.add(vanishing.model())
    vanishing.take_class()
    before = shelf.state()

    with pytest.raises(RefusedError, match=r"models/late/1 does not load: AttributeError"):
        late.promote(1, reason="better")

    assert shelf.state() == before


def test_a_model_that_hangs_or_crashes_when_it_loads_harms_nobody(shelf, monkeypatch, tmp_path):
    late = shelf.tries_loading(timeout_s=1)
    vanishing = Vanishing(monkeypatch, tmp_path / "code")
    shelf.add(vanishing.model())
    before = shelf.state()

    vanishing.hang()
    with pytest.raises(RefusedError, match="models/late/1 does not load: not done after 1 s"):
        late.promote(1, reason="better")
    vanishing.crash()
    with pytest.raises(RefusedError, match="its process ended with exit code -6"):
        shelf.tries_loading().promote(1, reason="better")

    assert shelf.state() == before


def test_loading_can_be_left_out(shelf, monkeypatch, tmp_path):
    late = shelf.tries_loading()
    vanishing = Vanishing(monkeypatch, tmp_path / "code")
    shelf.add(vanishing.model())
    vanishing.take_module()

    assert late.promote(1, reason="a server has no models' code", loads=False).stage == "production"


def test_a_class_of_a_script_is_told_from_one_that_is_missing(shelf, monkeypatch):
    late = shelf.tries_loading()
    own = type("Own", (), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Own", own, raising=False)
    shelf.add(own())

    with pytest.raises(RefusedError, match="put its class into a module"):
        late.promote(1, reason="better")


def test_a_safe_format_is_loaded_right_here(shelf, monkeypatch):
    from sklearn.tree import DecisionTreeClassifier

    monkeypatch.setattr(sys, "executable", "no such program")
    shelf.add(DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1]), format="skops")

    assert shelf.tries_loading().promote(1, reason="better").stage == "production"


def test_a_version_without_bytes_can_be_promoted(shelf, late):
    shelf.add_new(NewVersion(model="late", uri="s3://bucket/model"))

    assert late.promote(1, reason="kept elsewhere").stage == "production"


def test_a_version_of_no_known_format_has_its_bytes_checked_all_the_same(shelf, late):
    digest = shelf.add("weights of the first").digest
    shelf.add_new(NewVersion(model="late", digest=digest))
    late.promote(2, to="staging", reason="looks well")
    shelf.alter(b"weights of the first")

    with pytest.raises(CorruptError):
        late.promote(2, reason="better")


def test_a_promotion_is_refused_where_another_version_holds_the_stage_than_expected(three, shelf):
    shelf.add("fourth")
    before = shelf.state()

    with pytest.raises(RefusedError):
        three.promote(4, reason="better than version 2", expect_holder=2)

    assert shelf.state() == before
    assert three.promote(4, reason="better than version 3", expect_holder=3).stage == "production"


def test_an_empty_stage_can_be_expected(shelf, late):
    shelf.add("first")

    assert late.promote(1, reason="the first one", expect_holder=0).stage == "production"


def test_unknown_versions_and_stages_are_named(three):
    with pytest.raises(NotFoundError, match="models/late/9"):
        three.promote(9, reason="better")
    with pytest.raises(InvalidError, match="no stage 'prod'; the stages are"):
        three.promote(3, to="prod", reason="better")
