import json
import math
import statistics
import struct
from array import array

import pytest
from scipy.stats import t

from headwater.server.http.resources.series_groups import T_975
from tests.server.http.rest import Rest


def run_with(rest: Rest, values, key="auc") -> str:
    """Start a run with a series and return its id."""
    [run] = rest.post("/runs", [{"experiment": "flights", "start_ms": 100}], 201)
    points = [{"key": key, "step": s, "time_ms": 100 + 10 * s, "value": v} for s, v in enumerate(values)]
    rest.post(f"/runs/{run['run_id']}/metrics", points)
    return run["run_id"]


def unpacked(body: bytes) -> list[dict]:
    """Read the packed form as docs/server.md describes it."""
    [size] = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + size])
    numbers = array("d", body[4 + size :])
    found, start = [], 0
    for series in header["series"]:
        columns = {}
        for name in series["columns"]:
            columns[name] = numbers[start : start + series["count"]].tolist()
            start += series["count"]
        found.append({**series, "columns": columns})
    assert start == len(numbers)
    return found


def test_a_short_series_is_sent_point_by_point(rest: Rest):
    run_id = run_with(rest, [0.5, "NaN", 0.7])

    [series] = rest.get(f"/runs/{run_id}/series", keys="auc")["items"]

    assert series["columns"]["x"] == [0, 1, 2]
    assert series["columns"]["last"] == [0.5, None, 0.7]
    assert series["columns"]["nan_count"] == [0, 1, 0]


def test_the_axis_is_the_step_the_time_or_the_time_since_the_start(rest: Rest):
    run_id = run_with(rest, [1, 2, 3, 4])

    def x(axis):
        return rest.get(f"/runs/{run_id}/series", **{"keys": "auc", "x": axis, "from": 1, "to": 2})

    assert [x(a)["items"][0]["columns"]["x"] for a in ("step", "time", "relative")] == [
        [1, 2],
        [110, 120],
        [10, 20],
    ]


def test_a_long_series_is_packed_and_no_spike_is_lost(rest: Rest):
    values = [0.0] * 3000
    values[1234] = 9.0
    run_id = run_with(rest, values)

    found = rest.ask("GET", f"/runs/{run_id}/series", keys="auc", buckets=400)
    [series] = unpacked(found.body)

    assert found.headers["Content-Type"] == "application/octet-stream"
    assert max(series["columns"]["max"]) == 9.0
    assert sum(series["columns"]["count"]) == 3000
    assert {len(column) for column in series["columns"].values()} == {len(series["columns"]["x"])}


def test_the_packed_form_carries_what_json_cannot(rest: Rest):
    run_id = run_with(rest, ["Infinity", "NaN"])
    found = rest.ask(
        "GET", f"/runs/{run_id}/series", keys="auc", headers={"Accept": "application/octet-stream"}
    )

    last = unpacked(found.body)[0]["columns"]["last"]

    assert last[0] == math.inf
    assert math.isnan(last[1])


def test_json_is_sent_to_who_wants_nothing_else(rest: Rest):
    run_id = run_with(rest, [0.0] * 300)
    found = rest.ask("GET", f"/runs/{run_id}/series", keys="auc", headers={"Accept": "application/json"})

    assert len(found.json["items"][0]["columns"]["last"]) == 300


def test_sparklines_are_few_buckets_of_many_runs(rest: Rest):
    runs = [run_with(rest, range(100)), run_with(rest, [1], key="loss")]

    found = rest.post("/series/sparklines", {"runs": runs, "keys": ["auc"], "buckets": 4})

    assert [(each["run"], list(each["columns"])) for each in found["items"]] == [
        (runs[0], ["x", "last", "min", "max"])
    ]
    assert found["items"][0]["columns"]["last"] == [24, 49, 74, 99]


def test_runs_to_draw_can_be_chosen_by_a_filter(rest: Rest):
    run_id = run_with(rest, [1, 2])
    run_with(rest, [9])

    found = rest.post("/series/query", {"q": "metrics.auc < 5", "keys": ["auc"]})

    assert [each["run"] for each in found["items"]] == [run_id]
    assert rest.fault("POST", "/series/query", {"keys": ["auc"]})["status"] == 400
    assert rest.fault("POST", "/series/query", {"keys": ["a"], "q": "", "buckets": 3000})["status"] == 400


def sweep(rest: Rest, rate: float, *curves) -> list[str]:
    """Start runs with one learning rate, each with a curve: points by step."""
    ids = []
    for curve in curves:
        [run] = rest.post("/runs", [{"experiment": "sweep", "params": {"lr": rate}, "start_ms": 100}], 201)
        points = [{"key": "auc", "step": s, "time_ms": 100 + s, "value": v} for s, v in curve.items()]
        rest.post(f"/runs/{run['run_id']}/metrics", points)
        ids.append(run["run_id"])
    return ids


def test_a_group_has_the_mean_of_its_runs_and_its_interval(rest: Rest):
    slow = sweep(rest, 0.1, {0: 1.0, 1: 2.0}, {0: 2.0, 1: 4.0}, {0: 6.0, 1: "NaN"})
    fast = sweep(rest, 0.5, {0: 9.0, 2: 8.0})
    asked = {"q": "experiment = 'sweep'", "sort": "run_id", "keys": ["auc"], "group_by": "params.lr"}

    found = rest.post("/series/query", asked)["items"]

    three, two = statistics.stdev([1, 2, 6]) / 3**0.5, statistics.stdev([2, 4]) / 2**0.5
    by_rate = {each["group"]["params"]["lr"]: each for each in found}
    assert {rate: sorted(each["runs"]) for rate, each in by_rate.items()} == {
        0.1: sorted(slow),
        0.5: sorted(fast),
    }
    assert by_rate[0.5]["columns"] == {
        "x": [0, 2],
        "mean": [9.0, 8.0],
        "lo": [None, None],
        "hi": [None, None],
        "n": [1, 1],
    }
    columns = by_rate[0.1]["columns"]
    assert (columns["x"], columns["mean"], columns["n"]) == ([0, 1], [3.0, 3.0], [3, 2])
    assert columns["lo"] == pytest.approx([3 - t.ppf(0.975, 2) * three, 3 - t.ppf(0.975, 1) * two], rel=1e-4)
    assert columns["hi"] == pytest.approx([3 + t.ppf(0.975, 2) * three, 3 + t.ppf(0.975, 1) * two], rel=1e-4)


def test_all_runs_are_one_group_and_a_range_loses_no_spike(rest: Rest):
    many = dict.fromkeys(range(1000), 0.0)
    runs = sweep(rest, 0.1, {**many, 123: 7.0}, {500: -3.0, 2000: 1.0})
    asked = {"runs": runs, "keys": ["auc", "none"], "group_by": "", "band": "range", "buckets": 10}

    [drawn] = rest.post("/series/query", asked)["items"]

    columns = drawn["columns"]
    assert (drawn["group"], drawn["runs"]) == ({}, runs)
    assert (max(columns["hi"]), min(columns["lo"])) == (7.0, -3.0)
    # A run with a thousand points weighs as much as one with a single one.
    assert columns["mean"][2] == -1.5
    assert (columns["x"][-1], columns["n"]) == (2000, [1, 1, 2, 1, 1, 1])


def test_groups_are_packed_too_and_stand_on_any_axis(rest: Rest):
    runs = sweep(rest, 0.1, {0: 1.0, 5: 2.0})
    asked = {"runs": [*runs, *runs], "keys": ["auc"], "group_by": "experiment", "x": "relative"}

    found = rest.ask("POST", "/series/query", asked, headers={"Accept": "application/octet-stream"})

    [drawn] = unpacked(found.body)
    assert (drawn["group"], drawn["runs"]) == ({"experiment": "sweep"}, runs)
    assert drawn["columns"]["x"] == [0, 5]
    assert drawn["columns"]["mean"] == [1.0, 2.0]


def test_runs_are_grouped_by_what_they_have(rest: Rest):
    runs = sweep(rest, 0.1, {0: 1.0})

    fault = rest.fault("POST", "/series/query", {"runs": runs, "keys": ["auc"], "group_by": "nonsense"})

    assert fault["status"] == 400
    assert "nonsense" in fault["message"]


def test_the_quantiles_are_those_of_students_distribution():
    assert list(T_975) == pytest.approx([t.ppf(0.975, n) for n in range(1, 50)], abs=5e-5)
