"""Several clients decide on one model at once: no 5xx, one version in production at every moment."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from headwater.model.filters import And, Comparison, Field, Operator, Scope
from headwater.model.listing import Listing
from headwater.store import open_store
from tests.compat.mlflow.serving import serving

pytestmark = pytest.mark.xdist_group("mlflow")

CLIENTS, ROUNDS = 4, 8


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request, tmp_path):
    """A server over each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("server")
        return
    url = request.getfixturevalue("fresh_postgresql_url")()
    with serving(url, tmp_path / "blobs") as opened:
        yield opened


def in_production(store, name):
    wanted = And(
        tuple(
            Comparison(Field(Scope.ATTRIBUTE, field), Operator.EQ, value)
            for field, value in (("model", name), ("stage", "production"))
        )
    )
    return [version.version for version in store.models.page_versions(Listing(filter=wanted)).items]


def test_aliases_and_stages_that_are_set_at_once_stay_whole(served):
    name, seen, stop = f"race-{uuid.uuid4().hex[:8]}", set(), threading.Event()
    served.post("registered-models/create", name=name)
    for _ in range(CLIENTS):
        served.post("model-versions/create", name=name, source="s3://b/x")
    first = served.post("model-versions/transition-stage", name=name, version="1", stage="Production")
    assert first.status_code == 200

    def decide(number):
        version, statuses = str(number + 1), []
        with httpx.Client(base_url=served.url, timeout=60) as http:
            for _ in range(ROUNDS):
                move = {"name": name, "version": version, "stage": "Production"}
                alias = {"name": name, "version": version, "alias": "champion"}
                calls = {"model-versions/transition-stage": move, "registered-models/alias": alias}
                for path, body in calls.items():
                    statuses.append(http.post(f"/api/2.0/mlflow/{path}", json=body).status_code)
        return statuses

    def watch(store):
        while True:
            seen.add(len(in_production(store, name)))
            if stop.is_set():
                return

    with open_store(served.store_url) as store, ThreadPoolExecutor(CLIENTS + 1) as pool:
        watching = pool.submit(watch, store)
        done = list(pool.map(decide, range(CLIENTS)))
        stop.set()
        watching.result()

    statuses = {status for each in done for status in each}
    # 409: somebody else has moved the very version in the meantime.
    assert statuses <= {200, 409}
    assert seen == {1}
    with open_store(served.store_url) as store:
        model = store.models.get(name)
        entries = store.ledger.entries(subject=f"models/{name}")
        last = [e for e in entries if e.action == "alias"][-1]
        assert model.aliases == {"champion": last.details["to"]}
        assert in_production(store, name) == [model.stages["production"]]
        assert len([e for e in entries if e.action == "alias"]) == CLIENTS * ROUNDS
