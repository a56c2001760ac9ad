"""Sixteen clients in four processes at once against two processes of a server on PostgreSQL."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.model.ledger import LedgerEntry
from headwater.model.listing import Listing
from headwater.store import open_store
from tests.server.http.busy_clients import MODEL
from tests.server.http.processes import server_process

PROGRAM = Path(__file__).with_name("busy_clients.py")
SECONDS = float(os.environ.get("HEADWATER_TEST_SOAK_S", "4"))
PROCESSES = 4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def busy(tmp_path, fresh_postgresql_url):
    """Let them work; gives the store, what they were answered, the log, and who held production when."""
    url = fresh_postgresql_url()
    with server_process(tmp_path, url, "--workers", "2") as server, open_store(url) as store:
        store.models.register(MODEL, actor="ann")
        clients = [
            subprocess.Popen(
                [sys.executable, str(PROGRAM), server.url, str(number), str(SECONDS)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        seen = []
        while any(client.poll() is None for client in clients):
            seen.append([v.version for v in versions(store) if v.stage == "production"])
            time.sleep(0.02)
        notes = [note for client in clients for note in json.loads(client.communicate()[0])]
        server.stop()
        yield store, notes, [json.loads(line) for line in server.log()], seen


def versions(store):
    return store.models.page_versions(Listing(limit=100_000)).items


def test_sixteen_clients_at_once_see_no_fault_and_lose_nothing(busy):
    store, notes, log, seen = busy

    assert len(notes) == 16
    assert [note["failures"] for note in notes] == [[]] * 16
    assert [line for line in log if line["status"] >= 500] == []
    for note in notes:
        expected = [(n, n, n / 2) for n in range(note["points"])]
        assert store.series.read(note["run"], "loss").rows() == expected
    registered = sorted(version for note in notes for version in note["versions"])
    assert registered == list(range(1, len(registered) + 1))
    assert sum(note["moves"] for note in notes) > 0
    assert {len(holders) for holders in seen} <= {0, 1}
    assert sum(note["moves"] for note in notes) == len(moves(store))


def moves(store) -> list[LedgerEntry]:
    return [entry for entry in store.ledger.entries(limit=1_000_000) if entry.action == "promote"]
