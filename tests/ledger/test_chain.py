"""Tampering of every kind is found, and named."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.ledger import FIRST_HASH, record_hash, verify
from headwater.ledger.chain import MOST_FAULTS, canonical
from headwater.model.ledger import LedgerHead, LedgerRecord

TEXTS = st.text(st.characters(codec=None), max_size=8)


def chain(decisions):
    """A ledger of (actor, reason, details)."""
    records, previous = [], FIRST_HASH
    for seq, (actor, reason, details) in enumerate(decisions, 1):
        record = LedgerRecord(
            seq, seq * 10, actor, "promote", f"models/m/{seq}", reason, canonical(details), previous, ""
        )
        records.append(record._replace(hash=record_hash(record)))
        previous = records[-1].hash
    return records


def numbered(count):
    """A ledger whose entries all differ."""
    return chain([("ann", f"reason {i}", {"to": i}) for i in range(count)])


def head_of(records):
    last = records[-1]
    return LedgerHead(store_id="s", seq=last.seq, hash=last.hash, time_ms=last.time_ms)


def faults(records, head=None):
    return {fault.seq: fault.text for fault in verify(records, head).faults}


LEDGERS = st.lists(
    st.tuples(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS | st.integers() | st.none())), min_size=1, max_size=8
).map(chain)


@given(LEDGERS)
def test_what_was_written_is_intact_and_anybody_can_check_it(records):
    assert verify(records, head_of(records)).is_intact
    for record in records:
        fields = record._asdict() | {"details": json.loads(record.details)}
        del fields["hash"]
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert sha256(text.encode()).hexdigest() == record.hash


@given(LEDGERS, st.data())
def test_one_altered_field_is_found_at_its_entry(records, data):
    place = data.draw(st.integers(0, len(records) - 1))
    name = data.draw(st.sampled_from([n for n in LedgerRecord._fields if n != "seq"]))
    old = getattr(records[place], name)
    new = data.draw((st.integers() if isinstance(old, int) else TEXTS).filter(lambda v: v != old))
    records[place] = records[place]._replace(**{name: new})

    assert place + 1 in faults(records)


@given(LEDGERS, st.data())
def test_missing_entries_are_named(records, data):
    first = data.draw(st.integers(0, len(records) - 1))
    last = data.draw(st.integers(first, len(records) - 1))
    head = head_of(records)

    found = verify(records[:first] + records[last + 1 :], head)

    assert "missing" in found.faults[0].text
    assert found.faults[0].seq == first + 1


@given(LEDGERS, LEDGERS)
def test_added_entries_are_found(records, others):
    added = records + [o._replace(seq=len(records) + o.seq) for o in others]

    assert len(records) + 1 in faults(added)


def test_entries_that_changed_places_are_found_and_told_from_altered_ones():
    records = numbered(6)
    records[1], records[4] = records[4]._replace(seq=2), records[1]._replace(seq=5)

    found = faults(records)

    assert (found[2], found[5]) == ("is entry 5 at another place", "is entry 2 at another place")


def test_entry_that_was_altered_together_with_its_hash_breaks_the_chain_behind_it():
    records = numbered(6)
    forged = records[2]._replace(actor="eve")
    records[2] = forged._replace(hash=record_hash(forged))

    assert faults(records) == {4: "does not follow the entry before it: one of them was written anew"}


def test_ledger_that_was_written_anew_from_an_entry_on_betrays_itself_by_the_kept_head():
    kept, anew = head_of(numbered(6)), chain([("eve", "", {})] * 6)

    assert verify(anew).is_intact
    assert "written anew" in faults(anew, kept)[6]


def test_ledger_that_was_cut_off_betrays_itself_by_the_kept_head():
    records = numbered(6)

    assert verify(records[:4]).is_intact
    assert faults(records[:4], head_of(records)) == {5: "to 6 are missing: the kept head names them"}
    assert faults([], head_of(records[:1])) == {1: "is missing: the kept head names them"}


def test_ledger_may_grow_after_its_head_was_kept():
    records = numbered(6)

    assert verify(records, head_of(records[:3])).is_intact


def test_number_that_stands_twice_is_found():
    records = numbered(3)

    assert 2 in faults([*records[:2], records[1], records[2]])


def test_of_many_faults_the_first_are_told_and_all_are_counted():
    records = [r._replace(actor="eve") for r in numbered(MOST_FAULTS + 5)]

    found = verify(records)

    assert (len(found.faults), found.fault_count, found.is_intact) == (MOST_FAULTS, MOST_FAULTS + 5, False)


@pytest.mark.parametrize("details", ['{"to": 0}', '{"to":0.0}', "nonsense"])
def test_details_that_say_the_same_in_another_way_are_altered(details):
    records = numbered(3)
    records[0] = records[0]._replace(details=details)

    assert "altered" in faults(records)[1]


def test_head_of_a_later_moment_is_no_excuse_for_another_hash():
    records = numbered(3)

    assert 3 in faults(records, replace(head_of(records), hash="f" * 64))
