"""Files: paths that lead nowhere else, and what native code and clients see of each other's."""

import uuid

import pytest

from headwater.model.ids import RunId
from headwater.sdk import Client
from tests.compat.mlflow.test_wire import BAD, refused

pytestmark = pytest.mark.xdist_group("mlflow")

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


def put(server, run, path, data, **named):
    """Put a file through the proxy."""
    return server.http.put(f"{PROXY}/0/{run}/artifacts/{path}", content=data, **named)


def listed(server, run, path=""):
    """Return what lies in a folder of a run."""
    found = server.get("artifacts/list", run_id=run, path=path).json()
    return [(each["path"], each.get("file_size")) for each in found.get("files", [])]


def test_a_file_is_there_once_however_often_it_is_put(server, store):
    run = server.new_run()
    for data in (b"one", b"two", b"two", b"three", b"one"):
        assert put(server, run, "a/b.txt", data).status_code == 200

    found = server.http.get(f"{PROXY}/0/{run}/artifacts/a/b.txt")

    assert (found.content, listed(server, run, "a")) == (b"one", [("a/b.txt", 3)])
    (execution,) = store.runs.get([RunId(run)])
    events = store.links.events_of_executions([execution.id])
    artifacts = store.artifacts.get(sorted(event.artifact_id for event in events))
    # All of them stay in the lineage, and only the last one is live.
    assert [artifact.size_bytes for artifact in artifacts] == [3, 3, 5, 3]
    assert [artifact.deleted_ms is None for artifact in artifacts] == [False, False, False, True]


def test_downloads_are_saved_and_not_shown(server):
    run = server.new_run()
    put(server, run, 'ünïcode "x".html', b"<script>")

    found = server.http.get("/get-artifact", params={"run_id": run, "path": 'ünïcode "x".html'})

    assert found.content == b"<script>"
    assert found.headers["content-disposition"].startswith("attachment; filename=")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]


def test_the_web_upload_takes_small_files(server):
    run = server.new_run()

    def upload(data, path="up/a.txt"):
        where = {"run_uuid": run, "path": path}
        return server.http.post("/ajax-api/2.0/mlflow/upload-artifact", params=where, content=data)

    assert upload(b"hi").status_code == 200
    refused(upload(b""), BAD, "must specify data")
    refused(upload(b"x" * (10 * 2**20 + 1)), BAD, "too large")
    refused(upload(b"hi", "../up"), BAD, "Invalid path")
    assert listed(server, run, "up") == [("up/a.txt", 2)]


ESCAPES = [
    "..",
    "../secret",
    "a/../../secret",
    "%2e%2e/secret",
    "%252e%252e%252fsecret",
    "%25252e%25252e/secret",
    "..%2fsecret",
    "/etc/passwd",
    "%2fetc/passwd",
    "C:/windows",
    "file:///etc/passwd",
    "..\\secret",
    "%5c..%5csecret",
    "a#b",
    "%23",
    "a%00b",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_its_run(server, path):
    run = server.new_run()
    raw = f"{server.url}{PROXY}/0/{run}/artifacts/"

    refused(server.get("artifacts/list", run_id=run, path=path), BAD, "Invalid path")
    refused(server.http.get("/get-artifact", params={"run_id": run, "path": path}), BAD, "Invalid path")
    refused(server.http.get(PROXY, params={"path": f"0/{run}/artifacts/../{path}"}), BAD, "Invalid path")
    where = {"run_uuid": run, "path": path}
    upload = server.http.post("/ajax-api/2.0/mlflow/upload-artifact", params=where, content=b"x")
    refused(upload, BAD, "Invalid path")
    if path.startswith(("/", "%2f")):
        # Behind a run's folder it is just a slash too many.
        return
    # A path in a URL is decoded once before the server sees it, and some clients resolve dots themselves.
    encoded = "".join(f"%{byte:02x}" for byte in path.encode())
    for method in ("GET", "PUT", "DELETE"):
        answer = server.http.request(method, raw + encoded, content=b"x" if method == "PUT" else None)
        assert answer.status_code in {400, 404}, (method, answer.text)
    assert listed(server, run) == []


def test_files_belong_to_a_run_in_its_own_experiment(server):
    run = server.new_run()
    for path in (f"7/{run}/artifacts/x", f"{run}/artifacts/x", f"0/{'0' * 32}/artifacts/x", "x", "0/x"):
        answer = server.http.put(f"{PROXY}/{path}", content=b"x")
        refused(answer, "RESOURCE_DOES_NOT_EXIST", status=404)
    refused(put(server, run, "", b"x"), BAD)
    server.post("runs/delete", run_id=run)
    refused(put(server, run, "x", b"x"), BAD, "must be in the 'active' state")


def test_an_experiment_can_have_a_place_of_its_own_in_the_proxy(server):
    name = uuid.uuid4().hex
    where = {"artifact_location": "mlflow-artifacts:/team/ops"}
    experiment = server.post("experiments/create", name=name, **where).json()["experiment_id"]
    run = server.new_run(experiment)

    put_there = server.http.put(f"{PROXY}/team/ops/{run}/artifacts/x", content=b"x")

    assert put_there.status_code == 200
    assert (
        server.get("artifacts/list", run_id=run).json()["root_uri"]
        == f"mlflow-artifacts:/team/ops/{run}/artifacts"
    )
    assert listed(server, run) == [("x", 1)]


def test_files_of_an_experiment_elsewhere_are_not_ours(server):
    name = uuid.uuid4().hex
    made = server.post("experiments/create", name=name, artifact_location="s3://bucket/x").json()
    run = server.new_run(made["experiment_id"])

    found = server.get("artifacts/list", run_id=run).json()

    assert found == {"root_uri": f"s3://bucket/x/{run}/artifacts"}
    refused(server.post("experiments/create", name=f"{name} 2", artifact_location="s3://b/%252e%252e/x"), BAD)
    refused(server.post("experiments/create", name=f"{name} 2", artifact_location="s3://b/x#y"), BAD)


def test_native_files_and_runs_are_seen_by_clients(server, tmp_path):
    folder = tmp_path / "plots"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.txt").write_text("bb")
    params = {"flag": True, "lr": 0.1}
    native = Client(server.store_url, blobs=server.blobs_url)
    with native, native.run(uuid.uuid4().hex, name="mine", params=params, capture=False) as run:
        run.log_metric(name="auc", value=0.5)
        run.log_artifact(folder, name="plots")
        run.log_artifact(folder / "a.txt")

    found = server.get("runs/get", run_id=run.run_id).json()["run"]
    root = f"{found['info']['experiment_id']}/{run.run_id}/artifacts"
    removed = server.http.delete(f"{PROXY}/{root}/plots/deep")

    assert found["data"]["params"] == [{"key": "flag", "value": "True"}, {"key": "lr", "value": "0.1"}]
    assert (found["info"]["run_name"], found["info"]["status"]) == ("mine", "FINISHED")
    assert removed.status_code == 200
    assert listed(server, run.run_id) == [("a.txt", 1), ("plots", None)]
    assert listed(server, run.run_id, "plots") == [("plots/a.txt", 1)]
    same = server.post("runs/log-parameter", run_id=run.run_id, key="lr", value="0.1")
    assert same.status_code == 200
    refused(server.post("runs/log-parameter", run_id=run.run_id, key="lr", value="0.2"), BAD, "not allowed")
