"""Deletion is a decision; removal for good leaves a tombstone, events and version numbers."""

import pytest

from headwater.errors import InvalidError, NotFoundError
from headwater.model.data import NewDataVersion
from headwater.model.graph import (
    ArtifactState,
    Event,
    EventType,
    ExecutionState,
    NewArtifact,
    NewExecution,
    NodeKind,
)
from headwater.model.lineage import Direction, Walk
from headwater.model.models import NewVersion, Transition
from headwater.model.series import Points, SeriesBatch
from headwater.model.upkeep import Expiry, Subject, Tombstone
from tests.contract.builders import START_MS, add_versions, move, put_type, start_run

DAY_MS = 86_400_000


def expiry(moment_ms):
    return Expiry(nodes_ms=moment_ms, keys_ms=moment_ms)


def subject(run):
    return Subject(kind=NodeKind.EXECUTION, id=run.id, ref=f"runs/{run.run_id}")


def delete(store, run, reason="made in error"):
    store.upkeep.delete([subject(run)], actor="ann", reason=reason)


def remove_all(store, moment_ms):
    total = 0
    while count := store.upkeep.remove(expiry(moment_ms), limit=2).count:
        total += count
    return total


def rows(store):
    return {name: count for name, count in store.upkeep.facts().counts.items() if count}


def test_deletion_and_restoring_are_in_the_ledger_once(store, clock):
    run = start_run(store)
    delete(store, run)
    delete(store, run, reason="again")
    assert store.runs.get([run.run_id])[0].deleted_ms == clock.now_ms

    store.upkeep.restore([subject(run)], actor="bob", reason="it is needed")
    store.upkeep.restore([subject(run)], actor="bob", reason="again")

    assert store.runs.get([run.run_id])[0].deleted_ms is None
    entries = [(e.actor, e.action, e.subject, e.reason) for e in store.ledger.entries()]
    assert entries == [
        ("ann", "delete", f"runs/{run.run_id}", "made in error"),
        ("bob", "restore", f"runs/{run.run_id}", "it is needed"),
    ]


def test_deletion_is_all_or_none(store):
    run = start_run(store)
    unknown = Subject(kind=NodeKind.ARTIFACT, id=99, ref="artifacts/99")

    with pytest.raises(NotFoundError, match="artifact 99"):
        store.upkeep.delete([subject(run), unknown], actor="ann", reason="r")
    with pytest.raises(InvalidError):
        store.upkeep.delete([subject(run)], actor="", reason="r")

    assert store.runs.get([run.run_id])[0].deleted_ms is None
    assert store.ledger.entries() == []


def test_nothing_goes_before_its_time(store, clock):
    delete(store, start_run(store))

    assert store.upkeep.removable(expiry(clock.now_ms - 1)).count == 0
    assert remove_all(store, clock.now_ms - 1) == 0
    assert store.upkeep.removable(expiry(clock.now_ms)).nodes == {"headwater.Run": 1}


def test_removed_run_takes_its_rows_along_and_leaves_a_tombstone(store, clock):
    kept, run = start_run(store), start_run(store, params={"lr": 0.1}, tags={"a": "b"}, name="fold 1")
    before = rows(store)
    lost = start_run(store, params={"lr": 0.1}, tags={"a": "b"}, name="fold 2")
    points = Points.of([(1, 2, 0.5), (2, 3, 0.4)])
    store.series.append([SeriesBatch(execution_id=lost.id, key="loss", writer=1, batch=1, points=points)])
    delete(store, lost)
    clock.tick(DAY_MS)

    planned = store.upkeep.removable(expiry(clock.now_ms))
    removed = store.upkeep.remove(expiry(clock.now_ms))

    assert (planned.count, planned.points, dict(planned.nodes)) == (1, 2, dict(removed.nodes))
    assert rows(store) == {**before, "tombstone": 1, "ledger": 1}
    assert store.runs.get([kept.run_id, run.run_id, lost.run_id]) == [kept, run]
    stone = Tombstone(
        kind=NodeKind.EXECUTION,
        node_id=lost.id,
        type_name="headwater.Run",
        name="fold 2",
        uri=f"runs/{lost.run_id}",
        created_ms=START_MS,
        deleted_ms=START_MS,
        removed_ms=clock.now_ms,
    )
    assert store.upkeep.tombstones(NodeKind.EXECUTION, [run.id, lost.id]) == [stone]
    assert store.upkeep.removed_runs(lost.run_id[:9]) == [stone]
    assert store.upkeep.check(silent_since_ms=0, is_deep=True) == []


def test_lineage_goes_through_what_was_removed(store, clock):
    kind = put_type(store, NodeKind.ARTIFACT, "Thing")
    raw, clean = store.artifacts.add(
        [NewArtifact(type_id=kind, name=n, digest=f"blake3:{n}") for n in ("raw", "clean")]
    )
    step = store.executions.add([NewExecution(type_id=put_type(store, NodeKind.EXECUTION, "Step"))])[0]
    store.links.add_events(
        [
            Event(artifact_id=raw, execution_id=step, type=EventType.INPUT),
            Event(artifact_id=clean, execution_id=step, type=EventType.OUTPUT),
        ]
    )
    question = Walk(artifacts=(clean,), direction=Direction.UPSTREAM)
    before = store.lineage.walk(question)
    store.artifacts.delete([raw, clean])
    store.executions.delete([step])
    clock.tick(DAY_MS)
    assert remove_all(store, clock.now_ms) == 3

    graph = store.lineage.walk(question)

    assert [(a.id, a.type_name, a.name, a.digest, a.removed_ms) for a in graph.artifacts] == [
        (clean, "Thing", "clean", "blake3:clean", clock.now_ms),
        (raw, "Thing", "raw", "blake3:raw", clock.now_ms),
    ]
    assert [(e.id, e.type_name, e.deleted_ms) for e in graph.executions] == [(step, "Step", START_MS)]
    assert graph.events == before.events
    assert store.lineage.path((NodeKind.ARTIFACT, raw), (NodeKind.ARTIFACT, clean)) is not None
    assert store.artifacts.get([raw])[0].removed_ms == clock.now_ms
    assert store.upkeep.check(silent_since_ms=0) == []


def test_removed_name_can_be_used_again_but_not_changed_or_restored(store, api, clock):
    node = api.add("a", external_id="x")
    api.nodes.delete([node])
    assert remove_all(store, clock.now_ms) == 1

    again = api.add("a", external_id="x")

    assert again > node
    for write in (api.nodes.restore, api.nodes.delete, lambda ids: api.update(ids[0], touch=True)):
        with pytest.raises(NotFoundError, match="it was deleted on 2023-11-14 22:13Z and removed for good"):
            write([node])


def test_version_that_is_or_was_in_production_stays_unless_its_deletion_is_a_decision(store, clock):
    versions = [store.models.add_version(NewVersion(model="m"), actor="ann") for _ in range(4)]
    for number in (1, 2, 3):
        store.models.transition(
            Transition(model="m", version=number, to="production", reason="r", actor="ann")
        )
    store.models.set_alias("m", "champion", 4, actor="ann", reason="r")
    store.artifacts.delete([v.id for v in versions if v.version != 3])
    decided = Subject(kind=NodeKind.ARTIFACT, id=versions[1].id, ref=versions[1].ref)
    store.artifacts.restore([versions[1].id])
    store.upkeep.delete([decided], actor="ann", reason="personal data")

    planned = store.upkeep.removable(expiry(clock.now_ms))
    assert remove_all(store, clock.now_ms) == 1

    assert dict(planned.nodes) == {"headwater.Model": 1}
    assert sorted(planned.kept) == ["models/m/1", "models/m/4"]
    found = store.models.version("m", 2)
    assert (found.version, found.removed_ms, found.stage) == (2, clock.now_ms, "archived")
    assert store.models.add_version(NewVersion(model="m"), actor="ann").version == 5


def test_model_that_was_deleted_as_a_whole_lets_its_released_versions_go(store, clock):
    add_versions(store, number=2)
    move(store, 1)
    move(store, 1, "archived")
    store.models.delete("m", actor="ann", reason="withdrawn", force=True)

    planned = store.upkeep.removable(expiry(clock.now_ms))

    assert (dict(planned.nodes), dict(planned.kept)) == ({"headwater.Model": 2}, {})
    store.models.restore("m", actor="ann", reason="missed")
    store.artifacts.delete([v.id for v in store.models.page_versions().items])
    assert sorted(store.upkeep.removable(expiry(clock.now_ms)).kept) == ["models/m/1"]


def test_model_and_experiment_stay_while_something_is_in_them(store, clock):
    run = start_run(store)
    version = store.models.add_version(NewVersion(model="m"), actor="ann")
    store.contexts.delete([run.experiment_id, version.model_id])

    assert remove_all(store, clock.now_ms) == 0
    delete(store, run)
    assert remove_all(store, clock.now_ms) == 2

    assert store.models.by_artifact_ids([version.id]) == [version]


def test_deleted_content_is_restored_by_recording_it_again_and_renumbered_once_removed(store, clock):
    new = NewDataVersion(name="flights", digest="blake3:1")
    first = store.data.add_version(new)
    store.data.add_version(NewDataVersion(name="flights", digest="blake3:2"))
    store.artifacts.delete([first.id])
    assert [v.version for v in store.data.versions("flights")] == [2]
    assert store.data.add_version(new) == first

    store.artifacts.delete([first.id])
    assert remove_all(store, clock.now_ms) == 1
    again = store.data.add_version(new)

    assert (again.version, again.digest) == (3, "blake3:1")
    gone = store.data.version("flights", 1)
    assert (gone.digest, gone.removed_ms) == ("blake3:1", clock.now_ms)
    assert store.data.version("flights").version == 3
    assert store.data.all()[0].version_count == 2


def test_given_up_artifacts_go_and_pending_ones_of_a_running_execution_stay(store, clock):
    kind = put_type(store, NodeKind.ARTIFACT, "Thing")
    running, over = store.executions.add(
        [
            NewExecution(type_id=put_type(store, NodeKind.EXECUTION, "Step"), state=state)
            for state in (ExecutionState.RUNNING, ExecutionState.FAILED)
        ]
    )
    states = (ArtifactState.PENDING, ArtifactState.PENDING, ArtifactState.ABANDONED, ArtifactState.LIVE)
    ids = store.artifacts.add([NewArtifact(type_id=kind, state=state) for state in states])
    made = zip(ids, (running, over, over, over), strict=True)
    store.links.add_events(
        [Event(artifact_id=a, execution_id=e, type=EventType.PENDING_OUTPUT) for a, e in made]
    )

    assert remove_all(store, clock.now_ms - 1) == 0
    assert remove_all(store, clock.now_ms) == 2

    assert [a.removed_ms for a in store.artifacts.get(ids)] == [None, clock.now_ms, clock.now_ms, None]


def test_expired_keys_go(store, clock):
    kind = put_type(store, NodeKind.ARTIFACT, "Thing")
    store.artifacts.add([NewArtifact(type_id=kind)], key="old")
    moment = clock.now_ms
    clock.tick(DAY_MS)
    store.artifacts.add([NewArtifact(type_id=kind)], key="new")

    assert store.upkeep.removable(expiry(moment)).keys == 1
    assert store.upkeep.remove(expiry(moment)).keys == 1

    store.artifacts.add([NewArtifact(type_id=kind)], key="new")
    assert rows(store)["idempotency"] == 1


def test_digests_in_use_are_those_of_nodes_that_are_there(store, clock):
    kind = put_type(store, NodeKind.ARTIFACT, "Thing")
    digests = [f"blake3:{n:064x}" for n in range(4)]
    kept, lost = store.artifacts.add([NewArtifact(type_id=kind, digest=d) for d in digests[:2]])
    store.artifacts.add([NewArtifact(type_id=kind, custom_properties={"anything": digests[2]})])
    start_run(store, tags={"config": digests[3], "other": "blake2:1"})
    assert store.upkeep.digests_in_use() == {*digests}

    store.artifacts.delete([lost])
    assert store.upkeep.digests_in_use() == {*digests}
    remove_all(store, clock.now_ms)

    assert store.upkeep.digests_in_use() == {*digests} - {digests[1]}
    assert [named.owner for named in store.upkeep.named_bytes()] == [f"artifacts/{kept}"]
