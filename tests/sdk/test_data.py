"""Data versions through `hw.dataset`."""

import pytest

import headwater as hw
from headwater.errors import InvalidError, NotFoundError

ROWS = [{"carrier": "UA", "late": 1, "delay": 12.5}, {"carrier": "AA", "late": 0, "delay": None}]

pytestmark = pytest.mark.usefixtures("connected")


def test_rows_are_data():
    data = hw.dataset("flights/train", ROWS, description="January", anomalies={"delay": "1 missing"})

    assert (data.ref, data.row_count, data.kind) == ("data/flights/train/1", 2, "frame")
    assert data.schema is not None
    assert [column["name"] for column in data.schema] == ["carrier", "late", "delay"]
    assert data.data_version.properties["anomalies"] == {"delay": "1 missing"}


def test_rows_come_back():
    data = hw.dataset("flights/train", ROWS)

    frame = data.load("polars")

    assert frame.to_dicts() == ROWS


def test_the_same_content_gives_the_same_version():
    first, other = hw.dataset("flights/train", ROWS), hw.dataset("flights/train", ROWS[:1])

    assert hw.dataset("flights/train", [dict(row) for row in ROWS]).ref == first.ref
    assert other.ref == "data/flights/train/2"


def test_the_same_content_under_another_name_is_another_data_set():
    assert hw.dataset("b", ROWS).digest == hw.dataset("a", ROWS).digest
    assert hw.dataset("b", ROWS).ref == "data/b/1"


def test_a_version_is_passed_through():
    data = hw.dataset("flights/train", ROWS)

    assert hw.dataset("flights/train", data) is data


def test_files_and_folders_are_data(project):
    (project / "in").mkdir()
    (project / "in" / "flights.csv").write_text("carrier,late\nUA,1\n")

    file, folder = (
        hw.dataset("file", project / "in" / "flights.csv"),
        hw.dataset("folder", str(project / "in")),
    )

    assert (file.kind, folder.kind) == ("file", "folder")
    assert file.load().read_text() == "carrier,late\nUA,1\n"
    assert (folder.fetch(project / "out") / "flights.csv").exists()


def test_what_stays_elsewhere_is_named_by_its_fingerprint():
    data = hw.dataset("lake", "lakefs://repo/main/flights", fingerprint="commit 1a2b")

    assert (data.kind, data.load()) == ("uri", "lakefs://repo/main/flights")
    assert hw.dataset("lake", "lakefs://repo/main/flights", fingerprint="commit 1a2b").ref == data.ref
    assert hw.dataset("lake", "lakefs://repo/main/flights", fingerprint="commit 3c4d").version == 2


def test_what_is_no_data_is_refused():
    with pytest.raises(InvalidError):
        hw.dataset("flights", object())
    with pytest.raises(NotFoundError):
        hw.dataset("flights", "no/such/file.csv")
    with pytest.raises(InvalidError, match="data set name"):
        hw.dataset("", ROWS)
