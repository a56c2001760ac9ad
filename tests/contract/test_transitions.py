"""Stages: promotion, rollback, one holder of an exclusive stage, and who held it before."""

import pytest

from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.model.models import DEFAULT_STAGES, Transition
from tests.contract.builders import START_MS, add_versions, move, roll_back

ALLOWED = [(a, b) for a, targets in DEFAULT_STAGES.transitions.items() for b in sorted(targets)]
REFUSED = [
    (a, b) for a in DEFAULT_STAGES.transitions for b in DEFAULT_STAGES.transitions if (a, b) not in ALLOWED
]


def stages(store, model="m"):
    """Stage by version number."""
    count = store.models.get(model).version_count
    return {n: store.models.version(model, n).stage for n in range(1, count + 1)}


def previous(store):
    """Number of the version that was in production before, or None."""
    version = store.models.previous_holder("m", "production")
    return None if version is None else version.version


def at(store, stage):
    """Bring version 1 to a stage."""
    if stage != "none":
        move(store, 1, stage)


@pytest.mark.parametrize(("start", "to"), ALLOWED, ids=lambda s: s)
def test_stages_allow(store, start, to):
    add_versions(store)
    at(store, start)

    assert move(store, 1, to).stage == to


@pytest.mark.parametrize(("start", "to"), REFUSED, ids=lambda s: s)
def test_stages_refuse(store, start, to):
    add_versions(store)
    at(store, start)
    entries = store.ledger.entries()

    with pytest.raises(RefusedError, match=f"models/m/1 is in {start}"):
        move(store, 1, to)

    assert (stages(store), store.ledger.entries()) == ({1: start}, entries)


def test_unknown_stage_is_refused(store):
    add_versions(store)

    with pytest.raises(InvalidError, match="no stage 'prod'"):
        move(store, 1, "prod")


def test_unknown_version_and_model_are_refused(store):
    add_versions(store)

    with pytest.raises(NotFoundError, match="models/m/2"):
        move(store, 2)
    with pytest.raises(NotFoundError, match="no registered model"):
        move(store, 1, model="other")


def test_promotion_archives_the_version_that_held_the_stage(store):
    add_versions(store, number=3)
    move(store, 1)

    move(store, 3)

    assert stages(store) == {1: "archived", 2: "none", 3: "production"}
    assert store.models.get("m").stages == {"archived": 1, "production": 3}


def test_staging_holds_many(store):
    add_versions(store, number=2)

    move(store, 1, "staging")
    move(store, 2, "staging")

    assert stages(store) == {1: "staging", 2: "staging"}


def test_models_do_not_share_their_stages(store):
    add_versions(store, "a")
    add_versions(store, "b")

    move(store, 1, model="a")
    move(store, 1, model="b")

    assert (stages(store, "a"), stages(store, "b")) == ({1: "production"}, {1: "production"})


def test_move_counts_as_a_change_of_both_versions(store, clock):
    add_versions(store, number=2)
    move(store, 1)
    now = clock.tick(5)

    moved = move(store, 2)

    replaced = store.models.version("m", 1)
    assert (moved.revision, moved.updated_ms, replaced.revision, replaced.updated_ms) == (2, now, 3, now)
    assert moved.created_ms == START_MS


@pytest.mark.parametrize(("holder", "expected"), [(0, 0), (2, 2)], ids=["nobody", "that-version"])
def test_expected_holder_lets_the_move_pass(store, holder, expected):
    add_versions(store, number=2)
    if holder:
        move(store, holder)

    assert move(store, 1, expect_holder=expected).stage == "production"


@pytest.mark.parametrize(
    ("holder", "expected"), [(0, 2), (2, 0), (2, 1)], ids=["nobody", "somebody", "another"]
)
def test_other_holder_than_expected_refuses_the_move(store, holder, expected):
    add_versions(store, number=3)
    if holder:
        move(store, holder)
    before = stages(store)

    with pytest.raises(RefusedError, match="look again"):
        move(store, 3, expect_holder=expected)

    assert stages(store) == before


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ("", None),
        ("1", None),
        ("1 2", 1),
        ("1 2 3", 2),
        ("1 2 back", None),
        ("1 2 3 back", 1),
        ("1 2 3 back back", None),
        ("1 2 back 3", 1),
        ("1 2 3 back 4", 2),
        ("1 2 3 back 4 back", 1),
        ("1 2 3 back 4 back back", None),
        ("1 2 1", 2),
        ("1 2 1 back", 1),
        ("1 archive-1", 1),
        ("1 2 archive-2", 2),
        ("1 2 archive-2 3", 2),
        ("1 2 archive-2 back", 1),
        ("1 2 stage-1 stage-2", 2),
    ],
    ids=lambda moves: str(moves).replace(" ", ",") or "nothing",
)
def test_previous_holder_is_what_a_rollback_goes_back_to(store, moves, expected):
    add_versions(store, number=4)

    for step in moves.split():
        verb, _, number = step.rpartition("-")
        if step == "back":
            roll_back(store)
        elif verb:
            move(store, int(number), {"archive": "archived", "stage": "staging"}[verb])
        else:
            move(store, int(step))

    assert previous(store) == expected


def test_rollback_with_nothing_to_go_back_to_has_no_previous_holder(store):
    add_versions(store)
    move(store, 1)

    assert store.models.previous_holder("m", "production") is None
    assert store.models.previous_holder("m", "no such stage") is None


def test_models_below_in_name_do_not_count_as_holders(store):
    add_versions(store, "m", 2)
    add_versions(store, "m/x", 3)
    move(store, 1, model="m")
    for number in (2, 3):
        move(store, number, model="m/x")
    move(store, 2, model="m")

    assert previous(store) == 1


def test_move_is_noted_in_the_ledger(store):
    add_versions(store, number=2)
    move(store, 1)
    evidence = {"auc": 0.7, "to": "forged", "nested": {"list": [1, None, "é"]}}

    store.models.transition(
        Transition(model="m", version=2, to="production", reason="better", actor="bob", evidence=evidence)
    )

    entry = store.ledger.entries()[-1]
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (
        "bob",
        "promote",
        "models/m/2",
        "better",
    )
    assert entry.details == {"evidence": evidence, "from": "none", "to": "production", "replaced": 1}


def test_unusable_kind_or_actor_moves_nothing(store):
    add_versions(store)

    for fields in ({"kind": "x" * 501}, {"actor": ""}):
        with pytest.raises(InvalidError):
            move(store, 1, **fields)

    assert stages(store) == {1: "none"}
