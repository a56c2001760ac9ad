"""What differs between two histories, read from a real store and a real repository."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater.provenance.changes import Change, FileChange, RowChange
from tests.sdk.repository import commit


def train(rows, lr, *, capture=False):
    """Prepare data and train on them; returns the reference of the version."""
    with hw.run("prepare", params={"rows": len(rows)}, capture=False) as prepare:
        raw = prepare.use(hw.dataset("raw", rows))
        table = prepare.log_dataset(hw.dataset("clean", pd.DataFrame(rows)))
    with hw.run("train", params={"lr": lr}, capture=capture) as run:
        run.use(table)
        run.use(raw)
        run.log_metric("loss", 1 - lr)
        return run.log_model("late", {"lr": lr}, metrics={"auc": 0.7 + lr}, input_example=rows).ref


@pytest.fixture
def connected():
    """What differs does not depend on the database: the contract tests of walks cover that."""
    return hw.connect("memory://")


@pytest.fixture
def two(connected):
    """Two versions that differ in data, params and metrics."""
    return train([{"late": 1}], 0.1), train([{"late": 1}, {"late": 0, "hour": 7}], 0.25)


def test_two_versions_differ_in_what_was_different(two):
    found = hw.lineage(two[0]).diff(two[1])

    assert [(c.name, c.before.ref, c.after.ref, c.row_difference) for c in found.data] == [
        ("clean", "data/clean/1", "data/clean/2", 1),
        ("raw", "data/raw/1", "data/raw/2", 1),
    ]
    assert [(p.name, p.before, p.after) for p in found.params] == [("lr", 0.1, 0.25)]
    assert [(m.name, round(m.difference or 0, 6)) for m in found.metrics] == [("auc", 0.15), ("loss", -0.15)]
    assert [c.name for c in found.signature] == ["hour"]
    assert [p.name for step in found.steps for p in step.params] == ["rows"]


def test_a_version_does_not_differ_from_itself(two):
    assert hw.lineage(two[0]).diff(two[0]).is_empty


def test_the_other_way_round_is_mirrored(two):
    one, other = hw.lineage(two[0]).diff(two[1]), hw.lineage(two[1]).diff(two[0])

    assert one.mirrored() == other


def test_training_the_same_again_differs_in_nothing(connected):
    again = [train([{"late": 1}], 0.1) for _ in range(2)]

    assert hw.lineage(again[0]).diff(again[1]).is_empty


def test_rows_are_counted_by_content_when_asked(connected):
    before = hw.dataset("table", pd.DataFrame({"a": [1, 2, 2, None], "only": ["x"] * 4}))
    after = hw.dataset("table", pd.DataFrame({"a": [2.0, None, 3.0]}))

    (found,) = hw.lineage(before.ref).diff(after.ref, rows=True).data

    assert found.rows == RowChange(added=1, removed=2)


def test_rows_of_arrays_are_counted_too(connected):
    before, after = (hw.dataset("array", np.array(rows)) for rows in ([[1, 2], [3, 4]], [[3, 4]]))

    assert hw.lineage(before.ref).diff(after.ref, rows=True).data[0].rows == RowChange(added=0, removed=1)


@pytest.mark.parametrize("rows", [True, False])
def test_rows_are_not_counted_where_the_bytes_are_not_stored(connected, rows):
    before, after = (hw.dataset("t", pd.DataFrame({"a": [n]}), store_bytes=rows) for n in (1, 2))

    found = hw.lineage(before.ref).diff(after.ref, rows=not rows)

    assert found.data[0].rows is None


def test_runs_and_data_versions_differ_likewise(two):
    newest, oldest = hw.search_runs("experiment = 'train'")

    runs = hw.lineage(f"runs/{oldest.run_id}").diff(f"runs/{newest.run_id}")
    data = hw.lineage("data/clean/1").diff("data/clean/2")

    assert [p.name for p in runs.params] == ["lr"]
    assert [c.name for c in runs.data] == ["clean", "raw"]
    assert [c.name for c in data.data] == ["clean", "raw"]
    assert str(data).startswith(
        "data/clean/2 differs from data/clean/1: 2 instead of 1 row (+1), column hour"
    )


class TestCode:
    @pytest.fixture
    def commits(self, project, connected):
        """Two versions, from two commits of a repository."""
        commit(project, pyproject_toml="", train_py="one", old_py="old")
        first = train([{"late": 1}], 0.1, capture=True)
        commit(project, train_py="two", old_py=None, new_py="new")
        return first, train([{"late": 1}], 0.1, capture=True), connected

    def test_files_that_changed_between_the_commits_are_named(self, commits):
        first, second, _ = commits

        code = hw.lineage(first).diff(second).code

        assert code.files == (
            FileChange(path="new.py", change=Change.ADDED),
            FileChange(path="old.py", change=Change.REMOVED),
            FileChange(path="train.py", change=Change.CHANGED),
        )

    def test_the_other_way_round_is_mirrored(self, commits):
        first, second, _ = commits

        assert hw.lineage(first).diff(second).mirrored() == hw.lineage(second).diff(first)

    def test_without_the_repository_only_the_commits_are_told(self, commits, project):
        first, second, _ = commits
        shutil.rmtree(project / ".git")

        code = hw.lineage(first).diff(second).code

        assert (code.files, code.commit.name) == ((), "commit")
        assert code.note.startswith("the files between them are not known here: ")

    def test_another_repository_has_not_the_commits(self, commits, project):
        first, second, _ = commits
        shutil.rmtree(project / ".git")
        commit(project, other_py="other")

        assert "does not have commit" in hw.lineage(first).diff(second).code.note

    def test_uncommitted_changes_are_told_by_file(self, commits, project):
        _, second, _ = commits
        (project / "train.py").write_text("three", encoding="utf-8")

        third = train([{"late": 1}], 0.1, capture=True)

        found = hw.lineage(second).diff(third)
        assert found.different == ("code", *(["seeds"] if found.seeds else []))
        assert found.code.uncommitted == (FileChange(path="train.py", change=Change.ADDED),)

    def test_packages_are_read_from_the_bytes(self, commits):
        first, second, _ = commits

        found = hw.lineage(first).diff(second)

        assert {"packages", "environment", "machine"} <= {*found.same}

    def test_without_the_bytes_packages_are_not_known(self, commits):
        first, second, client = commits
        for digest in list(client.blobs.digests()):
            client.blobs.delete(digest)

        found = hw.lineage(first).diff(second)

        assert "packages" in {each.section for each in found.unknown}
        assert "packages" not in found.same


def test_what_was_not_recorded_is_said(two):
    found = hw.lineage(two[0]).diff(two[1])

    assert f"no commit is recorded for {two[0]}" in str(found)
    assert {"packages", "machine"}.isdisjoint({*found.same, *found.different})


def test_a_graph_of_other_programs_can_be_compared(connected):
    from headwater.model.graph import Event, EventType, NewArtifact, NewExecution, NewType, NodeKind

    store = connected.store
    kinds = [NewType(kind=NodeKind.ARTIFACT, name="A"), NewType(kind=NodeKind.EXECUTION, name="E")]
    artifact_type, execution_type = store.types.put(kinds)
    made = store.artifacts.add([NewArtifact(type_id=artifact_type, uri=f"s3://b/{n}") for n in range(4)])
    ran = store.executions.add([NewExecution(type_id=execution_type, params={"n": n}) for n in range(2)])
    for place, execution in enumerate(ran):
        store.links.add_events(
            [
                Event(artifact_id=made[place], execution_id=execution, type=EventType.INPUT),
                Event(artifact_id=made[place + 2], execution_id=execution, type=EventType.OUTPUT),
            ]
        )

    found = hw.lineage(f"artifacts/{made[2]}").diff(f"artifacts/{made[3]}")

    assert [(c.change, c.name) for c in found.data] == [
        (Change.REMOVED, "s3://b/0"),
        (Change.ADDED, "s3://b/1"),
    ]
    assert [(p.before, p.after) for p in found.params] == [(0, 1)]


def test_a_difference_is_json(two):
    found = hw.lineage(two[0]).diff(two[1])

    assert json.loads(json.dumps(found.json()))["metrics"][0]["difference"] == pytest.approx(0.15)
