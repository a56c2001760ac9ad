import math

from headwater.model.runs import RunChange, RunStatus
from tests.server.http.rest import Rest


def start(rest: Rest, *names: str, **fields) -> list[str]:
    """Start runs and return their ids."""
    new = [{"experiment": "flights", "name": name, **fields} for name in names]
    return [run["run_id"] for run in rest.post("/runs", new, 201)]


def test_a_run_is_started_logged_to_and_read(rest: Rest):
    [run] = rest.post(
        "/runs", [{"experiment": "flights", "name": "amber", "params": {"lr": 0.1}, "start_ms": 5}], 201
    )
    path = f"/runs/{run['run_id']}"
    points = [{"key": "auc", "step": s, "value": v, "time_ms": 10 + s} for s, v in enumerate((0.5, 0.7, 0.6))]

    assert rest.post(f"{path}/metrics", points) == {"count": 3}
    assert rest.post(f"{path}/params", {"depth": 3}) == {"count": 1}
    rest.post(f"{path}/tags", {"team": "a", "gone": None})
    ended = rest.ask("PATCH", path, {"status": "finished", "end_ms": 20}).json

    assert rest.get(path) == ended
    assert ended == run | {
        "params": {"lr": 0.1, "depth": 3},
        "tags": {"team": "a"},
        "status": "finished",
        "end_ms": 20,
        "revision": ended["revision"],
        "metrics": {
            "auc": {
                "key": "auc",
                "step": 2,
                "time_ms": 12,
                "value": 0.6,
                "min": 0.5,
                "max": 0.7,
                "count": 3,
            }
        },
    }
    assert rest.get(f"{path}/metrics")["items"] == [ended["metrics"]["auc"]]


def test_a_run_is_found_by_the_beginning_of_its_id(rest: Rest):
    [run_id] = start(rest, "amber")

    assert rest.get(f"/runs/{run_id[:8]}")["run_id"] == run_id
    fault = rest.fault("GET", "/runs/0000")
    assert (fault["status"], fault["code"]) == (404, "not_found")


def test_numbers_that_json_lacks_are_words(rest: Rest):
    [run_id] = start(rest, "amber")
    words = ["NaN", "Infinity", "-Infinity"]
    rest.post(f"/runs/{run_id}/metrics", [{"key": word, "value": word} for word in words])

    metrics = rest.get(f"/runs/{run_id}")["metrics"]

    assert {key: metric["value"] for key, metric in metrics.items()} == {word: word for word in words}
    assert math.isnan(rest.store.runs.get([run_id])[0].metrics["NaN"].value)


def test_a_list_is_filtered_sorted_and_counted(rest: Rest):
    for place, run_id in enumerate(start(rest, "a", "b", "c", "d")):
        rest.post(f"/runs/{run_id}/metrics", [{"key": "auc", "value": place / 10}])

    found = rest.get("/runs", q="metrics.auc > 0.05", sort="metrics.auc desc", limit=2)

    assert [run["name"] for run in found["items"]] == ["d", "c"]
    assert found["total"] == {"count": 3, "exact": True}
    assert rest.get("/runs", count="exact")["total"] == {"count": 4, "exact": True}


def test_pages_neither_repeat_nor_miss_what_was_there_while_others_insert(rest: Rest):
    before = start(rest, *map(str, range(7)), start_ms=1000)
    seen, cursor = [], None
    while True:
        page = rest.get("/runs", limit=2, sort="start_time", **({"cursor": cursor} if cursor else {}))
        seen += [run["run_id"] for run in page["items"]]
        start(rest, "late", start_ms=500)
        if (cursor := page["next"]) is None:
            break

    assert seen == before


def test_only_the_wanted_fields_are_sent(rest: Rest):
    [run_id] = start(rest, "amber", params={"lr": 1, "depth": 2})

    assert rest.get("/runs", fields="name,params.lr")["items"] == [{"name": "amber", "params": {"lr": 1}}]
    assert rest.get(f"/runs/{run_id}", fields="status") == {"status": "running"}
    fault = rest.fault("GET", "/runs", fields="nmae")
    assert (fault["status"], "there are ref, run_id" in fault["message"]) == (400, True)


def test_a_bad_filter_shows_where_and_what_would_be_right(rest: Rest):
    fault = rest.fault("GET", "/runs", q="staus = 'failed'")

    assert (fault["status"], fault["code"]) == (400, "bad_filter")
    assert "^" in fault["message"]
    assert "status" in fault["fix"]


def test_the_past_is_read_as_it_was(rest: Rest):
    [run_id] = start(rest, "amber")
    then = rest.store.executions.get([rest.store.runs.get([run_id])[0].id])[0].created_ms

    assert rest.get("/runs", at=then - 1)["items"] == []
    assert rest.get("/runs", at=then)["total"]["count"] == 1
    assert rest.fault("GET", f"/runs/{run_id}", at="2013-08-14T09:00")["status"] == 404
    assert rest.fault("GET", "/runs", at="yesterday")["status"] == 400


def test_what_did_not_change_is_not_sent_again(rest: Rest):
    [run_id] = start(rest, "amber")
    seen = rest.ask("GET", f"/runs/{run_id}")
    again = rest.ask("GET", f"/runs/{run_id}", headers={"If-None-Match": seen.etag})
    rest.post(f"/runs/{run_id}/tags", {"a": 1})
    later = rest.ask("GET", f"/runs/{run_id}", headers={"If-None-Match": seen.etag})

    assert (again.status, again.body, again.etag) == (304, b"", seen.etag)
    assert (later.status, later.etag != seen.etag) == (200, True)


def test_nobody_changes_what_they_did_not_see(rest: Rest):
    [run_id] = start(rest, "amber")
    seen = rest.ask("GET", f"/runs/{run_id}").etag
    rest.store.runs.update(RunChange(id=rest.store.runs.get([run_id])[0].id, name="other"))

    fault = rest.fault("PATCH", f"/runs/{run_id}", {"status": "failed"}, headers={"If-Match": seen})

    assert (fault["status"], fault["code"]) == (412, "stale")
    assert "ETag" in fault["fix"]
    assert rest.store.runs.get([run_id])[0].status is RunStatus.RUNNING


def test_a_request_that_is_sent_again_is_done_once(rest: Rest):
    new = [{"experiment": "flights"}, {"experiment": "flights"}]
    first = rest.post("/runs", new, 201, Idempotency_Key="k1")
    path = f"/runs/{first[0]['run_id']}/metrics"
    for _ in range(2):
        rest.post(path, [{"key": "auc", "value": 1}, {"key": "loss", "value": 2}], Idempotency_Key="k2")

    assert rest.post("/runs", new, 201, Idempotency_Key="k1")[1]["run_id"] == first[1]["run_id"]
    assert rest.get("/runs")["total"]["count"] == 2
    assert [metric["count"] for metric in rest.get(path)["items"]] == [1, 1]
    assert (
        rest.fault("POST", "/runs", [{"experiment": "other"}], headers={"Idempotency-Key": "k1"})["status"]
        == 409
    )
    changed = [{"experiment": "flights", "params": {"lr": 2}}]
    assert rest.fault("POST", "/runs", changed, headers={"Idempotency-Key": "k1"})["status"] == 409


def test_runs_tell_their_fields_and_values(rest: Rest):
    start(rest, "a", "b", params={"lr": 0.1}, tags={"team": "x"})

    assert rest.get("/runs/fields")["items"] == [
        {"field": "params.lr", "kind": "param", "name": "lr", "count": 2},
        {"field": "tags.team", "kind": "tag", "name": "team", "count": 2},
    ]
    assert rest.get("/runs/values", field="tags.team")["items"] == [{"value": "x", "count": 2}]
    assert rest.fault("GET", "/runs/values", field="")["status"] == 400


def test_a_deleted_run_can_be_restored_and_both_are_decisions(rest: Rest):
    [run_id] = start(rest, "amber")

    assert rest.fault("DELETE", f"/runs/{run_id}", reason=" ")["status"] == 409
    assert rest.ask("DELETE", f"/runs/{run_id}", reason="a test").status == 204
    assert rest.get("/runs")["items"] == []
    assert [run["run_id"] for run in rest.get("/runs", deleted="1")["items"]] == [run_id]
    assert rest.post(f"/runs/{run_id}/restore", {"reason": "no"})["deleted_ms"] is None
    assert [entry.action for entry in rest.store.ledger.entries()] == ["delete", "restore"]
