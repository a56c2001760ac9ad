import asyncio
import time
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.model.graph import Event, EventType, NewArtifact, NewExecution, NodeKind
from headwater.model.models import NewVersion
from headwater.model.runs import RunChange, RunStatus
from headwater.model.verdicts import NewDeployment, NewVerdict, Outcome
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.server.http.live.listeners import Listeners
from headwater.server.http.live.topics import RESET, News, topics_of
from headwater.store.sql.store import SqlStore
from tests.contract.builders import append, put_type, start_run
from tests.live import LiveServer
from tests.server.http.live.listening import listening, until
from tests.server.http.rest import Rest


def test_a_run_that_goes_on_is_told_with_what_changed_alone(rest: Rest):
    run = start_run(rest.store)
    ref = f"runs/{run.run_id}"
    with listening(rest.url, f"runs:{run.run_id[:8]}") as events:
        assert until(events, ref, "status") == "running"
        append(rest.store, run.id, [(0, 5, 0.5)])
        point = until(events, ref, "metrics")
        rest.store.runs.update(RunChange(id=run.id, status=RunStatus.FINISHED))
        told = next(event for event in events if event.kind == "change").data["changes"][0]

    assert point == {"auc": {"step": 0, "time_ms": 5, "value": 0.5, "count": 1}}
    assert told["changed"].keys() == {"status", "revision"}


def test_all_runs_decisions_and_lineage_are_told_on_one_stream(rest: Rest):
    store = rest.store
    artifact = store.artifacts.add([NewArtifact(type_id=put_type(store, NodeKind.ARTIFACT, "Thing"))])[0]
    topics = f"runs,ledger,models:late,lineage:artifacts/{artifact}"
    with listening(rest.url, topics) as events:
        assert next(events).kind == "open"
        run = start_run(store)
        assert until(events, f"runs/{run.run_id}", "experiment") == "exp"
        store.models.add_version(NewVersion(model="late"), actor="ann")
        told = [next(e for e in events if e.data.get("topic") in {"ledger", "models:late"}) for _ in range(2)]
        step = store.executions.add([NewExecution(type_id=put_type(store, NodeKind.EXECUTION, "Step"))])[0]
        store.links.add_events([Event(artifact_id=artifact, execution_id=step, type=EventType.INPUT)])
        while (down := until(events, f"artifacts/{artifact}", "down")) == 0:
            continue

    assert sorted(event.data["topic"] for event in told) == ["ledger", "models:late"]
    assert told[0].data["changes"][0]["changed"]["action"] == "register"
    assert down == 1


def test_verdicts_and_deployments_are_told_under_their_model(rest: Rest):
    store = rest.store
    for model in ("late", "other"):
        store.models.add_version(NewVersion(model=model), actor="ann")
    with listening(rest.url, "models:late") as events:
        seen = next(events).id
        store.releases.add_verdict(
            NewVerdict(model="other", version=1, gate="model", outcome=Outcome.FAIL, actor="gate")
        )
        verdict = store.releases.add_verdict(
            NewVerdict(model="late", version=1, gate="model", outcome=Outcome.PASS, actor="gate")
        )
        put = store.releases.record_deployment(
            NewDeployment(model="late", version=1, target="eu-1", actor="ann", url="https://eu-1.example")
        )
        told = _told_until(events, f"executions/{put.id}")
    taken = store.releases.record_deployment(
        NewDeployment(model="late", version=None, target="eu-1", actor="ann")
    )
    with listening(rest.url, "models", seen) as again:
        missed = _told_until(again, f"executions/{taken.id}")

    assert told.pop(f"artifacts/{verdict.id}") == {
        "subject": "models/late/1",
        "gate": "model",
        "outcome": "pass",
        "summary": "",
        "baseline": None,
        "time_ms": verdict.time_ms,
    }
    assert told.pop(f"executions/{put.id}") == {
        "subject": "models/late/1",
        "target": "eu-1",
        "actor": "ann",
        "url": "https://eu-1.example",
        "note": "",
        "time_ms": put.time_ms,
    }
    assert {fields["subject"] for fields in told.values()} <= {"models/late/1"}
    assert missed[f"executions/{taken.id}"]["subject"] == "models/late"
    assert missed[f"artifacts/{verdict.id}"]["outcome"] == "pass"
    assert "models/other/1" in {fields["subject"] for fields in missed.values()}


def _told_until(events, ref: str) -> dict:
    """Return all that is told until something is."""
    told: dict = {}
    for event in events:
        told |= {change["ref"]: change["changed"] for change in event.data.get("changes", ())}
        if ref in told:
            return told
    raise AssertionError(f"the stream ended without {ref}")


def test_what_was_missed_is_told_by_any_process_of_the_server(rest: Rest, live: LiveServer, tmp_path: Path):
    run = start_run(rest.store)
    with listening(rest.url, "ledger,runs") as events:
        seen = next(events).id
    rest.store.models.register("late", actor="ann")
    rest.store.runs.update(RunChange(id=run.id, status=RunStatus.FAILED))
    with SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as other:
        backend = Backend(store=other, blobs=open_blobs("memory://"), spool=tmp_path / "spool")
        url = live.mount(create_app(backend))
        with listening(url, "ledger,runs", seen) as events:
            assert until(events, "ledger/1", "subject") == "models/late"
        with listening(url, "ledger,runs", seen) as events:
            assert until(events, f"runs/{run.run_id}", "status") == "failed"
        backend.stopping.set()
        live.unmount(url)


@pytest.mark.parametrize("last_id", ["nonsense", "0-1", "99-{now}"])
def test_who_was_away_too_long_reads_everything_again(rest: Rest, last_id: str):
    last_id = last_id.format(now=time.time_ns() // 1_000_000)
    with listening(rest.url, "runs,ledger", last_id) as events:
        told = [next(events) for _ in range(3)]

    assert [event.kind for event in told] == ["open", "reset", "reset"]
    assert {event.data["topic"] for event in told[1:]} == {"runs", "ledger"}


@pytest.mark.parametrize("topics", ["", "cats", "ledger:x", ",".join(f"models:{n}" for n in range(101))])
def test_what_is_no_topic_is_refused(rest: Rest, topics: str):
    assert rest.fault("GET", "/events", topics=topics)["status"] == 400


def test_a_run_that_is_not_there_cannot_be_listened_to(rest: Rest):
    assert rest.fault("GET", "/events", topics="runs:abcd")["status"] == 404


def test_a_stream_ends_when_the_server_wants_to_stop(rest: Rest):
    with listening(rest.url, "ledger") as events:
        next(events)
        rest.backend.stopping.set()
        assert list(events) == []


def test_what_a_slow_listener_missed_is_merged():
    first = News(changes={"runs/a": {"status": "running", "name": "x"}})
    second = News(changes={"runs/a": {"status": "failed"}, "runs/b": {"status": "running"}})

    assert first.then(second).changes == {
        "runs/a": {"status": "failed", "name": "x"},
        "runs/b": {"status": "running"},
    }
    assert first.then(RESET) == RESET
    assert RESET.then(first) == RESET


def test_of_a_store_that_nobody_listens_to_nothing_is_asked(tmp_path: Path):
    async def listen_for_a_while(store: SqlStore) -> tuple[bool, bool]:
        listeners, topics = Listeners(store), topics_of(store, "ledger")
        watcher = await listeners.watcher()
        with listeners.listening(watcher, topics), listeners.listening(watcher, topics):
            meanwhile = listeners.is_watching
        return meanwhile, listeners.is_watching

    with SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        assert asyncio.run(listen_for_a_while(store)) == (True, False)
