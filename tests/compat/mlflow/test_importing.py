"""`headwater import mlflow`: a database that MLflow itself wrote, with ids and times."""

import json
import math
import shutil
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

import headwater as hw
from headwater.cli import main
from headwater.compat.mlflow.importing import server, server_models
from headwater.errors import NotFoundError
from headwater.model.graph import EventType
from headwater.model.ids import RunId
from headwater.model.runs import RunStatus
from tests.compat.mlflow.peer import running_server

pytestmark = pytest.mark.xdist_group("mlflow")


@pytest.fixture(scope="module")
def filled(peer, tmp_path_factory):
    """A database of MLflow's own, and what is in it."""
    folder = tmp_path_factory.mktemp("original")
    url = f"sqlite:///{folder}/mlflow.db"
    return url, peer.run("fill_database", url=url, folder=str(folder / "files"))


@pytest.fixture(scope="module")
def folder(peer, tmp_path_factory):
    """A folder of MLflow's own, and what is in it."""
    place = tmp_path_factory.mktemp("original") / "mlruns"
    return place, peer.run("fill_source", url=place.as_uri(), folder=str(place.parent / "files"))


@pytest.fixture(scope="module")
def tracking(peer, tmp_path_factory):
    """A running server of MLflow's own, and what is in it."""
    with running_server(tmp_path_factory.mktemp("server")) as url:
        yield url, peer.run("fill_source", url=url)


@pytest.fixture
def here(tmp_path):
    """Where to import to, over SQLite alone."""
    return f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where to import to: store and blobs."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs")
    return request.getfixturevalue("fresh_postgresql_url")(), str(tmp_path / "blobs")


def bring(place, url, *, code=0):
    """Run the command and return its report."""
    store, blobs = place
    done = CliRunner().invoke(main, ["--store", store, "--blobs", blobs, "import", "mlflow", url, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def counts(report, column):
    return {row["table"]: row[column] for row in report["tables"]}


def check_everything(place, made):
    """Check what `fill_database` put in."""
    with hw.connect(place[0], blobs=place[1]) as client:
        store = client.store
        outer, inner, gone = store.runs.get([RunId(made[name]) for name in ("outer", "inner", "gone")])
        assert (outer.start_ms, outer.end_ms, outer.status) == (
            made["start"],
            made["end"],
            RunStatus.FINISHED,
        )
        assert (outer.params, outer.name, outer.experiment) == ({"lr": "0.1", "depth": "3"}, "outer", "old")
        assert inner.parent_id == outer.id
        assert gone.deleted_ms is not None
        loss = store.series.read(outer.id, "loss")
        assert (list(loss.steps), list(loss.values)) == ([*range(5)], [1 / (s + 1) for s in range(5)])
        assert math.isnan(store.series.read(outer.id, "nan").values[0])
        model = client.models["late"]
        assert (model.info().description, model.info().tags) == ("what it does", {"a": "b"})
        assert (model.info().aliases, model.info().stages) == (
            {"champion": 1},
            {"production": 1, "staging": 3},
        )
        assert [v.version for v in model.versions()] == [1, 3, 4]
        version = model["champion"]
        assert (version.created_ms, version.execution_id) == (made["created"], outer.id)
        assert "MLmodel" in {entry.path for entry in client.blobs.manifest(version.digest)}
        upstream = str(client.lineage("models/late/1").upstream())
        assert f"runs/{made['outer'][:8]}" in upstream
        assert "data/flights/1" in upstream
        events = store.links.events_of_executions([outer.id])
        assert {event.type for event in events} == {EventType.INPUT, EventType.OUTPUT}
        with pytest.raises(NotFoundError):
            store.models.version("late", 5)


def check_odd(place, made, *, greatest=math.inf):
    """Check what `fill_source` put in beside that."""
    with hw.connect(place[0], blobs=place[1]) as client:
        store = client.store
        odd, trashed = store.runs.get([RunId(made[name]) for name in ("odd", "trashed")])
        assert odd.params == {"a/b": "two\r\nlines", "empty": "", "ü": "é"}
        assert [row[::2] for row in store.series.read(odd.id, "loss/train").rows()] == [(-1, greatest)]
        assert (trashed.params, trashed.deleted_ms is None) == ({"p": "1"}, False)
        files = {
            event.path: store.artifacts.get([event.artifact_id])[0]
            for event in store.links.events_of_executions([odd.id])
        }
        assert client.blobs.read(files["deep/er/b c.txt",].digest) == b"in its place"
        assert {event.type for event in store.links.events_of_executions([odd.id])} == {
            EventType.INPUT,
            EventType.OUTPUT,
        }
        assert made["model_id"] in {artifact.external_id for artifact in files.values()}


def test_everything_is_brought_over_and_again_changes_nothing(peer, filled, place):
    url, made = filled
    report = bring(place, url)

    assert (report["complete"], report["elsewhere"], report["refused"]) == (True, [], [])
    assert counts(report, "source") == counts(report, "store")
    assert counts(report, "store") | {"runs": 3, "logged_models": 1, "model_versions": 3} == counts(
        report, "store"
    )
    check_everything(place, made)

    again = bring(place, url)

    assert set(counts(again, "added").values()) == {0}
    assert again["complete"]


def test_what_is_new_is_added(peer, filled, place, tmp_path):
    original, made = filled
    copied = shutil.copyfile(original.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    url = f"sqlite:///{copied}"
    bring(place, url)
    peer.run("grow_database", url=url, run_id=made["outer"])

    report = bring(place, url)

    assert report["complete"]
    assert counts(report, "added")["metrics"] == 1
    with hw.connect(place[0], blobs=place[1]) as client:
        (outer,) = client.store.runs.get([RunId(made["outer"])])
        assert 9 in client.store.series.read(outer.id, "loss").steps
        assert max(v.version for v in client.models["late"].versions()) >= 5


def test_a_folder_is_brought_over_and_again_changes_nothing(folder, here):
    source, made = folder
    report = bring(here, str(source))

    assert (report["complete"], report["elsewhere"], report["refused"]) == (True, [], [])
    assert counts(report, "source") == counts(report, "store")
    check_everything(here, made)
    check_odd(here, made)

    again = bring(here, source.as_uri())

    assert set(counts(again, "added").values()) == {0}
    assert again["complete"]


def test_a_folder_that_was_moved_still_has_its_files(folder, here, tmp_path):
    source, made = folder
    moved = shutil.copytree(source, tmp_path / "moved")
    source.rename(source.with_name("away"))
    try:
        report = bring(here, str(moved))
    finally:
        source.with_name("away").rename(source)

    assert report["complete"]
    check_odd(here, made)


def test_damaged_files_are_named_and_counted_and_the_rest_comes_over(folder, here, tmp_path):
    source, made = folder
    broken = shutil.copytree(source, tmp_path / "broken")
    outer, inner = (next(broken.glob(f"*/{made[name]}")) for name in ("outer", "inner"))
    (inner / "meta.yaml").write_text("run_id: [")
    with (outer / "metrics/loss").open("a") as lines:
        lines.write("now 0.1 9\n")
    (outer / "params/bytes").write_bytes(b"\xff")
    (broken / "models/late/version-4/meta.yaml").unlink()
    (broken / "models/late/aliases/champion").write_text("first")
    (broken / ".trash").joinpath(next((broken / ".trash").iterdir()).name, "meta.yaml").write_text("")
    report = bring(here, str(broken), code=6)

    (damaged,) = (row for row in report["tables"] if row["table"] == "damaged files")
    assert (damaged["source"], damaged["missing"], len(report["refused"])) == (7, 7, 7)
    told = "\n".join(report["refused"])
    for named in (
        f"{made['inner']}/meta.yaml is damaged",
        "is damaged: 'now 0.1 9' is no point of a metric",
        "params/bytes is damaged",
        "version-4/meta.yaml cannot be read",
        "aliases/champion is damaged",
        f"{made['trashed']}: its experiment cannot be read",
    ):
        assert named in told
    with hw.connect(here[0], blobs=here[1]) as client:
        (run,) = client.store.runs.get([RunId(made["outer"])])
        assert run.params == {"lr": "0.1", "depth": "3"}
        assert len(client.store.series.read(run.id, "loss").steps) == 5


def test_a_folder_needs_a_reader_of_yaml(folder, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    store, blobs = here
    done = CliRunner().invoke(main, ["--store", store, "--blobs", blobs, "import", "mlflow", str(folder[0])])

    assert done.exit_code != 0
    assert "pip install 'headwater[mlflow]'" in done.output


def test_a_server_is_brought_over_page_by_page_and_again_changes_nothing(tracking, here, monkeypatch):
    url, made = tracking
    for module, sizes in ((server, ("PAGE", "POINTS", "GROUP")), (server_models, ("LOGGED_PAGE",))):
        for size in sizes:
            monkeypatch.setattr(module, size, 2)
    report = bring(here, url)

    assert (report["complete"], report["elsewhere"], report["refused"]) == (True, [], [])
    assert counts(report, "source") == counts(report, "store")
    check_everything(here, made)
    # MLflow's databases hold no infinity.
    check_odd(here, made, greatest=sys.float_info.max)

    again = bring(here, url + "/")

    assert set(counts(again, "added").values()) == {0}
    assert again["complete"]


@contextmanager
def answering(status, body):
    """Run a server that gives one answer to everything, and yield its URL and who asked."""
    askers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            askers.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{served.server_port}", askers
        finally:
            served.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"<html>", "no MLflow server"),
        (404, b'{"detail": "Not Found"}', "no MLflow server"),
        (405, b"", "no MLflow server"),
        (200, b"<html>", "no MLflow server"),
        (200, b"{}", "no MLflow server"),
        (200, b'{"experiments": [{}]}', "no MLflow server"),
        (302, b"", "no MLflow server"),
        (401, b"", "MLFLOW_TRACKING_TOKEN"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "not you"}', "not you"),
        (500, b'{"error_code": "INTERNAL_ERROR", "message": "it broke"}', "it broke"),
    ],
)
def test_a_server_that_does_not_answer_as_mlflow_does_is_refused(status, body, said, here):
    with answering(status, body) as (url, _):
        done = CliRunner().invoke(main, ["--store", here[0], "--blobs", here[1], "import", "mlflow", url])

    assert done.exit_code not in {0, 6}
    assert said in done.output


@pytest.mark.parametrize(
    ("account", "environment", "header"),
    [
        ("", {}, None),
        ("", {"HEADWATER_TOKEN": "ours"}, None),
        ("", {"MLFLOW_TRACKING_TOKEN": "secret"}, "Bearer secret"),
        ("", {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pä"}, "Basic bWU6cMOk"),
        ("a:b@", {"MLFLOW_TRACKING_TOKEN": "secret"}, "Basic YTpi"),
    ],
)
def test_a_server_is_told_who_asks_as_mlflow_itself_tells_it(account, environment, header, here, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with answering(401, b"") as (url, askers):
        source = url.replace("://", f"://{account}")
        CliRunner().invoke(main, ["--store", here[0], "--blobs", here[1], "import", "mlflow", source])

    assert askers == [header]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "no folder"),
        (".", "no mlruns folder"),
        ("sqlite:///nowhere.db", "nowhere.db"),
        ("ftp://somewhere", "ftp"),
    ],
)
def test_what_is_no_source_is_refused(source, said, here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["--store", here[0], "--blobs", here[1], "import", "mlflow", source])

    assert done.exit_code != 0
    assert said in done.output


def test_another_database_is_refused(tmp_path):
    place = (f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs"))
    with hw.connect(place[0], blobs=place[1]):
        pass
    done = CliRunner().invoke(main, ["--store", place[0], "import", "mlflow", place[0]])

    assert done.exit_code != 0
    assert "no tables of MLflow" in done.output
