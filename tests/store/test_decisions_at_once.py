"""Sixteen threads and four processes promote, roll back and approve at once, and the rules hold."""

from concurrent.futures import ThreadPoolExecutor

from headwater.model.models import ARCHIVED, PRODUCTION, NewVersion
from headwater.model.process_files import process_from
from headwater.store.sql.store import SqlStore
from tests.store import children
from tests.store.children import VERSIONS
from tests.store.test_writers import Watch

THREADS = 16
POLICY = {"production": {"approvals": 1, "separates_duty": True, "approvers": ["lead"]}}


def replayed(entries):
    """The stage of each version, the open requests and the votes on them, by the ledger alone."""
    stages, votes = {}, {}
    for entry in entries:
        number = entry.subject.rpartition("/")[2]
        if not number.isdigit():
            continue
        subject, given = int(number), entry.details
        match entry.action:
            case "register":
                stages[subject] = "none"
            case "promote" | "rollback":
                assert stages[subject] == given["from"], entry
                holders = [n for n, stage in stages.items() if stage == PRODUCTION]
                if given["to"] == PRODUCTION:
                    assert holders == ([given["replaced"]] if given["replaced"] else []), entry
                    stages |= dict.fromkeys(holders, ARCHIVED)
                    granted = votes.pop(subject, None)
                    # Let in before there was a policy, or by an approval that stood then, or restored.
                    assert entry.seq <= VERSIONS + 1 or entry.action == "rollback" or granted, entry
                stages[subject] = given["to"]
            case "request":
                assert subject not in votes, entry
                votes[subject] = set()
            case "approve":
                votes[subject].add(entry.actor)
            case "take-back":
                votes[subject].remove(entry.actor)
            case other:
                raise AssertionError(other)
    return stages, votes


def prepared(store):
    """Versions under a policy, the first one in production."""
    ids = [store.models.add_version(NewVersion(model="m"), actor="ann").id for _ in range(VERSIONS)]
    children.move(store, 1, PRODUCTION)
    store.releases.set_process(process_from({"policies": POLICY}), actor="boss", reason="rules")
    return ids


def check(store, ids, watch):
    entries = store.ledger.entries(limit=100_000)
    stages, votes = replayed(entries)
    assert watch.faults == []
    assert {v.version: v.stage for v in store.models.by_artifact_ids(ids)} == stages
    found = store.approvals.requests()
    assert {r.version: {vote.actor for vote in r.votes} for r in found} == votes
    assert {e.action for e in entries} >= {"promote", "rollback", "request", "approve"}


def watched(store, ids):
    def look():
        holders = [v.version for v in store.models.by_artifact_ids(ids) if v.stage == PRODUCTION]
        return None if len(holders) == 1 else holders

    return Watch(look)


def test_threads_decide_at_once_in_memory():
    with SqlStore("memory://") as store:
        ids = prepared(store)
        with watched(store, ids) as watch, ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda n: children.decide(store, n), range(THREADS)))
        check(store, ids, watch)


def test_threads_and_processes_decide_at_once(sql_url):
    with SqlStore(sql_url) as store:
        ids = prepared(store)
        with watched(store, ids) as watch, children.start("decide", sql_url) as others:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(lambda n: children.decide(store, n), range(THREADS)))
            assert others.communicate(timeout=100) == ("", "")
        check(store, ids, watch)
