"""What goes over the wire, whatever the client: paths, methods, fields, and words for mistakes."""

import asyncio
import json
import uuid

import httpx
import pytest

from headwater.blobs import open_blobs
from headwater.model.access import NewAccount, NewToken, Role, new_secret, secret_digest
from headwater.server.auth import TokenGuard
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store import open_store
from tests.compat.mlflow.serving import JSON

pytestmark = pytest.mark.xdist_group("mlflow")

BAD = "INVALID_PARAMETER_VALUE"


def refused(answer, code, *words, status=400):
    """Check an error's status, code and words."""
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (status, code)
    assert all(word in body["message"] for word in words), body["message"]


@pytest.mark.parametrize("prefix", ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"])
def test_every_call_answers_under_every_prefix(server, prefix):
    found = server.http.get(f"{prefix}/mlflow/experiments/get", params={"experiment_id": "0"})

    assert found.json()["experiment"]["name"] == "Default"


def test_families_for_generative_models_are_no_endpoints(server):
    for path in ("traces/search", "scorers/list", "gateway/endpoints", "datasets/create", "nothing"):
        refused(server.post(path), "ENDPOINT_NOT_FOUND", path, status=404)


def test_unset_fields_are_left_out(server):
    name = f"empty {uuid.uuid4().hex}"
    made = server.post("experiments/create", name=name).json()["experiment_id"]

    assert server.post("runs/search", experiment_ids=[made]).json() == {}
    assert server.post("runs/search").json() == {}
    assert server.post("experiments/update", experiment_id=made, new_name=f"{name} 2").json() == {}
    experiment = server.get("experiments/get", experiment_id=made).json()["experiment"]
    times = {field: experiment.pop(field) for field in ("creation_time", "last_update_time")}
    assert all(type(value) is int for value in times.values())
    assert experiment == {
        "experiment_id": made,
        "name": f"{name} 2",
        "artifact_location": f"mlflow-artifacts:/{made}",
        "lifecycle_stage": "active",
        "workspace": "default",
    }


def test_a_new_run_has_both_ids_and_a_made_up_name(server):
    run = server.post("runs/create", experiment_id="0", user_id="ann", start_time="123").json()["run"]

    name, run_id = run["info"]["run_name"], run["info"]["run_id"]
    assert len(name.split("-")) == 3
    assert run == {
        "info": {
            "run_uuid": run_id,
            "run_id": run_id,
            "experiment_id": "0",
            "run_name": name,
            "user_id": "ann",
            "status": "RUNNING",
            "start_time": 123,
            "artifact_uri": f"mlflow-artifacts:/0/{run_id}/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {"tags": [{"key": "mlflow.runName", "value": name}]},
        "inputs": {},
    }
    old = server.post("runs/set-tag", run_uuid=run_id, key="t", value="v")
    assert (old.status_code, old.json()) == (200, {})


def test_doubles_that_json_has_not_are_texts_or_cut(server):
    run = server.new_run()
    for step, value in enumerate(["NaN", "Infinity", "-Infinity", 1]):
        server.post("runs/log-metric", run_id=run, key="m", value=value, timestamp=step, step=step)

    found = server.get("metrics/get-history", run_id=run, metric_key="m").json()["metrics"]

    assert [point["value"] for point in found] == [
        "NaN",
        1.7976931348623157e308,
        -1.7976931348623157e308,
        1.0,
    ]
    assert found[0] == {"key": "m", "value": "NaN", "timestamp": 0, "step": 0}


def test_the_latest_point_is_the_greatest_by_step_time_and_value(server):
    run = server.new_run()
    points = [(5, 1, 3.0), (5, 2, 1.0), (5, 2, 2.0), (4, 9, 9.0), (-1, 3, 7.0), (5, 2, 2.0)]
    for step, time_ms, value in points:
        server.post("runs/log-metric", run_id=run, key="m", value=value, timestamp=time_ms, step=step)

    (latest,) = server.get("runs/get", run_id=run).json()["run"]["data"]["metrics"]
    found = server.get("metrics/get-history", run_id=run, metric_key="m").json()["metrics"]

    assert latest == {"key": "m", "value": 2.0, "timestamp": 2, "step": 5}
    rows = [(point["step"], point["timestamp"], point["value"]) for point in found]
    assert rows == sorted(set(points), key=lambda row: (row[1], row[0], row[2]))


def test_a_batch_is_all_or_none(server):
    run = server.new_run()
    server.post("runs/log-parameter", run_id=run, key="p", value="1")
    before = server.get("runs/get", run_id=run).json()

    refused(
        server.post(
            "runs/log-batch",
            run_id=run,
            metrics=[{"key": "m", "value": 1, "timestamp": 1}],
            params=[{"key": "q", "value": "1"}, {"key": "p", "value": "2"}],
            tags=[{"key": "t", "value": "v"}],
        ),
        BAD,
        "Changing param values is not allowed",
    )

    assert server.get("runs/get", run_id=run).json() == before


@pytest.mark.parametrize(
    ("endpoint", "param", "message"),
    [
        ("log-parameter", {"key": "p", "value": ""}, "Param with key='p' was already logged with value='1'"),
        (
            "log-batch",
            {"params": [{"key": "p", "value": ""}]},
            "Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': ''}]'",
        ),
    ],
)
def test_a_param_that_would_change_is_named_in_the_words_of_the_call(server, endpoint, param, message):
    run = server.new_run()
    server.post("runs/log-parameter", run_id=run, key="p", value="1")

    refused(server.post(f"runs/{endpoint}", run_id=run, **param), BAD, message)


def test_a_logged_model_keeps_its_run_and_is_deleted_once(server):
    source, other = server.new_run(), server.new_run()
    made = server.post("logged-models", experiment_id="0", name="kept", source_run_id=source).json()["model"]
    model = made["info"]["model_id"]
    server.post("runs/outputs", run_id=other, models=[{"model_id": model, "step": 1}])

    assert server.get(f"logged-models/{model}").json()["model"]["info"]["source_run_id"] == source
    for _ in range(2):
        assert server.http.delete(f"/api/2.0/mlflow/logged-models/{model}").json() == {}


def test_a_metric_names_a_data_set_by_name_and_digest(server):
    point = {"key": "m", "value": 1, "timestamp": 1, "dataset_digest": "1"}
    run = server.new_run()

    for said in (
        server.post("runs/log-metric", run_id=run, **point),
        server.post("runs/log-batch", run_id=run, metrics=[point]),
    ):
        refused(said, BAD, "Both dataset_name and dataset_digest must be provided if one is provided")


def test_what_is_said_of_a_data_set_is_added_and_never_changed(server):
    bare = {"name": "said", "digest": "1", "source_type": "local", "source": "there"}
    whole = {**bare, "schema": '{"a": 1}', "profile": "{}"}
    later = {**whole, "source": "elsewhere", "schema": '{"b": 2}'}
    experiment = server.post("experiments/create", name="another").json()["experiment_id"]
    runs = [
        server.new_run(),
        server.post("runs/create", experiment_id=experiment).json()["run"]["info"]["run_id"],
    ]

    seen = []
    for run, dataset in zip([*runs, runs[0]], [bare, whole, later], strict=True):
        server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset}])
        (use,) = server.get("runs/get", run_id=run).json()["run"]["inputs"]["dataset_inputs"]
        seen.append(use["dataset"])

    assert seen == [bare, whole, whole]


def test_what_is_no_json_object_is_an_empty_request(server):
    for body in (b"{", b"[]", b"", b"\xff", b'"nothing"'):
        answer = server.http.post("/api/2.0/mlflow/runs/search", content=body, headers=JSON)
        assert (answer.status_code, answer.json()) == (200, {}), body
    refused(
        server.http.post("/api/2.0/mlflow/runs/log-metric", content=b"{", headers=JSON),
        BAD,
        "Missing value for required parameter 'run_id'",
    )
    twice = json.dumps(json.dumps({"experiment_id": "0"}))
    found = server.http.post("/api/2.0/mlflow/runs/create", content=twice, headers=JSON)
    assert found.json()["run"]["info"]["experiment_id"] == "0"


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/plain"}, {"Content-Type": "application/jsonx"}, {}]
)
def test_bodies_of_another_type_are_refused(server, headers):
    answer = server.http.post("/api/2.0/mlflow/runs/search", content=b"{}", headers=headers)

    refused(answer, BAD, "Bad Request. Content-Type")


MISTAKES = {
    "no key": ("log-metric", {"value": 1, "timestamp": 1}, "Missing value for required parameter 'key'"),
    "no value": ("log-metric", {"key": "a", "timestamp": 1}, "Missing value for required parameter 'value'"),
    "null": ("set-tag", {"key": None}, "Missing value for required parameter 'key'"),
    "number for text": ("set-tag", {"key": 31}, "Invalid value 31 for parameter 'key' supplied"),
    "text for step": (
        "log-metric",
        {"key": "a", "value": 1, "timestamp": 1, "step": "foo"},
        "Invalid value \"foo\" for parameter 'step' supplied",
    ),
    "text for value": (
        "log-metric",
        {"key": "a", "value": "x", "timestamp": 1},
        "Invalid value \"x\" for parameter 'value' supplied",
    ),
    "before the epoch": (
        "log-metric",
        {"key": "a", "value": 1, "timestamp": -1},
        "Timestamp must be a nonnegative long",
    ),
    "beyond 64 bits": (
        "log-metric",
        {"key": "a", "value": 1, "timestamp": 1, "step": 2**64},
        "for parameter 'step' supplied",
    ),
    "key out of its folder": ("set-tag", {"key": "../a"}, "must not resolve to other names"),
    "key with odd characters": ("set-tag", {"key": "a$b"}, "Names may only contain"),
    "key too long": ("log-parameter", {"key": "a" * 251, "value": ""}, "exceeds the maximum length of 250"),
    "no list": ("log-batch", {"params": "x"}, "Invalid value \"x\" for parameter 'params' supplied"),
    "no key inside": (
        "log-batch",
        {"metrics": [{"value": 1, "timestamp": 1}]},
        "Missing value for required parameter 'metrics[0].key'",
    ),
    "same key twice": (
        "log-batch",
        {"params": [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]},
        "Duplicate parameter keys have been submitted: ['a']",
    ),
    "too many metrics": (
        "log-batch",
        {"metrics": [{"key": "a", "value": 1, "timestamp": 1}] * 1001},
        "at most 1000 metrics. Got 1001 metrics",
    ),
    "too many params": (
        "log-batch",
        {"params": [{"key": f"a{i}", "value": "1"} for i in range(101)]},
        "at most 100 params",
    ),
    "too many tags": (
        "log-batch",
        {"tags": [{"key": f"a{i}", "value": "1"} for i in range(101)]},
        "at most 100 tags",
    ),
    "too much": (
        "log-batch",
        {
            "metrics": [{"key": "a", "value": 1, "timestamp": 1}] * 950,
            "tags": [{"key": f"a{i}", "value": "1"} for i in range(51)],
        },
        "at most 1000 metrics, params, and tags",
    ),
    "no such status": (
        "update",
        {"status": "DONE"},
        "Invalid value \"DONE\" for parameter 'status' supplied",
    ),
    "no source": (
        "log-inputs",
        {"datasets": [{"dataset": {"name": "a", "digest": "b", "source_type": "c"}}]},
        "'datasets[0]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_mlflows_words(server, mistake):
    call, body, words = MISTAKES[mistake]

    refused(server.post(f"runs/{call}", run_id=server.new_run(), **body), BAD, words)


def test_names_of_run_and_tag_must_agree(server):
    tag = {"key": "mlflow.runName", "value": "a"}

    refused(server.post("runs/create", experiment_id="0", run_name="b", tags=[tag]), BAD, "different values")

    run = server.post("runs/create", experiment_id="0", tags=[tag]).json()["run"]
    assert run["info"]["run_name"] == "a"


def test_long_values_are_cut_as_mlflow_does(server):
    run = server.new_run()
    server.post("runs/log-parameter", run_id=run, key="p", value="x" * 6001)
    server.post("runs/set-tag", run_id=run, key="t", value="y" * 8001)

    data = server.get("runs/get", run_id=run).json()["run"]["data"]

    assert data["params"] == [{"key": "p", "value": "x" * 6000}]
    assert {"key": "t", "value": "y" * 8000} in data["tags"]


def test_histories_of_several_runs_come_thinned_out(server):
    runs = [server.new_run(), server.new_run()]
    for run in runs:
        metrics = [{"key": "m", "value": s, "timestamp": s, "step": s} for s in range(100)]
        server.post("runs/log-batch", run_id=run, metrics=metrics)

    asked = {"run_ids": runs, "metric_key": "m"}
    found = server.get("metrics/get-history-bulk-interval", **asked, max_results=10).json()["metrics"]
    part = server.get("metrics/get-history-bulk-interval", **asked, start_step=5, end_step=7).json()[
        "metrics"
    ]
    bulk = server.get("metrics/get-history-bulk", run_id=runs, metric_key="m", max_results=150).json()[
        "metrics"
    ]

    steps = [point["step"] for point in found if point["run_id"] == runs[0]]
    assert steps == [*range(0, 100, 10), 99]
    assert [(point["run_id"], point["step"]) for point in part] == [(r, s) for r in runs for s in (5, 6, 7)]
    assert len(bulk) == 150
    refused(
        server.get("metrics/get-history-bulk-interval", **asked, start_step=5), BAD, "both must be specified"
    )


def test_what_the_server_can_do_is_told(server):
    info = server.http.get("/api/3.0/mlflow/server-info").json()

    assert info["multipart_uploads_enabled"] is False
    assert server.http.get("/version").text == "3.17.2"


def test_transfers_in_parts_are_not_implemented(server):
    for step in ("create", "complete", "abort"):
        answer = server.http.post(f"/api/2.0/mlflow-artifacts/mpu/{step}/0/x", json={})
        refused(answer, "NOT_IMPLEMENTED", status=501)


def test_who_may_is_asked_before_anything_is_read(tmp_path):
    secret = new_secret()
    with open_store("memory://") as store:
        store.access.add(NewAccount(name="ann", role=Role.VIEWER), actor="test")
        token = NewToken(account="ann", name="test", digest=secret_digest(secret))
        store.access.add_token(token, actor="test")
        backend = Backend(store=store, blobs=open_blobs(str(tmp_path)), spool=tmp_path)
        app = create_app(backend, TokenGuard(store.access))

        async def call(method, path, said):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, content=b"x", headers=said)

        for method, path in (
            ("POST", "/api/2.0/mlflow/runs/create"),
            ("POST", "/ajax-api/2.0/mlflow/runs/delete"),
            ("PUT", "/api/2.0/mlflow-artifacts/artifacts/x"),
            ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/x"),
        ):
            known = {"Authorization": f"Bearer {secret}"}
            refused(asyncio.run(call(method, path, known)), "PERMISSION_DENIED", "ann may not", status=403)
            refused(asyncio.run(call(method, path, {})), "UNAUTHENTICATED", "token", status=401)
        known_reader = asyncio.run(call("POST", "/api/2.0/mlflow/runs/search", known))
        app.state.mlflow.close()

    # Read only now: the body is no JSON, and no content type says that it is.
    refused(known_reader, BAD, "Content-Type")
