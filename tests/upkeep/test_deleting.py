"""Deleting an experiment takes its runs and their files along, and restoring it brings just those back."""

import pytest

from headwater.errors import RefusedError
from headwater.model import builtin
from headwater.model.graph import ArtifactLink, EventType, ExecutionChange, NewArtifact, Publication
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun
from headwater.store import open_store
from headwater.upkeep import delete_experiment, delete_runs, restore_experiment

WHO = {"actor": "ann", "reason": "no longer needed"}


@pytest.fixture
def store():
    with open_store("memory://") as opened:
        yield opened


def run_with_file(store, name):
    """Start a run of the experiment, and log a file."""
    run = store.runs.start(NewRun(run_id=new_run_id(), experiment="exp", name=name))
    (kind,) = store.types.put([builtin.ARTIFACT], can_add=True, can_omit=True)
    file = NewArtifact(type_id=kind, name=f"runs/{run.run_id}/a", digest="blake3:00", size_bytes=1)
    tie = ArtifactLink(artifact=file, type=EventType.OUTPUT, path=("a",))
    done = store.links.publish(Publication(execution=ExecutionChange(id=run.id), artifacts=[tie]))
    return run, done.artifact_ids[0]


def deleted(store, runs, files):
    """Tell what is deleted: the experiment, its runs, their files."""
    (experiment,) = store.runs.experiments(with_deleted=True)
    nodes = [experiment, *store.runs.by_execution_ids([r.id for r in runs]), *store.artifacts.get(files)]
    return [node.deleted_ms is not None for node in nodes]


def test_an_experiment_goes_and_comes_back_with_its_runs(store):
    (kept, kept_file), (earlier, earlier_file) = run_with_file(store, "kept"), run_with_file(store, "earlier")
    delete_runs(store, [earlier], **WHO)
    (experiment,) = store.runs.experiments()
    runs, files = [kept, earlier], [kept_file, earlier_file]

    delete_experiment(store, experiment, **WHO)
    gone = deleted(store, runs, files)
    (experiment,) = store.runs.experiments(with_deleted=True)
    restore_experiment(store, experiment, **WHO)

    assert gone == [True] * 5
    assert deleted(store, runs, files) == [False, False, True, False, True]
    subjects = [entry.subject for entry in store.ledger.entries() if entry.action == "delete"]
    assert sorted(subjects) == sorted(
        [f"contexts/{experiment.id}", f"runs/{kept.run_id}", f"runs/{earlier.run_id}"]
    )


def test_a_reason_is_needed(store):
    run_with_file(store, "kept")
    (experiment,) = store.runs.experiments()

    with pytest.raises(RefusedError, match="reason"):
        delete_experiment(store, experiment, actor="ann", reason=" ")
    with pytest.raises(RefusedError, match="reason"):
        restore_experiment(store, experiment, actor="ann", reason="")
