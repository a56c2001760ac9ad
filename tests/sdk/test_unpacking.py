"""What it takes to make a thing again, laid out, and the thing made again out of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import headwater as hw
from headwater.errors import ConflictError, InvalidError
from headwater.model.models import NewVersion
from tests.sdk.repository import IDENTITY, commit, git

TRAIN = """
import sys
import headwater as hw

lr = float(sys.argv[1])
with hw.run("train", params={"lr": lr, "seed": 0}) as run:
    rows = run.use(hw.dataset("flights", "flights.csv", store_bytes=True)).load().read_text().split()
    run.log_metric("auc", lr + FACTOR * len(rows))
    run.log_model("late", {"weights": [lr] * len(rows)})
"""


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def train(project, store):
    """Run the training program of a repository."""

    def work(folder=project, program="train.py", *arguments):
        environ = {**os.environ, **IDENTITY, "HEADWATER_STORE": store, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, program, *(arguments or ("0.5",))]
        subprocess.run(command, cwd=folder, env=environ, check=True)
        return hw.connect(store)

    (project / "flights.csv").write_text("late\n1\n2\n")
    commit(project, train_py=TRAIN.replace("FACTOR", "1"), pyproject_toml="")
    return work


def test_what_was_laid_out_makes_the_same_again(train, project, tmp_path):
    # A change that was never committed made it, and then the repository went on.
    (project / "train.py").write_text(TRAIN.replace("FACTOR", "2"))
    train()
    commit(project, train_py="raise SystemExit('other code')", flights_csv="late\n3\n")

    kit = hw.lineage("models/late/1").unpack(tmp_path / "kit")

    assert kit.is_complete, kit.lacks
    assert kit.command == ["python", "train.py", "0.5"]
    assert json.loads((tmp_path / "kit" / "params.json").read_text()) == {"lr": 0.5, "seed": 0}
    [flights] = kit.inputs
    assert (tmp_path / "kit" / flights.path).read_text() == "late\n1\n2\n"
    assert (
        f"numpy=={__import__('numpy').__version__}\n" in (tmp_path / "kit" / "requirements.txt").read_text()
    )

    train(tmp_path / "kit" / "code", *kit.command[1:])
    again = hw.lineage("models/late/1").diff("models/late/2")
    one, two = (hw.models["late"][number] for number in (1, 2))
    assert one.digest == two.digest
    assert again.code
    assert (again.code.commit, again.code.uncommitted) == (None, ())


def test_guide_says_how_to_go_on_and_is_kept_in_the_folder(train, store, tmp_path):
    train()

    kit = hw.lineage("models/late/1").unpack(tmp_path / "kit")

    guide = (tmp_path / "kit" / "REBUILD.md").read_text()
    assert guide == kit.markdown() == str(kit)
    assert f"\nexport HEADWATER_STORE={store}\ncd code\n" in guide
    assert "\npython train.py 0.5\n" in guide
    assert "pip install --requirement ../requirements.txt" in guide
    assert "What is missing" not in guide
    assert json.loads((tmp_path / "kit" / "kit.json").read_text()) == kit.json()
    assert git(tmp_path / "kit" / "code", "rev-parse", "HEAD") == kit.commit


def test_a_commit_that_was_amended_is_still_had(train, project, tmp_path):
    old = git(project, "rev-parse", "HEAD")
    train()
    (project / "train.py").write_text("raise SystemExit('other code')")
    git(project, "commit", "--quiet", "--all", "--amend", "-m", "other")

    kit = hw.lineage("models/late/1").unpack(tmp_path / "kit")

    assert (kit.commit, kit.is_complete) == (old, True)
    assert (tmp_path / "kit" / "code" / "train.py").read_text() == TRAIN.replace("FACTOR", "1")


def test_a_program_in_a_folder_is_found_by_the_end_of_its_path(train, project, tmp_path):
    (project / "jobs").mkdir()
    (project / "jobs" / "fit.py").write_text((project / "train.py").read_text())
    commit(project)
    train(project, "jobs/fit.py", "0.1")

    assert hw.lineage("models/late/1").unpack(tmp_path / "kit").command == ["python", "jobs/fit.py", "0.1"]


def test_secret_arguments_are_said_to_be_missing(train, project, tmp_path):
    train(project, "train.py", "0.1", "--api-key", "hunter2")

    kit = hw.lineage("models/late/1").unpack(tmp_path / "kit")

    assert "hunter2" not in kit.markdown()
    assert [each for each in kit.lacks if "***" in each]


def test_what_cannot_be_had_is_said_and_the_rest_is_laid_out(train, project, tmp_path, monkeypatch):
    client = train()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pyproject.toml").touch()
    monkeypatch.chdir(elsewhere)
    data = client.store.data.version("flights")
    client.blobs.delete(data.properties.get("bytes_digest") or data.digest)
    with hw.connect(f"sqlite:///{tmp_path / 'store.db'}", blobs=client.blobs.url) as away:
        kit = away.lineage("models/late/1").unpack(tmp_path / "kit")

    assert not kit.is_complete
    assert kit.commit is None
    assert any("not a git repository" in each for each in kit.lacks)
    assert any("the bytes of data/flights/1" in each for each in kit.lacks)
    assert kit.packages > 10
    assert all(each in (tmp_path / "kit" / "REBUILD.md").read_text() for each in kit.lacks)


def test_a_run_that_captured_nothing_lacks_nearly_all(tmp_path):
    hw.connect("memory://")
    with hw.run("train", capture=False) as run:
        version = run.log_model("late", {"w": 1})

    kit = hw.lineage(version.ref).unpack(tmp_path / "kit")

    assert len(kit.lacks) == 4
    assert (kit.command, kit.inputs, kit.packages) == ([], [], 0)


PIPELINE = """
import headwater as hw

@hw.step
def fit(weight: int = 1) -> hw.Model:
    return {"weight": weight}

@hw.pipeline
def late(weight: int = 1, name: str = "x"):
    return fit(weight)
"""


def test_a_step_is_made_again_by_its_pipeline(project, store, tmp_path):
    commit(project, flow_py=PIPELINE, pyproject_toml="")
    headwater = [sys.executable, "-m", "headwater", "--store", store, "pipeline", "run"]
    given = ["flow.py:late", "--param", "weight=3", "--param", "name=12 months"]
    subprocess.run([*headwater, *given], cwd=project, env={**os.environ, **IDENTITY}, check=True)
    with hw.connect(store) as client:
        [made] = [a for a in client.store.artifacts.page().items if a.type_name == "headwater.Model"]
        kit = client.lineage(f"artifacts/{made.id}").unpack(tmp_path / "kit")

    params = ["--param", "weight=3", "--param", "name=12 months"]
    assert kit.command == ["headwater", "pipeline", "run", "flow.py:late", "--no-cache", *params]
    again = [*headwater, *kit.command[3:]]
    subprocess.run(again, cwd=tmp_path / "kit" / "code", env={**os.environ, **IDENTITY}, check=True)
    with hw.connect(store) as client:
        models = [a for a in client.store.artifacts.page().items if a.type_name == "headwater.Model"]
        runs = [c for c in client.store.contexts.page().items if c.type_name == "headwater.PipelineRun"]
    assert [model.digest for model in models] == [made.digest] * 2
    assert [run.properties["params"] for run in runs] == [{"weight": 3, "name": "12 months"}] * 2


def test_a_folder_that_holds_something_is_left_alone(train, tmp_path):
    train()
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "mine").touch()

    with pytest.raises(ConflictError, match="new or an empty folder"):
        hw.lineage("models/late/1").unpack(tmp_path / "kit")

    assert [path.name for path in (tmp_path / "kit").iterdir()] == ["mine"]


def test_what_nobody_made_cannot_be_laid_out(tmp_path):
    client = hw.connect("memory://")
    client.store.models.add_version(NewVersion(model="late", uri="s3://models/late"), actor="ann")

    with pytest.raises(InvalidError, match="nothing tells what made models/late/1"):
        hw.lineage("models/late/1").unpack(tmp_path / "kit")

    assert not (tmp_path / "kit").exists()


def test_data_that_stay_where_they_are_are_named(tmp_path):
    hw.connect("memory://")
    with hw.run("train", capture=False) as run:
        run.use(hw.dataset("flights", "s3://lake/flights", fingerprint="v12"))
        version = run.log_model("late", {"w": 1})

    kit = hw.lineage(version.ref).unpack(tmp_path / "kit")

    assert any("which stay at s3://lake/flights" in each for each in kit.lacks)
    assert [(each.path, each.source) for each in kit.inputs] == [(None, "s3://lake/flights")]
    assert Path(kit.folder) == tmp_path / "kit"
