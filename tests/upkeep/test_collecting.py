"""Garbage collection: what nothing names goes, what anything names stays."""

import os
import time

import pytest

from headwater.blobs import open_blobs
from headwater.errors import CorruptError, RefusedError
from headwater.model.upkeep import Expiry
from headwater.upkeep import collect, plan_collection

ALL = Expiry(nodes_ms=2**50, keys_ms=0)


def stored(client):
    return {blob.digest for blob in client.blobs.stored()}


def collect_all(client, **options):
    return client.upkeep.collect(older_than_s=0, bytes_older_than_s=0, **options)


def test_run_with_a_registered_version_is_deleted_only_with_force(client, train):
    run, version = train()

    with pytest.raises(RefusedError, match=version.ref):
        client.delete_runs([run.run_id], reason="made in error")
    client.delete_runs([run.run_id], reason="made in error", force=True)

    assert client.search_runs() == []
    assert client.lineage(version.ref).upstream().graph.executions[0].id == run.id


def test_deleted_run_is_restored_until_it_is_collected(client, train):
    run, _ = train()
    client.delete_runs([run.run_id], reason="made in error", force=True)
    client.restore_runs([run.run_id], reason="it is needed")
    assert [r.run_id for r in client.search_runs()] == [run.run_id]

    client.delete_runs([run.run_id], reason="made in error", force=True)
    time.sleep(0.002)
    collect_all(client)

    with pytest.raises(LookupError, match=r"it was deleted on .* and removed for good on"):
        client.restore_runs([run.run_id], reason="too late")


def test_files_of_a_run_share_its_fate(client):
    other = client.run("flights/evaluate", capture=False)
    with other, client.run("flights/train", capture=False) as second:
        mine, shared = (second.log_dict({"n": n}, f"{n}.json") for n in range(2))
        other.use(f"artifacts/{shared.id}")
        alone = second.log_dict({"n": 3}, "3.json")
        client.store.artifacts.delete([alone.id])

    def deleted():
        found = client.store.artifacts.get([mine.id, shared.id, alone.id])
        return [artifact.deleted_ms is not None for artifact in found]

    time.sleep(0.002)
    client.delete_runs([second.run_id], reason="made in error")
    assert deleted() == [True, False, True]
    client.restore_runs([second.run_id], reason="it is needed")
    assert deleted() == [False, False, True]


def test_plan_changes_nothing(client, train):
    run, version = train()
    before = client.store.upkeep.facts()
    client.delete_runs([run.run_id], reason="made in error", force=True)
    client.blobs.put_bytes(b"left by a dead process")

    plan = client.upkeep.plan(older_than_s=0, bytes_older_than_s=0)

    assert dict(plan.nodes.nodes) == {"headwater.Artifact": 1, "headwater.Run": 1}
    assert (len(plan.unused), plan.unused_bytes) == (1, len(b"left by a dead process"))
    assert client.store.upkeep.facts().counts == {**before.counts, "ledger": before.counts["ledger"] + 1}
    assert client.load_model(version.ref) == {"weights": 1}


def test_bytes_go_with_the_last_node_that_names_them(client, train):
    train(1)
    run, version = train(2)
    kept = stored(client)
    artifacts = [a.id for a in client.store.artifacts.page().items if a.name and run.run_id in a.name]
    client.store.artifacts.delete([version.id, *artifacts])
    client.delete_data(["data/flights/2"], reason="wrong")
    time.sleep(0.002)

    done = collect_all(client)

    assert dict(done.nodes) == {"headwater.Model": 1, "headwater.Artifact": 1, "headwater.Dataset": 1}
    # The model's folder with one file, the JSON and the data; the environment of both runs is the same.
    assert done.blobs == len(kept) - len(stored(client)) == 4
    assert client.upkeep.examine(is_deep=True).findings == ()
    assert client.load_model("models/late-flights/1") == {"weights": 1}
    assert "[removed" not in str(client.lineage("models/late-flights/1").upstream())
    assert "models/late-flights/2 (removed)" in str(client.lineage(version.ref).upstream())


def test_second_collection_finds_nothing(client, train):
    run, _ = train()
    client.delete_runs([run.run_id], reason="made in error", force=True)
    time.sleep(0.002)
    collect_all(client)

    again = collect_all(client)

    assert (dict(again.nodes), again.blobs, again.keys) == ({}, 0, 0)


def test_new_bytes_stay_and_those_put_again_are_new(client):
    client.blobs.put_bytes(b"a")
    old = client.blobs.put_bytes(b"b").digest
    path = next((client._places.root / "store.blobs").glob(f"blake3/*/*/{old.removeprefix('blake3:')}"))
    os.utime(path, (1, 1))
    assert [blob.digest for blob in client.upkeep.plan().unused] == [old]
    assert client.upkeep.plan().recent == 1

    client.blobs.put_bytes(b"b")

    assert client.upkeep.plan().unused == ()
    assert not client.blobs.delete_unless_newer(old, 1000)
    assert client.blobs.read(old) == b"b"


def test_bytes_that_a_waiting_journal_names_stay(client):
    blob = client.blobs.put_bytes(b"diff --git")
    before_ms = client.session.clock_ms() + 1000

    plan = plan_collection(
        client.store, client.blobs, ALL, bytes_before_ms=before_ms, also_used=[blob.digest]
    )
    done = collect(
        client.store, client.blobs, ALL, bytes_before_ms=before_ms, also_used=lambda: [blob.digest]
    )

    assert (plan.unused, done.blobs) == ((), 0)


def test_no_bytes_go_when_a_folder_in_use_cannot_be_read(client, train):
    _, version = train()
    digits = version.digest.partition(":")[2]
    [path] = (client._places.root / "store.blobs").glob(f"blake3-tree/*/*/{digits}")
    path.chmod(0o644)
    path.write_text("{}")
    unused = client.blobs.put_bytes(b"unused").digest

    with pytest.raises(CorruptError, match="cannot be read"):
        collect_all(client)

    assert unused in stored(client)


def test_object_store_is_collected_as_a_folder_is(client, train, s3_options):
    blobs = open_blobs("s3://upkeep/collected", **s3_options)
    kept, lost = blobs.put_bytes(b"kept").digest, blobs.put_bytes(b"lost").digest
    soon_ms = client.session.clock_ms() + 60_000

    assert {b.digest: b.size_bytes for b in blobs.stored()} == {kept: 4, lost: 4}
    assert collect(client.store, blobs, ALL, bytes_before_ms=1000).blobs == 0
    done = collect(client.store, blobs, ALL, bytes_before_ms=soon_ms, also_used=lambda: [kept])

    assert (done.blobs, done.freed_bytes) == (1, 4)
    assert [*blobs.digests()] == [kept]
