"""Versions and models that are described, deprecated, deleted and restored, and what was seen of them."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnmetError
from headwater.model.graph import EventType, NodeKind
from headwater.model.models import Deprecation, Description
from headwater.model.release import NeedKind
from headwater.model.upkeep import Expiry, Subject
from headwater.model.verdicts import Deployment, NewDeployment
from tests.contract.builders import START_MS, add_versions, event, move, roll_back
from tests.contract.releases import judge, needs, request, set_process, vote

WHO = {"actor": "ann", "reason": "because"}


def last(store):
    """(action, subject, details) of the newest ledger entry."""
    entry = store.ledger.entries()[-1]
    return entry.action, entry.subject, entry.details


def describe(store, version=None, tags=None, **facts):
    new = Description(model="m", version=version, facts=facts, tags=tags or {}, **WHO)
    store.models.describe(new)


def deploy(store, version, target="eu", **fields):
    new = NewDeployment(model="m", version=version, target=target, actor="ops", **fields)
    return store.releases.record_deployment(new)


def numbers(store):
    return [v.version for v in store.models.page_versions().items]


def test_an_owner_is_registered_and_noted(store):
    model = store.models.register("m", owner="team-a", description="what it does", actor="ann")

    assert (model.owner, model.description) == ("team-a", "what it does")
    assert last(store) == ("register", "models/m", {"owner": "team-a"})
    store.models.register("m", actor="bob")
    assert len(store.ledger.entries()) == 1


def test_descriptions_and_owners_are_decisions_and_tags_are_not(store):
    add_versions(store)
    describe(store, owner="team-a", description="late flights", tags={"a": 1})

    model = store.models.get("m")
    assert (model.owner, model.description, model.tags) == ("team-a", "late flights", {"a": 1})
    assert last(store) == (
        "describe",
        "models/m",
        {
            "owner": {"before": None, "after": "team-a"},
            "description": {"before": None, "after": "late flights"},
        },
    )
    describe(store, 1, description="first")
    assert store.models.version("m", 1).description == "first"
    assert last(store)[1:] == ("models/m/1", {"description": {"before": None, "after": "first"}})

    entries = store.ledger.entries()
    describe(store, 1, description="first", tags={"b": 2})
    describe(store, owner="team-a", tags={"a": None})
    assert (store.models.get("m").tags, store.models.version("m", 1).tags) == ({}, {"b": 2})
    assert store.ledger.entries() == entries

    describe(store, description=None)
    assert store.models.get("m").description is None
    with pytest.raises(InvalidError):
        describe(store, 1, owner="team-a")
    with pytest.raises(NotFoundError):
        describe(store, 2, description="second")


def test_a_deprecated_version_goes_to_no_exclusive_stage(store):
    add_versions(store)
    store.models.deprecate("m", 1, **WHO)

    assert store.models.version("m", 1).deprecation == Deprecation(
        reason="because", actor="ann", time_ms=START_MS
    )
    assert last(store) == ("deprecate", "models/m/1", {})
    assert [need.kind for need in needs(store)] == [NeedKind.DEPRECATED]
    with pytest.raises(UnmetError, match="deprecated"):
        move(store, 1)
    move(store, 1, "staging")

    store.models.undeprecate("m", 1, **WHO)
    assert store.models.version("m", 1).deprecation is None
    assert move(store, 1).stage == "production"


def test_a_rollback_reaches_a_deprecated_version(store):
    add_versions(store, number=2)
    move(store, 1)
    move(store, 2)
    store.models.deprecate("m", 1, **WHO)

    assert roll_back(store).version == 1


def test_deprecating_twice_and_taking_back_nothing_are_refused(store):
    add_versions(store)
    with pytest.raises(RefusedError, match="is not deprecated"):
        store.models.undeprecate("m", 1, **WHO)
    store.models.deprecate("m", 1, **WHO)
    with pytest.raises(RefusedError, match="already"):
        store.models.deprecate("m", 1, **WHO)


def test_a_deleted_version_takes_part_in_nothing(store):
    add_versions(store, number=2)
    store.models.set_alias("m", "champion", 2, **WHO)
    request(store, version=2)
    store.models.delete("m", 2, **WHO)

    assert last(store) == ("delete", "models/m/2", {"stage": "none", "forced": False})
    assert (numbers(store), store.models.get("m").version_count) == ([1], 1)
    assert store.models.version("m", 2).deleted_ms == START_MS
    assert store.models.resolve("m", "latest").version == 1
    assert store.models.get("m").aliases == {}
    assert store.approvals.requests() == []
    for refused in (
        lambda: move(store, 2),
        lambda: store.models.set_alias("m", "champion", 2, **WHO),
        lambda: request(store, version=2),
        lambda: vote(store, "bob", version=2),
        lambda: judge(store, "model", version=2),
        lambda: describe(store, 2, description="x"),
        lambda: store.models.deprecate("m", 2, **WHO),
        lambda: needs(store, 2),
        lambda: store.models.delete("m", 2, **WHO),
    ):
        with pytest.raises(RefusedError, match="models/m/2 is deleted"):
            refused()

    store.models.restore("m", 2, **WHO)
    assert last(store) == ("restore", "models/m/2", {"stage": "none"})
    assert move(store, 2).stage == "production"
    with pytest.raises(RefusedError, match="not deleted"):
        store.models.restore("m", 2, **WHO)


def test_the_alias_of_a_deleted_version_is_in_the_past(store, clock):
    add_versions(store)
    store.models.set_alias("m", "champion", 1, **WHO)
    before = clock.tick() - 1
    store.models.delete("m", 1, **WHO)
    clock.tick()

    assert store.at(before).models.resolve("m", "champion").version == 1
    with pytest.raises(NotFoundError):
        store.models.resolve("m", "champion")


def test_what_is_in_production_is_never_deleted(store):
    add_versions(store)
    move(store, 1)
    entries = store.ledger.entries()

    for number in (1, None):
        for force in (False, True):
            with pytest.raises(RefusedError, match="models/m/1 is in production: nothing"):
                store.models.delete("m", number, force=force, **WHO)

    node = store.models.version("m", 1)
    with pytest.raises(RefusedError, match="is in production: nothing"):
        store.artifacts.delete([node.id])
    with pytest.raises(RefusedError, match="is in production: nothing"):
        store.upkeep.delete([Subject(kind=NodeKind.ARTIFACT, id=node.id, ref=node.ref)], **WHO)
    assert (numbers(store), store.ledger.entries()) == ([1], entries)


def test_what_was_removed_for_good_is_only_a_number(store, clock):
    add_versions(store, number=2)
    store.models.delete("m", 1, **WHO)
    store.upkeep.remove(Expiry(nodes_ms=clock.now_ms, keys_ms=0))

    with pytest.raises(RefusedError, match="only its number is left"):
        move(store, 1)
    with pytest.raises(NotFoundError, match="models/m/1"):
        store.models.restore("m", 1, **WHO)
    assert store.models.version("m", 1).removed_ms == clock.now_ms
    assert (numbers(store), store.models.get("m").version_count) == ([2], 1)


def test_what_was_in_production_is_deleted_by_force_only(store):
    add_versions(store, number=3)
    for number in (1, 2, 3):
        move(store, number)

    with pytest.raises(RefusedError, match="version 2 was in production once"):
        store.models.delete("m", 2, **WHO)
    store.models.delete("m", 2, force=True, **WHO)

    assert last(store)[2] == {"stage": "archived", "forced": True}
    assert store.models.previous_holder("m", "production").version == 1
    with pytest.raises(RefusedError, match="deleted"):
        move(store, 2, kind="rollback")


def test_what_was_in_production_under_an_older_process_counts_too(store):
    add_versions(store)
    move(store, 1)
    move(store, 1, "archived")
    set_process(
        store,
        {"transitions": {"none": ["live"], "live": ["archived"], "archived": []}, "exclusive": ["live"]},
    )

    with pytest.raises(RefusedError, match="force"):
        store.models.delete("m", 1, **WHO)


def test_a_model_goes_and_comes_back_with_its_versions(store, clock):
    add_versions(store, number=3)
    store.models.delete("m", 1, **WHO)
    clock.tick()
    store.models.delete("m", **WHO)

    assert last(store) == ("delete", "models/m", {"versions": [2, 3], "forced": False})
    assert numbers(store) == []
    with pytest.raises(NotFoundError):
        store.models.get("m")
    with pytest.raises(ConflictError, match="restore it"):
        add_versions(store)
    with pytest.raises(NotFoundError):
        store.models.restore("m", 2, **WHO)

    store.models.restore("m", **WHO)
    assert last(store) == ("restore", "models/m", {"versions": [2, 3]})
    assert numbers(store) == [2, 3]
    assert add_versions(store)[0].version == 4
    with pytest.raises(RefusedError, match="not deleted"):
        store.models.restore("m", **WHO)
    with pytest.raises(NotFoundError):
        store.models.restore("other", **WHO)


def test_what_was_seen_last_at_each_target_is_what_is_observed(store, clock):
    add_versions(store, number=2)
    add_versions(store, "other")
    deploy(store, 1)
    deploy(store, 1, "us")
    clock.tick()
    newest = deploy(store, 2, url="https://eu", note="canary over")
    gone = deploy(store, None, "us")
    elsewhere = store.releases.record_deployment(
        NewDeployment(model="other", version=1, target="eu", actor="ops")
    )

    assert newest == Deployment(
        id=newest.id,
        model="m",
        version=2,
        target="eu",
        actor="ops",
        url="https://eu",
        note="canary over",
        time_ms=START_MS + 1,
    )
    assert store.releases.deployments("m") == [newest, gone]
    assert store.releases.deployments() == [newest, gone, elsewhere]
    assert [d.version for d in store.at(START_MS).releases.deployments("m")] == [1, 1]
    two = store.models.version("m", 2).id
    assert store.links.events_of_executions([newest.id]) == [
        event(two, newest.id, EventType.INPUT, path=("version",), time_ms=START_MS + 1)
    ]
    with pytest.raises(NotFoundError):
        deploy(store, 9)


def test_an_owner_and_a_description_can_be_searched(store):
    from headwater.model.filters import Entity
    from headwater.model.listing import Listing
    from headwater.query.parse import parse_filter

    store.models.register("m", owner="team-a")
    store.models.register("other", owner="team-b")

    tree = parse_filter("properties.owner = 'team-a'", Entity.CONTEXT)
    assert [model.name for model in store.models.page(Listing(filter=tree)).items] == ["m"]
