"""What a pipeline's author relies on: values, errors, branches, limits, and what is never done in secret."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import headwater as hw
from headwater.errors import InvalidError, NotFoundError, PipelineFailedError, RefusedError
from headwater.model.verdicts import NewVerdict, Outcome
from headwater.pipelines.definitions import Options
from headwater.pipelines.events import StepState
from headwater.pipelines.records import RunState
from headwater.pipelines.steps import Step

CALLS = Counter()


@pytest.fixture
def client(tmp_path, project):
    CALLS.clear()
    with hw.Client(f"sqlite:///{tmp_path / 'store.db'}", actor="ann") as opened:
        yield opened


def run(client, function, name="p", **params):
    options = {k: params.pop(k) for k in ("executor", "workers", "raises", "cache", "resume") if k in params}
    return client.pipelines.start(hw.pipeline(name=name)(function), params, **options)


@hw.step
def give(value: object) -> object:
    CALLS["give"] += 1
    return value


@hw.step
def double(x: int) -> int:
    CALLS["double"] += 1
    return 2 * x


@hw.step
def pair(x: int) -> tuple[int, str]:
    return x, str(x)


@hw.step
def join(parts: list, more: dict) -> dict:
    return {"parts": parts, "more": more}


@hw.step
def boom(x: int) -> int:
    raise ValueError(f"{x} is bad")


@hw.step
def text(data: hw.Dataset) -> str:
    return f"{data.ref} of {data.row_count}"


@hw.step
def table(count: int) -> hw.Dataset:
    return [{"x": x} for x in range(count)]  # pyright: ignore[reportReturnType]


@hw.step
def frame(count: int):
    import pandas as pd

    return pd.DataFrame({"x": range(count)})


@hw.step
def array(count: int):
    import numpy as np

    return np.arange(count)


@hw.step
def file(content: str, run: hw.ActiveRun) -> Path:
    path = Path(f"made-{run.run_id[:6]}.txt")
    path.write_text(content)
    return path


@hw.step
def size(thing: object) -> int:
    if isinstance(thing, Path):
        return len(thing.read_text())
    return len(thing)


@hw.step
def train(rate: float, run: hw.ActiveRun) -> hw.ModelVersion:
    CALLS["train"] += 1
    run.log_metric("loss", rate)
    return run.log_model("m", {"rate": rate})


@hw.step
def judge(model: hw.ModelVersion) -> str:
    return f"{model.ref} by {hw.active_run().experiment}"


def test_a_step_outside_of_a_pipeline_is_the_function():
    assert isinstance(double, Step)
    assert (double(21), double.map([1, 2])) == (42, [2, 4])


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 0.5, float("inf"), "\udcff text", [1, [2]], {"a": {"b": [None]}}, b"\x00\xff"],
    ids=["none", "bool", "int", "float", "infinity", "text", "list", "dict", "bytes"],
)
def test_plain_values_come_back_as_they_are(client, value):
    @hw.step
    def made() -> object:
        return value

    assert run(client, lambda: give(made())).value == value


def test_tuples_are_taken_apart_and_lists_and_dicts_of_handles_put_together(client):
    def drawn():
        number, word = pair(3)
        return join([number, double(number)], {"word": word, "plain": 1})

    assert run(client, drawn).value == {"parts": [3, 6], "more": {"word": "3", "plain": 1}}


def test_a_map_of_a_map_and_what_gathers_it(client):
    def drawn():
        return join(double.map(double.map([1, 2, 3])), {})

    assert run(client, drawn).value["parts"] == [4, 8, 12]


def test_a_map_over_nothing_gives_nothing(client):
    assert run(client, lambda: join(double.map([]), {})).value["parts"] == []


def test_tables_arrays_and_files_come_back_as_such(client):
    def drawn():
        return [size(frame(4)), size(array(5)), size(file("abc"))]

    assert run(client, drawn).value == [4, 5, 3]


def test_what_is_annotated_as_a_data_set_is_recorded_under_the_step(client):
    done = run(client, lambda: text(table(4)), name="flights")

    assert done.value == "data/flights/table/1 of 4"


def test_a_store_with_pipelines_is_sound_and_keeps_all_that_they_made(client, project):
    (project / "late.csv").write_text("a\n")
    time.sleep(0.05)

    def drawn():
        return [size(frame(4)), give("x" * 5000), text(table(2)), judge(train(0.5)), reads("late.csv")]

    before = run(client, drawn)
    collected = client.upkeep.collect(older_than_s=0, bytes_older_than_s=0)
    after = run(client, drawn)

    assert client.upkeep.examine(is_deep=True).findings == ()
    assert collected.blobs == 0
    assert after.value == before.value
    assert {step.state for step in after.steps.values()} == {StepState.REUSED}


def test_a_model_that_a_step_logs_is_its_output_and_its_run_can_be_searched(client):
    done = run(client, lambda: judge(train(0.5)), name="flights")

    assert done.value == "models/m/1 by flights"
    (found,) = client.search_runs("metrics.loss = 0.5")
    assert (found.name, found.experiment) == ("train", "flights")
    maker = client.lineage("models/m/1").upstream().graph.executions[0]
    assert maker.id == found.id


def test_both_branches_are_drawn_and_one_runs(client):
    def drawn(flag: bool):
        chosen = hw.when(give(flag), then=lambda: double(1), otherwise=lambda: double.named("no")(2))
        return double.named("after")(chosen)

    yes, no = run(client, drawn, flag=True), run(client, drawn, flag=False)

    assert (yes.value, no.value) == (4, 8)
    assert yes.steps["no"].state is StepState.SKIPPED
    assert no.steps["double"].state is StepState.SKIPPED


def test_what_depends_on_a_step_that_is_skipped_is_skipped(client):
    def drawn():
        inside = []
        hw.when(give(False), then=lambda: inside.append(double(1)))
        return double.named("beyond")(inside[0])

    done = run(client, drawn)

    assert (done.state, done.value, done.steps["beyond"].state) == (
        RunState.COMPLETE,
        None,
        StepState.SKIPPED,
    )


def test_a_handle_has_no_value_while_it_is_drawn(client):
    def drawn():
        if give(True):
            return double(1)
        return None

    with pytest.raises(InvalidError, match=r"use hw\.when"):
        run(client, drawn)


def test_what_fails_stops_only_what_hangs_on_it(client):
    def drawn():
        return [double.named("beyond")(boom(1)), double(3)]

    done = run(client, drawn, raises=False)

    states = {name: step.state for name, step in done.steps.items()}
    assert done.state is RunState.FAILED
    assert states == {
        "boom": StepState.FAILED,
        "beyond": StepState.BLOCKED,
        "double": StepState.COMPLETE,
    }


def test_an_error_names_the_step_and_the_way_on(client):
    with pytest.raises(
        PipelineFailedError, match=r"boom: ValueError: 1 is bad.*resume pipelines/p/1"
    ) as told:
        run(client, lambda: boom(1))

    assert told.value.failures.keys() == {"boom"}


@pytest.mark.parametrize(
    ("drawn", "problem"),
    [
        (lambda: [double()], "missing a required argument: 'x'"),
        (lambda: double.map([1], y=[2]), "unexpected keyword argument"),
        (lambda: double(object()), "that no step made"),
        (lambda: [double.map()], "at least one list"),
        (lambda: pair.map([1, 2], [3]), "too many"),
        (lambda: None, "calls no step"),
    ],
    ids=["missing", "unknown", "no-value", "no-list", "too-many", "no-step"],
)
def test_what_makes_no_sense_is_refused(client, drawn, problem):
    with pytest.raises(InvalidError, match=problem):
        run(client, drawn)


def test_a_value_without_a_safe_format_is_refused(client):
    @hw.step
    def odd() -> object:
        return threading.Lock

    with pytest.raises(PipelineFailedError, match="no safe format"):
        run(client, odd)


def test_a_param_has_to_be_storable(client):
    with pytest.raises(InvalidError, match="param x cannot be a object"):
        run(client, double, x=object())


def test_a_memory_store_cannot_be_shared_with_processes(project):
    with hw.Client("memory://") as client, pytest.raises(InvalidError, match="only in this process"):
        run(client, lambda: double(1), executor="processes")


def test_names_of_run_and_options_are_checked():
    with pytest.raises(InvalidError, match="run\\(\\) takes resume for itself"):
        hw.pipeline(lambda resume: None)
    with pytest.raises(InvalidError, match="slash"):
        hw.pipeline(name="a/b")(lambda: None)
    with pytest.raises(InvalidError, match="retries"):
        Options(retries=-1)
    with pytest.raises(InvalidError, match="tuple of names"):
        Options(environment="TZ")


def test_a_step_ends_when_its_function_does_and_not_before(client):
    @hw.step
    def early() -> int:
        hw.active_run().end()
        return 1

    with pytest.raises(PipelineFailedError, match="ends when the step's function returns"):
        run(client, early)


def test_there_is_no_active_run_outside(project):
    with pytest.raises(RefusedError, match="no run is active"):
        hw.active_run()


def test_a_step_without_cache_runs_each_time_and_is_still_resumed(client):
    def drawn(bad: bool = False):
        first = give.using(cache=False)(1)
        return boom.after(first)(1) if bad else first

    run(client, drawn)
    run(client, drawn)
    assert CALLS["give"] == 2

    failing = hw.pipeline(name="p")(lambda: drawn(bad=True))
    for _ in range(2):
        with pytest.raises(PipelineFailedError):
            client.pipelines.start(failing, {}, resume=True)
    assert CALLS["give"] == 3


def test_a_declared_variable_is_part_of_the_key(client, monkeypatch):
    for zone in ("UTC", "UTC", "CET"):
        monkeypatch.setenv("FLIGHTS_ZONE", zone)
        run(client, lambda: double.using(environment=("FLIGHTS_ZONE",))(1))

    assert CALLS["double"] == 2
    told = client.pipelines.why("p/3", "double")
    assert [(change.field, change.part) for change in told.changes] == [("environment", "FLIGHTS_ZONE")]
    assert "CET" not in str(told)


def test_a_version_tells_apart_what_code_cannot(client):
    for version in ("1", "1", "2"):
        run(client, lambda version=version: double.using(version=version)(1))

    assert CALLS["double"] == 2


def test_resources_limit_how_many_run_at_once(client):
    running, most = [], []

    @hw.step(resources={"cpus": 2})
    def heavy(x: int) -> int:
        running.append(x)
        most.append(len(running))
        time.sleep(0.02)
        running.remove(x)
        return x

    run(client, lambda: heavy.map([1, 2, 3, 4]), workers=4)

    assert max(most) <= 2


def test_any_executor_of_threads_will_do(client):
    with ThreadPoolExecutor(2) as pool:
        assert run(client, lambda: double(2), executor=pool).value == 4


def verdict(client, outcome):
    return client.store.releases.add_verdict(
        NewVerdict(model="m", version=1, gate="model", outcome=outcome, actor="gate")
    )


def test_a_gate_is_skipped_only_while_its_verdict_is_the_newest(client):
    outcomes = [Outcome.PASS, Outcome.INSUFFICIENT]

    @hw.step
    def judged(model: hw.ModelVersion) -> object:
        CALLS["judged"] += 1
        return verdict(client, outcomes.pop(0))

    def drawn():
        return hw.when(judged(train(0.5)), then=lambda: give("released"), otherwise=lambda: give("kept"))

    first, second = run(client, drawn), run(client, drawn)
    reused = {name: count for name, count in CALLS.items() if name != "give"}
    verdict(client, Outcome.FAIL)
    third = run(client, drawn)

    assert [done.value for done in (first, second, third)] == ["released", "released", "kept"]
    CALLS.pop("give")

    assert reused == {"train": 1, "judged": 1}
    assert CALLS == {"train": 1, "judged": 2}
    assert "a newer verdict of gate model" in client.pipelines.why("p/3", "judged").sentence


def test_undeclared_reads_become_inputs_that_decide_on_reuse(client, project):
    (project / "late.csv").write_text("a,b\n1,2\n")
    time.sleep(0.05)

    def drawn():
        return reads("late.csv")

    first = run(client, drawn)
    same = run(client, drawn)
    (project / "late.csv").write_text("a,b\n1,3\n")
    changed = run(client, drawn)

    assert first.steps["reads"].note == "read without declaring: late.csv"
    assert [r.steps["reads"].state for r in (first, same, changed)] == [
        StepState.COMPLETE,
        StepState.REUSED,
        StepState.COMPLETE,
    ]
    assert "late.csv" in client.pipelines.why("p/3", "reads").sentence


@hw.step
def reads(name: str) -> str:
    return Path(name).read_text()


def test_an_interrupted_step_registers_its_model_once(client):
    @hw.step
    def trained(run: hw.ActiveRun) -> hw.ModelVersion:
        CALLS["trained"] += 1
        version = run.log_model("once", {"w": 1})
        if CALLS["trained"] == 1:
            raise ValueError("after it was registered")
        return version

    def drawn():
        return trained()

    with pytest.raises(PipelineFailedError):
        run(client, drawn)
    done = run(client, drawn, resume=True)

    assert done.value.ref == "models/once/1"
    assert client.store.models.get("once").version_count == 1


def test_a_run_that_is_not_there_is_named_with_those_that_are(client):
    run(client, lambda: double(1))

    with pytest.raises(NotFoundError, match=r"no run of a pipeline 'pipelines/p/7'; did you mean 1\?"):
        client.pipelines.run("p/7")


def test_code_that_is_gone_can_be_named_anew(client, project):
    flow = project / "flow.py"
    flow.write_text(
        "import headwater as hw\n\n\n@hw.step\ndef one() -> int:\n    return 1\n\n\n"
        "@hw.pipeline\ndef moved():\n    return one()\n"
    )
    client.pipelines.start(client.pipelines.load("flow.py:moved"), {})
    entry = client.pipelines.run("moved/1").run.entry
    flow.rename(project / "elsewhere.py")

    with pytest.raises(NotFoundError, match=r"--from FILE\.py:NAME"):
        client.pipelines.resume("moved/1")
    done = client.pipelines.resume("moved/1", source="elsewhere.py:moved")

    assert entry == "flow.py:moved"
    assert (done.state, done.value) == (RunState.COMPLETE, 1)
