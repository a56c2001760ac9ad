"""The ledger: every decision, in order, chained by hashes that anybody can recompute."""

from dataclasses import replace

import pytest

from headwater.ledger import FIRST_HASH, record_hash, record_of, verify
from headwater.model.ledger import LedgerEntry
from headwater.model.models import NewVersion
from tests.contract.builders import START_MS, add_versions, move, roll_back

ODD = 'é "quoted" \\ \n \x00 \ud800 😀'


def decide(store):
    """A few decisions of each kind."""
    add_versions(store, number=3)
    for number in (1, 2):
        move(store, number, reason=ODD, evidence={"x": [1.5, None, ODD], "é": {"b": 1, "a": -0.0}})
    roll_back(store)
    store.models.set_alias("m", "champion", 2, actor=ODD, reason="")
    store.models.set_alias("m", "champion", None, actor="ann", reason=ODD)
    return store.ledger.entries()


def test_first_entry_has_every_field(store):
    store.models.add_version(NewVersion(model="m", digest="d", description="why"), actor="ann")

    [entry] = store.ledger.entries()

    assert entry == LedgerEntry(
        seq=1,
        time_ms=START_MS,
        actor="ann",
        action="register",
        subject="models/m/1",
        reason="why",
        details={"digest": "d"},
        previous_hash=FIRST_HASH,
        hash=entry.hash,
    )


def test_every_hash_can_be_recomputed_from_what_is_read(store):
    entries = decide(store)

    assert [record_hash(record_of(entry)) for entry in entries] == [entry.hash for entry in entries]


def test_entries_are_chained_and_numbered_without_gaps(store):
    entries = decide(store)

    assert [e.seq for e in entries] == list(range(1, 9))
    assert [e.previous_hash for e in entries] == [FIRST_HASH, *(e.hash for e in entries[:-1])]


@pytest.mark.parametrize(
    "forged",
    [{"actor": "eve"}, {"time_ms": 0}, {"details": {}}, {"reason": ODD + " "}, {"previous_hash": FIRST_HASH}],
    ids=lambda f: next(iter(f)),
)
def test_forged_entry_no_longer_has_its_hash(store, forged):
    entry = decide(store)[3]

    assert record_hash(record_of(replace(entry, **forged))) != entry.hash


def test_refused_decision_leaves_no_entry_and_no_gap(store):
    decide(store)
    before = store.ledger.entries()

    with pytest.raises(LookupError):
        move(store, 99)
    add_versions(store)

    assert [e.seq for e in store.ledger.entries()] == [*(e.seq for e in before), len(before) + 1]


def test_time_never_steps_back(store, clock):
    add_versions(store)
    clock.tick(-1000)
    add_versions(store)

    assert [e.time_ms for e in store.ledger.entries()] == [START_MS, START_MS]


def test_entries_are_read_in_pages(store):
    entries = decide(store)

    assert store.ledger.entries(limit=3) == entries[:3]
    assert store.ledger.entries(after=3, limit=2) == entries[3:5]
    assert store.ledger.entries(after=len(entries)) == []


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("models/m", {"models/m", "models/m/1", "models/m/10", "models/m/x/1"}),
        ("models/m/1", {"models/m/1"}),
        ("models/m/x", {"models/m/x/1"}),
        ("models/M", {"models/M/1"}),
        ("models/", set()),
        ("models/m%", set()),
        ("models/é", {"models/é/1"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_subject_stands_for_all_that_is_below_it(store, subject, expected):
    add_versions(store, "m", 10)
    for name in ("m/x", "mm", "M", "m-2", "é"):
        add_versions(store, name)
    store.models.set_alias("m", "champion", 2, actor="ann", reason="r")

    found = {e.subject for e in store.ledger.entries(subject=subject)}

    assert found & {*expected} == expected
    assert found <= {*expected} | {f"models/m/{i}" for i in range(2, 10) if subject == "models/m"}


def test_ledger_survives_reopening(store, open_again, backend):
    if backend == "memory":
        pytest.skip("a store in memory is gone when it closes")
    entries = decide(store)

    assert open_again().ledger.entries() == entries


def test_records_are_the_entries_and_lead_to_the_head(store):
    entries = decide(store)
    records = store.ledger.records()

    assert records == [record_of(entry) for entry in entries]
    assert store.ledger.records(after=3, limit=2) == records[3:5]
    head = store.ledger.head()
    assert (head.seq, head.hash, head.time_ms) == (8, records[-1].hash, records[-1].time_ms)
    assert len(head.store_id) == 32
    assert verify(records, head).is_intact


def test_head_of_an_empty_ledger(store):
    head = store.ledger.head()

    assert (head.seq, head.hash) == (0, FIRST_HASH)
    assert verify(store.ledger.records(), head).is_intact


def test_entries_are_chosen_by_action_and_actor_newest_last(store):
    entries = decide(store)

    assert [e.action for e in store.ledger.entries(action="rollback")] == ["rollback"]
    assert [e.seq for e in store.ledger.entries(actor=ODD)] == [e.seq for e in entries if e.actor == ODD]
    assert store.ledger.entries(newest=True, limit=3) == entries[-3:]
    assert store.ledger.entries(action="no such action") == []
