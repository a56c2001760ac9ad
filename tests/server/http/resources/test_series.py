import json
import math
import struct
from array import array

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
        found.append({"run": series["run"], "key": series["key"], "columns": columns})
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
