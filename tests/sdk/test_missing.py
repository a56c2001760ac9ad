"""What records lack, read from a real store, real runs and real files."""

import os

import pandas as pd
import pytest

import headwater as hw
from headwater.model.models import NewVersion
from tests.sdk.repository import commit


@pytest.fixture
def connected():
    return hw.connect("memory://")


def shares(ref):
    return {check.name: check.share for check in hw.lineage(ref).missing().checks}


def whys(ref):
    return {finding.why for finding in hw.lineage(ref).missing().findings}


def test_a_run_that_records_all_lacks_nothing(connected, project):
    commit(project, pyproject_toml="")
    with hw.run("train", params={"seed": 0}) as run:
        run.use(hw.dataset("train", [{"late": 1}]))
        run.use(hw.dataset("days", [{"late": 0}]), "hold-out")
        run.log_metric("auc", 0.7)
        version = run.log_model("late", {"w": 1})

    assert hw.lineage(version.ref).missing().is_complete
    assert hw.lineage(run.ref).missing().is_complete


def test_a_version_that_was_registered_without_a_run_says_so(connected):
    connected.store.models.add_version(NewVersion(model="late", uri="s3://models/late"), actor="ann")

    assert hw.lineage("models/late/1").missing().score == 0
    assert "the version was registered without a run" in whys("models/late/1")


def test_no_repository_is_why_there_is_no_commit(connected):
    with hw.run("train") as run:
        pass

    assert shares(run.ref)["code commit"] == 0
    assert any("not a git repository" in why for why in whys(run.ref))


def test_a_file_that_was_read_and_not_declared_is_found(connected, project):
    (project / "late.csv").write_text("late\n1\n", encoding="utf-8")
    os.utime(project / "late.csv", (1e9, 1e9))
    with hw.run("train") as run:
        frame = pd.read_csv("late.csv")
        run.use(hw.dataset("frame", frame))
    with hw.run("train") as declared:
        frame = pd.read_csv("late.csv")
        declared.use(hw.dataset("frame with source", frame, source="late.csv"))

    assert shares(run.ref)["data version"] == 0.5
    assert "the run read late.csv, which it did not declare" in whys(run.ref)
    assert shares(declared.ref)["data version"] == 1


def test_a_later_evaluation_on_data_counts(connected):
    with hw.run("train", capture=False) as run:
        version = run.log_model("late", {"w": 1})
    with hw.run("look", capture=False) as look:
        look.use(version)
    before = shares(version.ref)["evaluation data"]
    with hw.run("evaluate", capture=False) as evaluate:
        evaluate.use(version)
        evaluate.use(hw.dataset("days", [{"late": 0}]))

    assert (before, shares(version.ref)["evaluation data"]) == (0, 1)


def test_bytes_that_were_removed_are_told(connected):
    with hw.run("train", capture=False) as run:
        data = run.use(hw.dataset("train", pd.DataFrame({"late": [1]})))
    connected.blobs.delete(data.stored_digest)

    assert shares(run.ref)["input bytes"] == 0
    assert "its bytes were stored and are gone" in whys(run.ref)


@pytest.mark.parametrize(("source", "share"), [(None, 0), ("the airport", 1)])
def test_data_from_outside_should_say_where_from(connected, source, share):
    data = hw.dataset("raw", [{"late": 1}], source=source)

    assert shares(data.ref) == {"input bytes": 1, "source": share}
