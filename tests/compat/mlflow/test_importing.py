"""`headwater import mlflow`: a database that MLflow itself wrote, with ids and times."""

import json
import math
import shutil

import pytest
from click.testing import CliRunner

import headwater as hw
from headwater.cli import main
from headwater.errors import NotFoundError
from headwater.model.graph import EventType
from headwater.model.ids import RunId
from headwater.model.runs import RunStatus

pytestmark = pytest.mark.xdist_group("mlflow")


@pytest.fixture(scope="module")
def filled(peer, tmp_path_factory):
    """A database of MLflow's own, and what is in it."""
    folder = tmp_path_factory.mktemp("original")
    url = f"sqlite:///{folder}/mlflow.db"
    return url, peer.run("fill_database", url=url, folder=str(folder / "files"))


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


def test_everything_is_brought_over_and_again_changes_nothing(peer, filled, place):
    url, made = filled
    report = bring(place, url)

    assert (report["complete"], report["elsewhere"], report["refused"]) == (True, [], [])
    assert counts(report, "source") == counts(report, "store")
    assert counts(report, "store") | {"runs": 3, "logged_models": 1, "model_versions": 3} == counts(
        report, "store"
    )
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


@pytest.mark.parametrize("source", ["http://127.0.0.1:5000", "mlruns", "sqlite:///nowhere.db"])
def test_what_is_no_database_of_mlflow_is_refused(source, tmp_path):
    place = (f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs"))
    done = CliRunner().invoke(main, ["--store", place[0], "--blobs", place[1], "import", "mlflow", source])

    assert done.exit_code != 0


def test_another_database_is_refused(tmp_path):
    place = (f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs"))
    with hw.connect(place[0], blobs=place[1]):
        pass
    done = CliRunner().invoke(main, ["--store", place[0], "import", "mlflow", place[0]])

    assert done.exit_code != 0
    assert "no tables of MLflow" in done.output
