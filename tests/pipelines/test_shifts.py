"""Threads that take one attempt after another."""

from collections import Counter

import pytest

from headwater.blobs import open_blobs
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun, RunPublication, RunStatus
from headwater.pipelines import tags
from headwater.pipelines.events import StepState
from headwater.pipelines.leases import new_owner, publish
from headwater.pipelines.pipeline import Definition
from headwater.pipelines.running import Running, run_pipeline
from headwater.pipelines.steps import step
from headwater.store import open_store
from headwater.tracking import Session


class Counting:
    """A part of a store that counts its calls."""

    def __init__(self, part):
        self._part, self.calls = part, Counter()

    def __getattr__(self, name):
        self.calls[name] += 1
        return getattr(self._part, name)


@pytest.fixture
def store():
    with open_store("memory://") as opened:
        yield opened


@pytest.fixture
def session(store, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    with Session(store, open_blobs("memory://"), project_root=tmp_path) as opened:
        yield opened


@step
def one(x: int) -> int:
    if x == 3:
        raise ValueError(x)
    return x + 1


@step
def total(parts: list) -> int:
    return sum(parts)


def sums(count: int):
    return total(one.map(list(range(4, 4 + count))))


def odd_one(count: int):
    return one.map(list(range(count)))


def shares(count: int):
    light = [one.using(resources={"cpus": share}).named(f"s{share}")(9) for share in (0.1, 0.2)]
    return total.using(resources={"cpus": 5})([*light, *[one.named("late")(light[0])]])


def run(session, function, count=10, **options):
    definition = Definition(name=function.__name__, function=function)
    return run_pipeline(session, definition, {"count": count}, Running(workers=1, **options))


def test_the_end_of_a_step_and_the_claim_of_the_next_are_one_transaction(session, store):
    store.runs = Counting(store.runs)

    done = run(session, sums)

    claims = {name: count for name, count in store.runs.calls.items() if name.startswith("publish")}
    assert done.value == sum(range(5, 15))
    # Only the first of those that were ready, and the one that had to wait for them, are claimed alone.
    assert claims == {"publish": 2, "publish_all": 11}


def test_one_that_fails_does_not_keep_the_next_from_running(session):
    done = run(session, odd_one, raises=False)

    states = {name: each.state for name, each in done.steps.items()}
    assert states == {f"one[{i}]": StepState.FAILED if i == 3 else StepState.COMPLETE for i in range(10)}


def test_each_step_is_told_to_run_before_it_is_told_to_be_done(session):
    told = []

    run(session, sums, listen=lambda event: told.append((str(event.slot), event.state)))

    for name in ("one[0]", "one[9]", "total"):
        assert [state for slot, state in told if slot == name] == [StepState.RUNNING, StepState.COMPLETE]
    at_once = [sum(1 if s is StepState.RUNNING else -1 for _, s in told[: i + 1]) for i in range(len(told))]
    assert max(at_once) == 1


def test_shares_of_processors_are_given_back_whole(session):
    assert run(session, shares).value == 10 + 10 + 11


def test_a_claim_that_somebody_else_has_made_does_not_hold_up_the_end(store):
    mine, theirs = (NewRun(run_id=new_run_id(), experiment="e") for _ in range(2))
    owner = new_owner()
    held = NewRun(run_id=mine.run_id, experiment="e", tags={tags.OWNER: owner.as_json()})
    first = store.runs.publish(RunPublication(run=held))
    taken = store.runs.publish(RunPublication(run=theirs))

    published = publish(
        store,
        first.execution_id,
        owner.token,
        status=RunStatus.FINISHED,
        end_ms=5,
        following=(RunPublication(run=theirs),),
    )

    found = store.runs.by_execution_ids([first.execution_id, taken.execution_id])
    assert [each.execution_id for each in published] == [first.execution_id]
    assert [each.status for each in found] == [RunStatus.FINISHED, RunStatus.RUNNING]
