"""Approvals: requests, votes, the separation of duty, and what a promotion makes of them."""

import pytest

from headwater.errors import InvalidError, NotFoundError, RefusedError, UnmetError
from headwater.model.approvals import ApprovalRequest, RequestStatus, Vote
from tests.contract.builders import START_MS, add_versions, move, roll_back
from tests.contract.releases import request, set_policy, vote, withdraw


def open_request(store):
    """The only open request."""
    [found] = store.approvals.requests()
    return found


def test_a_request_collects_votes(store):
    add_versions(store)
    set_policy(store, approvals=2, approvers=["bob", "eve", "joe"])
    asked = request(store)

    vote(store, "bob")
    found = vote(store, "eve", approves=False)

    assert found == ApprovalRequest(
        id=asked.id,
        model="m",
        version=1,
        stage="production",
        status=RequestStatus.OPEN,
        requester="ann",
        reason="because",
        created_ms=START_MS,
        votes=(
            Vote(actor="bob", approves=True, reason="because", time_ms=START_MS),
            Vote(actor="eve", approves=False, reason="because", time_ms=START_MS),
        ),
        needed=2,
        counted=("bob",),
        approvers=("bob", "eve", "joe"),
    )
    assert store.approvals.requests("m", 1) == [found]
    assert store.approvals.requests("m", 2) == store.approvals.requests("other") == []
    assert found.state == "rejected"


def test_a_rejection_stands_in_the_way_until_it_is_changed(store):
    add_versions(store)
    set_policy(store, approvals=1)
    request(store)
    vote(store, "bob")
    vote(store, "eve", approves=False)

    with pytest.raises(UnmetError, match="rejected by eve"):
        move(store, 1)

    assert vote(store, "eve", approves=None).is_granted
    assert move(store, 1).stage == "production"


def test_a_vote_that_is_taken_back_counts_no_more(store):
    add_versions(store)
    set_policy(store, approvals=1)
    request(store)

    assert vote(store, "bob").state == "granted"
    assert vote(store, "bob", approves=None).state == "pending"
    assert vote(store, "bob", approves=False).state == "rejected"
    with pytest.raises(UnmetError):
        move(store, 1)


def test_every_step_is_in_the_ledger(store):
    add_versions(store)
    request_id = request(store).id
    vote(store, "bob")
    vote(store, "bob", approves=None)
    vote(store, "bob", approves=False)
    withdraw(store)

    entries = store.ledger.entries()[1:]

    assert [(e.actor, e.action, e.subject) for e in entries] == [
        (actor, action, "models/m/1")
        for actor, action in (
            ("ann", "request"),
            ("bob", "approve"),
            ("bob", "take-back"),
            ("bob", "reject"),
            ("ann", "withdraw"),
        )
    ]
    assert entries[2].details == {"request": request_id, "stage": "production", "before": "approve"}


def test_a_granted_request_is_used_up_by_its_promotion(store, clock):
    add_versions(store)
    set_policy(store, approvals=1)
    asked = request(store)
    vote(store, "bob")
    now = clock.tick()
    move(store, 1)
    move(store, 1, "archived")

    with pytest.raises(UnmetError, match="nobody has requested"):
        move(store, 1)

    assert store.approvals.requests() == []
    [used] = store.approvals.requests(only_open=False)
    assert (used.id, used.status, used.closed_ms) == (asked.id, RequestStatus.USED, now)


def test_an_approval_is_for_one_version_and_stage(store):
    add_versions(store, number=2)
    for stage in ("production", "staging"):
        set_policy(store, stage, approvals=1)
    set_policy(store, approvals=1)
    request(store)
    vote(store, "bob")

    with pytest.raises(UnmetError):
        move(store, 2)
    move(store, 1, "staging")

    assert open_request(store).is_granted


def test_separation_of_duty_bars_who_requested_and_who_registered(store):
    add_versions(store)
    set_policy(store, approvals=1, separates_duty=True)
    request(store, actor="bob")

    for actor in ("ann", "bob"):
        with pytest.raises(RefusedError, match="somebody else has to approve"):
            vote(store, actor)
    vote(store, "bob", approves=False)

    assert open_request(store).barred == ("ann", "bob")
    vote(store, "bob", approves=None)
    assert vote(store, "eve").is_granted


def test_approvals_from_before_a_stricter_policy_count_by_the_present_one(store):
    add_versions(store)
    set_policy(store, approvals=1)
    request(store)
    vote(store, "ann")
    vote(store, "bob")
    set_policy(store, approvals=1, separates_duty=True, approvers=["ann", "eve"])

    with pytest.raises(UnmetError, match="0 of 1 approvals from ann, eve other than ann"):
        move(store, 1)


def test_only_approvers_vote(store):
    add_versions(store)
    set_policy(store, approvals=1, approvers=["managers"], roles={"managers": ["bob"]})
    request(store)

    with pytest.raises(RefusedError, match="eve may not decide on production; managers may"):
        vote(store, "eve")

    assert vote(store, "bob").is_granted


@pytest.mark.parametrize("approves", [True, False])
def test_nobody_votes_the_same_twice(store, approves):
    add_versions(store)
    request(store)
    vote(store, "bob", approves=approves)

    with pytest.raises(RefusedError, match="already"):
        vote(store, "bob", approves=approves)


def test_what_cannot_be_requested_or_voted_on_is_refused(store):
    add_versions(store)
    move(store, 1)

    with pytest.raises(RefusedError, match="is in production already"):
        request(store)
    with pytest.raises(NotFoundError, match="open request"):
        vote(store, "bob")
    with pytest.raises(NotFoundError, match="model version"):
        request(store, version=2)
    with pytest.raises(InvalidError, match="no stage 'prod'"):
        request(store, stage="prod")
    with pytest.raises(InvalidError, match="actor"):
        request(store, actor="", stage="staging")

    request(store, stage="staging")
    with pytest.raises(RefusedError, match="ann has requested staging"):
        request(store, actor="bob", stage="staging")
    with pytest.raises(RefusedError, match="has not voted"):
        vote(store, "bob", approves=None, stage="staging")


def test_a_request_is_withdrawn_by_its_maker_or_an_approver(store):
    add_versions(store)
    set_policy(store, approvals=1, approvers=["bob"])
    request(store)

    with pytest.raises(RefusedError, match="only ann"):
        withdraw(store, actor="eve")
    assert withdraw(store, actor="bob").state == "withdrawn"
    assert request(store).is_open
    assert withdraw(store).status is RequestStatus.WITHDRAWN


def test_requests_of_all_models_are_listed_oldest_first(store):
    add_versions(store, number=3)
    for number in (3, 1, 2):
        request(store, version=number)

    assert [found.version for found in store.approvals.requests()] == [3, 1, 2]


def test_a_rollback_uses_up_a_request_too(store):
    add_versions(store, number=2)
    move(store, 1)
    move(store, 2)
    request(store)

    roll_back(store)

    assert store.approvals.requests() == []


def test_requests_of_the_past_are_those_of_then(store, clock):
    add_versions(store)
    before = clock.tick() - 1
    request(store)
    then = clock.tick() - 1
    withdraw(store)
    clock.tick()

    assert store.at(before).approvals.requests() == []
    assert [found.state for found in store.at(then).approvals.requests()] == ["granted"]
    assert store.approvals.requests() == []
