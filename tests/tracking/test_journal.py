import logging

import pytest

from headwater.errors import UnavailableError
from headwater.model.series import Points
from headwater.tracking.journal import Journal
from headwater.tracking.journal_files import REFUSED, writers
from headwater.tracking.journal_lock import JournalLock
from headwater.tracking.records import Checkpoint, Header, PointsRecord, Seal, SeriesRecord, point_frame
from headwater.tracking.settings import TrackingSettings

SMALL = TrackingSettings(journal_bytes=4096, segment_bytes=256)


@pytest.fixture
def journal(tmp_path):
    made = Journal.create(tmp_path, "memory://", SMALL)
    made.rotate(1, [SeriesRecord(1, 1, "loss")])
    return made


def point(step=0):
    return point_frame(1, step, 0, 0.5)


def fill(journal):
    while True:
        journal.append(point())


def adopt(folder, journal):
    adopted = Journal.adopt(folder, journal.writer, SMALL)
    assert adopted is not None
    return adopted


def steps(journal):
    return [s for r in journal.records() for s in getattr(getattr(r, "points", None), "steps", [])]


def test_a_living_journal_is_not_adopted(journal, tmp_path):
    journal.append(point())

    assert Journal.adopt(tmp_path, journal.writer, SMALL) is None


def test_a_journal_that_was_left_is_adopted_with_all_records(journal, tmp_path):
    journal.append(point(3))
    journal.append(point(4))
    journal.seal(1)
    journal.close(keep=True)

    adopted = adopt(tmp_path, journal)

    assert steps(adopted) == [3, 4]
    assert (adopted.last_batch, adopted.acknowledged) == (1, 0)


def test_an_adopted_journal_goes_on_where_it_ended(journal, tmp_path):
    journal.append(point(3))
    journal.close(keep=True)
    adopted = adopt(tmp_path, journal)
    adopted.seal(adopted.last_batch + 1)
    adopted.checkpoint(1)
    adopted.close(keep=True)

    again = adopt(tmp_path, journal)

    assert [r for r in again.records() if isinstance(r, Seal | Checkpoint)] == [Seal(1), Checkpoint(1)]
    assert (again.last_batch, again.acknowledged) == (1, 1)


def test_a_torn_last_record_is_cut_without_a_word(journal, tmp_path, caplog):
    journal.append(point(3))
    journal.append(point(4)[:-1])
    journal.close(keep=True)

    adopted = adopt(tmp_path, journal)

    assert steps(adopted) == [3]
    assert not caplog.records
    assert not (tmp_path / REFUSED).exists()


def test_damage_in_the_middle_is_reported_and_the_file_kept(journal, tmp_path, caplog):
    journal.append(point(3))
    journal.append(point(4))
    journal.close(keep=True)
    path = next(tmp_path.glob("*.log"))
    data = bytearray(path.read_bytes())
    data[-len(point()) - 5] ^= 0xFF
    path.write_bytes(data)

    adopted = adopt(tmp_path, journal)

    assert steps(adopted) == []
    assert "is damaged after byte" in caplog.text
    assert (tmp_path / REFUSED / path.name).read_bytes() == data


def test_a_file_without_a_whole_header_is_removed(journal, tmp_path):
    journal.close(keep=True)
    path = next(tmp_path.glob("*.log"))
    path.write_bytes(path.read_bytes()[:5])

    assert Journal.adopt(tmp_path, journal.writer, SMALL) is None
    assert list(tmp_path.iterdir()) == []


def test_files_that_the_store_has_are_deleted(journal, tmp_path):
    for batch in range(1, 6):
        for _ in range(10):
            journal.append(point(batch))
        journal.seal(batch)
        if journal.wants_rotation:
            journal.rotate(batch + 1, [SeriesRecord(1, 1, "loss")])
    before = len(list(tmp_path.glob("*.log")))

    journal.checkpoint(3)

    assert before == 6
    assert steps(journal) == [4] * 10 + [5] * 10
    assert journal.size_bytes == sum(path.stat().st_size for path in tmp_path.glob("*.log"))


def test_a_full_journal_refuses_with_one_warning(journal, caplog):
    caplog.set_level(logging.WARNING)
    with pytest.raises(UnavailableError, match="HEADWATER_JOURNAL_MAX_MB"):
        fill(journal)
    with pytest.raises(UnavailableError):
        journal.append(point())

    assert len(caplog.records) == 1
    assert journal.size_bytes <= SMALL.journal_bytes


def test_a_full_journal_can_still_be_sealed_and_acknowledged(journal):
    with pytest.raises(UnavailableError):
        fill(journal)
    journal.seal(1)
    journal.rotate(2, [])

    journal.checkpoint(1)
    journal.append(point())

    assert steps(journal) == [0]


def test_a_batch_is_read_back_from_its_place(journal):
    journal.append(point(1))
    journal.seal(1)
    journal.append(point(2))

    place = journal.seal(2)

    assert journal.read(place) == [PointsRecord(1, Points.of([(2, 0, 0.5)])), Seal(2)]


def test_a_journal_that_the_store_has_leaves_nothing(journal, tmp_path):
    journal.append(point())

    journal.close(keep=False)

    assert list(tmp_path.iterdir()) == []


def test_writers_are_found_by_their_files(journal, tmp_path):
    (tmp_path / "notes.txt").touch()

    assert writers(tmp_path) == [journal.writer]
    assert writers(tmp_path / "missing") == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match="no journal can be kept"):
        Journal.create(tmp_path / "file" / "below", "memory://", SMALL)


def test_a_lock_is_held_once(tmp_path):
    first = JournalLock.take(tmp_path / "x.lock")

    assert first is not None
    assert JournalLock.take(tmp_path / "x.lock") is None
    first.release()
    assert JournalLock.take(tmp_path / "x.lock") is not None


def test_the_header_names_the_store(journal):
    header = next(r for r in journal.records() if isinstance(r, Header))

    assert (header.store, header.first_batch, header.segment) == ("memory://", 1, 1)
