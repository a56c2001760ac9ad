"""What is shown of a run: what has not begun, who decided, and the record of what was reused."""

from collections.abc import Generator

import pytest

import headwater as hw
from headwater.ledger import all_records, verify
from headwater.pipelines.events import StepState
from headwater.sdk import Client


@hw.step
def rate(value: float) -> float:
    return value


@hw.step
def is_good(value: float) -> bool:
    return value > 0


@hw.step
def publish(value: float, word: str = "") -> str:
    return f"{value} {word}"


@hw.step
def tell(text: str) -> str:
    return text


@hw.pipeline
def gated(value: float):
    found = rate(value)
    good = is_good(found)
    chosen = hw.when(
        good,
        then=lambda: tell.named("announce")(publish(found)),
        otherwise=lambda: publish.named("apologise")(found),
    )
    return tell.after(hw.approval("sign"))(chosen)


@hw.step
def fit(value: float, run: hw.ActiveRun) -> hw.ModelVersion:
    return run.log_model("m", {"value": value})


@hw.step
def double(value: float) -> float:
    return value * 2


@hw.pipeline
def fitted(value: float, by: float = 1.0):
    return fit(double(value))


@hw.step
def broken(value: float) -> float:
    raise ValueError(value)


@hw.pipeline
def breaks(value: float):
    return tell.named("after")(publish(broken(value)))


@pytest.fixture
def client(tmp_path) -> Generator[Client]:
    (tmp_path / "pyproject.toml").touch()
    with Client(f"sqlite:///{tmp_path / 'store.db'}", actor="ann") as opened:
        yield opened


def shown(client, ref):
    return {step.step: (step.state, step.note) for step in client.pipelines.steps(ref)}


@pytest.mark.parametrize(
    ("value", "word", "taken", "left"),
    [
        (1.0, "false", {"announce", "publish"}, {"apologise"}),
        (-1.0, "true", {"apologise"}, {"announce", "publish"}),
    ],
    ids=["then", "otherwise"],
)
def test_steps_of_the_branch_that_is_not_taken_are_shown_as_skipped(client, value, word, taken, left):
    done = client.pipelines.start(gated, {"value": value})

    steps = shown(client, done.ref)

    assert {name for name, (state, _) in steps.items() if state is StepState.COMPLETE} == {
        "rate",
        "is_good",
        *taken,
    }
    opposite = "true" if word == "false" else "false"
    assert {name: steps[name] for name in left} == dict.fromkeys(
        left, (StepState.SKIPPED, f"is_good is {opposite}")
    )
    assert (steps["sign"][0], steps["tell"][0]) == (StepState.APPROVAL, StepState.WAITING)


def test_what_hangs_on_a_failed_step_is_shown_as_blocked(client):
    done = client.pipelines.start(breaks, {"value": 1.0}, raises=False)

    steps = shown(client, done.ref)

    states = {name: state for name, (state, _) in steps.items()}
    assert states == {
        "broken": StepState.FAILED,
        "publish": StepState.BLOCKED,
        "after": StepState.BLOCKED,
    }


def test_who_approved_a_step_is_in_the_ledger_alone(client):
    waiting = client.pipelines.start(gated, {"value": 1.0})
    client.pipelines.approve(waiting.ref, "sign", reason="looks fine")

    done = client.pipelines.start(gated, {}, resume="1")

    (entry,) = client.store.ledger.entries(subject=waiting.ref)
    (stored,) = done.steps["sign"].outputs
    (made,) = client.store.links.events_of_artifacts([stored.artifact_id], are_outputs=True)
    (execution,) = client.store.executions.get([made.execution_id])
    assert (entry.subject, entry.action, entry.actor, entry.reason) == (
        f"{waiting.ref}/sign",
        "approve",
        "ann",
        "looks fine",
    )
    assert entry.details == {"execution": execution.id}
    assert execution.properties == {}
    assert shown(client, done.ref)["sign"] == (StepState.COMPLETE, "by ann: looks fine")
    assert verify(all_records(client.store.ledger.records)).is_intact


def test_a_state_that_was_set_past_the_ledger_approves_nothing(client):
    from headwater.model.graph import ExecutionChange, ExecutionState

    waiting = client.pipelines.start(gated, {"value": 1.0})
    (asked,) = (s.execution_id for s in client.pipelines.steps(waiting.ref) if s.step == "sign")
    client.store.executions.update([ExecutionChange(id=asked, state=ExecutionState.COMPLETE)])

    again = client.pipelines.start(gated, {}, resume="1")

    assert again.state.value == "waiting"
    assert shown(client, again.ref)["sign"][0] is StepState.APPROVAL


def test_a_reused_step_has_the_capture_of_the_step_that_it_reuses(client):
    client.pipelines.start(fitted, {"value": 1.0})

    again = client.pipelines.start(fitted, {"value": 1.0})
    made = again.steps["fit"].outputs[0].artifact_id
    missing = client.lineage(f"artifacts/{made}").missing()

    checks = {check.name: check for check in missing.checks}
    assert again.steps["fit"].state is StepState.REUSED
    assert checks["environment"].share == 1.0
