"""Runs: start, change, params, heartbeat, experiments."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError, StaleWriteError
from headwater.model import builtin
from headwater.model.graph import Association, ExecutionState
from headwater.model.ids import RunId, new_run_id
from headwater.model.runs import EXECUTION_STATES, Run, RunChange, RunStatus
from headwater.model.series import LatestMetric, Points
from headwater.model.values import Json, ProtoValue
from tests.contract.builders import START_MS, add_executions, append, start_run


def test_start_stores_every_field(store):
    parent = start_run(store)
    run_id = new_run_id()
    fields = {"name": "n", "user": "u", "host": "h", "parent_id": parent.id, "start_ms": 5}

    run = start_run(store, run_id=run_id, params={"lr": 0.1}, tags={"t": True}, **fields)

    expected = Run(
        id=run.id,
        run_id=run_id,
        experiment_id=parent.experiment_id,
        experiment="exp",
        status=RunStatus.RUNNING,
        heartbeat_ms=START_MS,
        params={"lr": 0.1},
        tags={"t": True},
        **fields,
    )
    assert run == expected
    assert store.runs.get([run_id]) == [expected]


def test_start_returns_what_is_stored(store):
    struct: dict[str, Json] = {"b": [1, 2.5, None], "a": "\ud800"}
    numbers = {"nan": math.nan, "least": -math.inf, "zero": -0.0, "large": 2**53 + 1, "whole": 3.0}
    others = {
        "flag": False,
        "text": "\x00\uf8ff\ud800",
        "long": "x" * 300,
        "bytes": b"\x00",
        "list": [1, "a"],
    }
    odd = numbers | others | {"struct": struct, "message": ProtoValue("type.example/M", b"m")}

    run = start_run(store, name="\x00", user="\ud800", params=odd, tags=odd)
    struct["b"] = "changed by the caller"

    # As text: NaN does not equal itself, and the order of names counts.
    assert repr(run) == repr(store.runs.get([run.run_id])[0])


def test_run_starts_now_unless_told(store, clock):
    clock.tick(3)

    assert start_run(store).start_ms == START_MS + 3
    assert start_run(store, start_ms=0).start_ms == 0


def test_run_is_an_execution_of_its_experiment(store):
    run = start_run(store, params={"a": 1}, tags={"b": 2}, status=RunStatus.SCHEDULED)

    found = store.executions.get([run.id])[0]

    assert (found.type_name, found.state) == (builtin.RUN.name, ExecutionState.NEW)
    assert (found.params, found.custom_properties) == ({"a": 1}, {"b": 2})
    assert store.links.contexts_of_executions([run.id]) == [Association(run.experiment_id, run.id)]


def test_start_again_returns_the_stored_run(store):
    first = start_run(store, params={"a": 1})

    assert start_run(store, run_id=first.run_id, experiment="other", params={"a": 2}) == first
    assert [e.name for e in store.runs.experiments()] == ["exp"]
    assert [found.id for found in store.executions.page().items] == [first.id]


def test_experiment_is_made_once(store):
    one, two = start_run(store), start_run(store)

    assert one.experiment_id == two.experiment_id


@pytest.mark.parametrize(
    "fields",
    [
        {"experiment": ""},
        {"experiment": "x" * 1000},
        {"experiment": "\x00" * 300},
        {"name": "x" * 501},
        {"user": "x" * 501},
        {"host": "x" * 501},
        {"params": {"x" * 501: 1}},
        {"params": {"": 1}},
        {"tags": {"x" * 501: 1}},
        {"params": {"a": object()}},
        {"run_id": RunId("short")},
        {"run_id": RunId("A" * 32)},
        {"run_id": RunId("\x00" * 32)},
        {"start_ms": 2**63},
    ],
    ids=[
        "no-experiment",
        "experiment",
        "experiment-of-nul",
        "name",
        "user",
        "host",
        "param",
        "no-param",
        "tag",
        "param-value",
        "short-id",
        "upper-case-id",
        "id-of-nul",
        "start",
    ],
)
def test_unusable_run_is_refused_before_anything_is_written(store, fields):
    with pytest.raises(InvalidError):
        start_run(store, **fields)

    assert store.runs.experiments() == []
    assert store.executions.page().items == ()


def test_longest_names_are_stored(store):
    fields = {"name": "é" * 500, "user": "u" * 500, "host": "h" * 500}

    run = start_run(store, experiment="😀" * 500, **fields)

    assert (run.experiment, run.name, run.user, run.host) == ("😀" * 500, *fields.values())


def test_get_keeps_the_order_and_leaves_out_the_unknown(store):
    one, two = start_run(store), start_run(store)

    found = store.runs.get([two.run_id, new_run_id(), one.run_id])

    assert found == [two, one]
    assert store.runs.get([]) == []


@pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "A" * 32, "x" * 1000], ids=repr)
def test_odd_run_ids_are_unknown(store, odd):
    start_run(store, run_id=RunId("a" * 32))

    assert store.runs.get([RunId(odd)]) == []


def test_runs_are_found_by_execution(store):
    one, two = start_run(store), start_run(store)
    [other] = add_executions(store)

    assert store.runs.by_execution_ids([two.id, other, one.id, 10**9]) == [two, one]


def test_metrics_come_with_the_run(store):
    run = start_run(store)
    append(store, run.id, [(0, 10, 0.5), (1, 20, 0.25)])

    latest = LatestMetric(
        execution_id=run.id, key="auc", step=1, time_ms=20, value=0.25, min=0.25, max=0.5, count=2
    )
    assert store.runs.get([run.run_id])[0].metrics == {"auc": latest}


def test_page_without_metrics_has_none(store):
    run = start_run(store)
    append(store, run.id, [(0, 10, 0.5)])

    assert store.runs.page(with_metrics=False).items[0].metrics == {}


def test_prefix_finds_run_ids_in_order(store):
    ids = sorted(RunId(c * 4 + "0" * 28) for c in "abcf0")
    for run_id in reversed(ids):
        start_run(store, run_id=run_id)

    assert store.runs.with_prefix("aaa") == [ids[1]]
    assert store.runs.with_prefix("") == ids
    assert store.runs.with_prefix("", limit=2) == ids[:2]
    assert store.runs.with_prefix("f") == [ids[4]]
    assert store.runs.with_prefix("d") == []


@pytest.mark.parametrize("prefix", ["A", "g", "%", "_", "\x00", "\ud800", "a "], ids=repr)
def test_prefix_that_is_not_hexadecimal_finds_nothing(store, prefix):
    start_run(store, run_id=RunId("a" * 32))

    assert store.runs.with_prefix(prefix) == []


def test_update_changes_run_and_execution(store):
    run = start_run(store, tags={"old": 1, "gone": 2})

    changed = store.runs.update(
        RunChange(
            id=run.id,
            name="new",
            status=RunStatus.FAILED,
            end_ms=9,
            error="boom",
            tags={"old": 3, "gone": None, "new": "x"},
        )
    )

    assert (changed.name, changed.status, changed.end_ms, changed.error) == (
        "new",
        RunStatus.FAILED,
        9,
        "boom",
    )
    assert (changed.tags, changed.revision) == ({"old": 3, "new": "x"}, 2)
    assert store.executions.get([run.id])[0].state is ExecutionState.FAILED


@pytest.mark.parametrize("status", RunStatus, ids=lambda s: s.name.lower())
def test_execution_shows_the_status(store, status):
    run = start_run(store)

    store.runs.update(RunChange(id=run.id, status=status))

    assert store.executions.get([run.id])[0].state is EXECUTION_STATES[status]


def test_update_keeps_what_it_does_not_name_and_clears_what_is_none(store):
    run = start_run(store, name="n")
    store.runs.update(RunChange(id=run.id, end_ms=9, error="boom"))

    changed = store.runs.update(RunChange(id=run.id, error=None))

    assert (changed.name, changed.end_ms, changed.error) == ("n", 9, None)


def test_equal_update_changes_nothing(store):
    run = start_run(store, name="n", tags={"a": 1})

    change = RunChange(id=run.id, name="n", status=RunStatus.RUNNING, end_ms=None, tags={"a": 1, "b": None})

    assert store.runs.update(change) == run


def test_stale_update_is_refused(store):
    run = start_run(store)
    store.runs.update(RunChange(id=run.id, name="first", expect_revision=1))

    with pytest.raises(StaleWriteError):
        store.runs.update(RunChange(id=run.id, name="second", expect_revision=1))

    assert store.runs.get([run.run_id])[0].name == "first"


def test_update_of_what_is_no_run_is_refused(store):
    [execution] = add_executions(store)

    for unknown in (execution, 10**9):
        with pytest.raises(NotFoundError, match="no run"):
            store.runs.update(RunChange(id=unknown, name="x"))


@pytest.mark.parametrize(
    "fields",
    [{"name": "x" * 501}, {"name": ""}, {"tags": {"x" * 501: 1}}, {"end_ms": 2**63}],
    ids=["name", "no-name", "tag", "end"],
)
def test_unusable_update_is_refused(store, fields):
    run = start_run(store)

    with pytest.raises(InvalidError):
        store.runs.update(RunChange(**{"id": run.id, "status": RunStatus.FINISHED, **fields}))

    assert store.runs.get([run.run_id]) == [run]


def test_new_params_are_added_and_equal_ones_change_nothing(store):
    run = start_run(store, params={"a": 1})

    store.runs.log_params(run.id, {"a": 1, "b": "x", "nan": float("nan")})
    store.runs.log_params(run.id, {"b": "x", "nan": float("nan")})
    store.runs.log_params(run.id, {})

    assert repr(store.runs.get([run.run_id])[0].params) == "{'a': 1, 'b': 'x', 'nan': nan}"


@pytest.mark.parametrize("other", [2, 1.0, True, "1"], ids=repr)
def test_param_never_changes_and_none_is_set_then(store, other):
    run = start_run(store, params={"a": 1})

    with pytest.raises(ConflictError, match="param 'a' is 1 already"):
        store.runs.log_params(run.id, {"new": 0, "a": other})

    assert store.runs.get([run.run_id])[0].params == {"a": 1}


def test_params_of_an_unknown_run_are_refused(store):
    with pytest.raises(NotFoundError):
        store.runs.log_params(10**9, {"a": 1})


def test_heartbeat_notes_the_time(store, clock):
    run, other = start_run(store), start_run(store)
    now = clock.tick(50)

    store.runs.heartbeat([run.id])
    store.runs.heartbeat([])

    assert [r.heartbeat_ms for r in store.runs.get([run.run_id, other.run_id])] == [now, START_MS]


def test_silent_runs_are_lost(store, clock):
    silent, alive = start_run(store), start_run(store)
    over = start_run(store, status=RunStatus.FINISHED)
    clock.tick(50)
    store.runs.heartbeat([alive.id])

    assert store.runs.mark_lost(silent_since_ms=START_MS + 1) == [silent.run_id]

    found = store.runs.get([silent.run_id, alive.run_id, over.run_id])
    assert [r.status for r in found] == [RunStatus.LOST, RunStatus.RUNNING, RunStatus.FINISHED]
    assert (found[0].end_ms, found[0].error is not None) == (START_MS, True)
    assert store.executions.get([silent.id])[0].state is ExecutionState.FAILED


def test_run_that_was_silent_for_just_long_enough_is_not_lost(store):
    start_run(store)

    assert store.runs.mark_lost(silent_since_ms=START_MS) == []


def test_lost_run_that_speaks_again_runs_again(store):
    run = start_run(store)
    store.runs.mark_lost(silent_since_ms=START_MS + 1)

    store.runs.heartbeat([run.id])

    found = store.runs.get([run.run_id])[0]
    assert (found.status, found.end_ms, found.error) == (RunStatus.RUNNING, None, None)
    assert store.executions.get([run.id])[0].state is ExecutionState.RUNNING


def test_heartbeat_does_not_wake_a_run_that_ended(store):
    run = start_run(store, status=RunStatus.KILLED)

    store.runs.heartbeat([run.id])

    assert store.runs.get([run.run_id])[0].status is RunStatus.KILLED


def test_experiments_are_by_name_without_deleted_ones(store):
    for name in ("b", "B", "a", "é"):
        start_run(store, experiment=name)
    gone = store.runs.experiments()[0]
    store.contexts.delete([gone.id])

    assert [e.name for e in store.runs.experiments()] == ["a", "b", "é"]
    assert [e.name for e in store.runs.experiments(with_deleted=True)] == ["B", "a", "b", "é"]
    assert {e.type_name for e in store.runs.experiments()} == {builtin.EXPERIMENT.name}


def test_deleted_run_is_still_read(store, clock):
    run = start_run(store)

    store.executions.delete([run.id])

    assert store.runs.get([run.run_id])[0].deleted_ms == clock()


def test_log_takes_params_points_and_tags_at_once(store):
    run = start_run(store, params={"a": 1}, tags={"old": "x", "kept": 1})
    points = {"loss": Points.of([(0, 10, 0.5), (1, 11, 0.25)]), "auc": Points.of([(0, 10, 0.9)])}

    store.runs.log(run.id, params={"a": 1, "b": "x"}, points=points, tags={"t": "v", "old": None})

    found = store.runs.get([run.run_id])[0]
    assert (found.params, found.tags) == ({"a": 1, "b": "x"}, {"kept": 1, "t": "v"})
    assert {key: (m.step, m.value) for key, m in found.metrics.items()} == {
        "loss": (1, 0.25),
        "auc": (0, 0.9),
    }
    assert store.series.read(run.id, "loss") == points["loss"]


def test_any_number_of_params_is_held_against_those_that_are_there(store):
    first = {f"p{i}": i for i in range(501)}
    run = start_run(store, params=first)

    store.runs.log(run.id, params={**first, "new": 1})
    with pytest.raises(ConflictError, match="param 'p500' is 500 already"):
        store.runs.log_params(run.id, {**first, "newer": 1, "p500": 501})

    assert store.runs.get([run.run_id])[0].params == {**first, "new": 1}


def test_log_is_all_or_none(store):
    run = start_run(store, params={"a": 1})
    points = {"loss": Points.of([(0, 10, 0.5)])}

    with pytest.raises(ConflictError, match="param 'a' is 1 already"):
        store.runs.log(run.id, params={"b": 2, "a": 3}, points=points, tags={"t": "v"})
    with pytest.raises(InvalidError, match="metric name"):
        store.runs.log(run.id, params={"b": 2}, points={"": points["loss"]}, tags={"t": "v"})

    assert store.runs.get([run.run_id]) == [run]


def test_log_is_refused_for_a_deleted_run_and_for_none(store):
    run = start_run(store)
    store.executions.delete([run.id])

    with pytest.raises(RefusedError, match="is deleted"):
        store.runs.log(run.id, tags={"t": "v"})
    with pytest.raises(NotFoundError):
        store.runs.log(10**9, points={"loss": Points.of([(0, 10, 0.5)])})

    assert store.series.keys(run.id) == []


def test_no_point_is_lost_when_many_log_at_once(store):
    run = start_run(store)

    def log(worker):
        for step in range(50):
            store.runs.log(run.id, points={"loss": Points.of([(step, worker, float(worker))])})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log, range(4)))

    expected = sorted((step, worker, float(worker)) for worker in range(4) for step in range(50))
    assert store.series.read(run.id, "loss").rows() == expected


def test_run_without_heartbeat_is_never_lost(store, clock):
    silent = start_run(store, has_heartbeat=False)
    clock.tick(10**6)

    assert silent.heartbeat_ms is None
    assert store.runs.mark_lost(silent_since_ms=START_MS + 10**6) == []
