"""The examination finds each kind of damage, and a repair leaves a store that is clean."""

import sqlite3

import pytest

from headwater.model.graph import (
    ArtifactState,
    Event,
    EventType,
    ExecutionState,
    NewArtifact,
    NewExecution,
    NodeKind,
)
from tests.contract.builders import put_type
from tests.upkeep.damage import BEYOND_REPAIR, DAMAGE


def checks(client, **options):
    return {finding.check for finding in client.upkeep.examine(**options).findings}


@pytest.fixture
def trained(client, train):
    run, version = train()
    client.models["late-flights"].promote(1, reason="first")
    assert client.upkeep.examine(is_deep=True).findings == ()
    return run, version


@pytest.mark.parametrize("check", DAMAGE)
def test_damage_is_found_named_and_repaired(client, trained, damage, check):
    damage(DAMAGE[check])

    found = client.upkeep.examine()

    [finding] = [f for f in found.findings if f.check == check]
    assert (finding.count > 0, len(finding.examples) > 0, bool(finding.repair)) == (True, True, True)
    assert not found.is_clean
    assert check in {f.check for f in client.upkeep.repair()}
    assert client.upkeep.examine(is_deep=True).findings == ()


@pytest.mark.parametrize("check", BEYOND_REPAIR)
def test_what_only_a_person_can_decide_stays_found(client, trained, damage, check):
    damage(BEYOND_REPAIR[check])

    [finding] = [f for f in client.upkeep.examine().findings if f.check == check]
    client.upkeep.repair()

    assert finding.repair is None
    assert check in checks(client)


def test_newest_point_that_is_wrong_in_itself_is_found_by_a_deep_look(client, trained, damage):
    run, _ = trained
    right = client.get_run(run.run_id).metrics["loss"]
    damage("UPDATE series SET value = 17.0, min_value = NULL")
    assert checks(client) == set()

    assert checks(client, is_deep=True) == {"newest-points"}
    client.upkeep.repair(is_deep=True)

    assert client.get_run(run.run_id).metrics["loss"] == right


def test_artifact_that_its_ended_execution_left_pending_is_given_up(client):
    kinds = [put_type(client.store, kind) for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION)]
    [artifact] = client.store.artifacts.add([NewArtifact(type_id=kinds[0], state=ArtifactState.PENDING)])
    [step] = client.store.executions.add([NewExecution(type_id=kinds[1], state=ExecutionState.FAILED)])
    client.store.links.add_events(
        [Event(artifact_id=artifact, execution_id=step, type=EventType.PENDING_OUTPUT)]
    )

    assert checks(client) == {"half-published"}
    client.upkeep.repair()

    assert checks(client) == set()
    assert client.store.artifacts.get([artifact])[0].state is ArtifactState.ABANDONED


def test_missing_and_altered_bytes_are_found_with_their_owner(client, trained):
    _, version = trained
    entry = client.blobs.manifest(version.digest)[0]
    [path] = (client._places.root / "store.blobs").glob(f"blake3/*/*/{entry.digest.partition(':')[2]}")
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))
    assert checks(client) == set()
    assert checks(client, is_deep=True) == {"bytes-altered"}

    path.write_bytes(content[:-1])
    assert checks(client) == {"bytes-altered"}

    path.unlink()
    [finding] = client.upkeep.examine().findings
    assert (finding.check, finding.examples) == (
        "bytes-missing",
        (f"artifacts/{version.id} {entry.digest}",),
    )


def test_damaged_file_is_found(client, trained, tmp_path):
    client.store.close()
    file = tmp_path / "store.db"
    conn = sqlite3.connect(file)
    [(page,)] = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event_by_time'")
    conn.close()
    data = bytearray(file.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    file.write_bytes(data)

    [first, *_] = client.upkeep.examine().findings

    assert first.check == "database-file"
