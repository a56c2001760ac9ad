"""A model's handle: verdicts, approvals, status, comparison, deprecation and deletion."""

import pytest

from headwater.errors import DeprecatedVersionWarning, RefusedError, UnmetError
from headwater.model.models import NewVersion
from headwater.model.process_files import process_from
from headwater.registry.comparing import Fact


def test_what_is_missing_is_asked_before_anything_is_loaded(shelf, late):
    shelf.add("weights of the first")
    shelf.alter(b"weights of the first")
    late.set_process(process_from({"policies": {"production": {"requires": ["data"]}}}), reason="rules")

    with pytest.raises(UnmetError, match="no verdict of gate 'data'"):
        late.promote(1, reason="better")

    assert [str(need) for need in late.missing(1)] == ["no verdict of gate 'data'"]
    late.add_verdict(1, gate="data", outcome="pass")
    assert late.missing(1) == []


def test_only_known_outcomes_are_stored(shelf, late):
    shelf.add("first")

    with pytest.raises(ValueError, match="maybe"):
        late.add_verdict(1, gate="data", outcome="maybe")


def test_status_says_where_intention_and_observation_differ(three):
    three.record_deployment(2, target="eu")
    three.record_deployment(3, target="us")
    three.record_deployment(None, target="asia")

    assert three.status(3).disagreements == (
        "models/late/3 is in production, but was taken away from asia",
        "models/late/3 is in production, but version 2 runs at eu",
    )
    assert [each.target for each in three.status(3).deployments] == ["us"]
    assert three.status(2).disagreements == ("models/late/2 runs at eu, but is in archived",)


def test_what_is_in_production_and_nowhere_seen_is_told(three):
    assert three.status(3).disagreements == ("models/late/3 is in production, but was not seen anywhere",)
    assert three.status(1).disagreements == ()


def test_versions_are_compared_fact_by_fact(shelf, late):
    signature = {"inputs": [{"name": "hour", "dtype": "int64"}]}
    wider = {"inputs": [{"name": "hour", "dtype": "float64"}, {"name": "carrier", "dtype": "str"}]}
    for metrics, shape in (({"auc": 0.5, "f1": 0.25}, signature), ({"auc": 0.75}, wider)):
        properties = {"format": "skops", "signature": shape}
        shelf.add_new(NewVersion(model="late", metrics=metrics, properties=properties, tags={"n": 1}))
    late.add_verdict(2, gate="model", outcome="pass")

    found = late.compare(1, "latest")

    assert found.differing == (
        Fact(kind="metric", name="auc", left=0.5, right=0.75, change=0.25),
        Fact(kind="metric", name="f1", left=0.25, right=None),
        Fact(kind="input", name="carrier", left=None, right="str"),
        Fact(kind="input", name="hour", left="int64", right="float64"),
        Fact(kind="verdict", name="model", left=None, right="pass"),
    )
    assert Fact(kind="tag", name="n", left=1, right=1, change=0.0) in found.facts
    assert late.compare(1, 1).differing == ()


def test_a_deprecated_version_loads_with_a_warning(three):
    three.deprecate(3, reason="leaks the label")

    with pytest.warns(DeprecatedVersionWarning, match="models/late/3 is deprecated: leaks the label"):
        three.load(3)

    three.undeprecate(3, reason="it does not")
    assert three.load(3) == {"weights": "of version 3"}


def test_decisions_without_a_reason_are_refused(three):
    for decide in (
        lambda: three.request(1, reason=" "),
        lambda: three.approve(1, reason=""),
        lambda: three.deprecate(1, reason=""),
        lambda: three.delete_version(1, reason=""),
        lambda: three.delete(reason=""),
        lambda: three.set_process(None, reason=""),
    ):
        with pytest.raises(RefusedError, match="needs a reason"):
            decide()


def test_the_registry_registers_searches_and_lists_requests(shelf):
    late = shelf.registry.register("late", owner="team-a", description="late flights")
    shelf.add_new(NewVersion(model="late", metrics={"auc": 0.5}))
    shelf.add_new(NewVersion(model="other", metrics={"auc": 0.75}))
    late.request(1, reason="ready")
    shelf.registry["other"].request(1, to="staging", reason="to try")

    assert late.info().owner == "team-a"
    assert [r.ref for r in shelf.registry.requests()] == ["models/late/1", "models/other/1"]
    assert [r.stage for r in late.requests()] == ["production"]
    found = shelf.registry.search_versions("metrics.auc >= 0.5", order_by="metrics.auc desc")
    assert [version.ref for version in found] == ["models/other/1", "models/late/1"]
    assert len(shelf.registry.search_versions(limit=1)) == 1


def test_a_version_that_was_in_production_is_rolled_back_to_by_name(three):
    assert three.rollback(reason="incident 12", version=1).stage == "production"
    assert three.rollback(reason="incident 13", version=2).stage == "production"
