import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from headwater.errors import CorruptError, InvalidError, NotFoundError
from headwater.tracking import log_dataset

ROWS = [{"carrier": "UA", "late": 1.5}, {"carrier": "ü", "late": None}]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_frame_is_recorded_with_its_facts_and_loads_back(session, make):
    frame = make(ROWS)

    found = log_dataset(session, "flights/train", frame, source="unit test", anomalies=[{"path": "late"}])

    assert (found.name, found.version, found.ref) == ("flights/train", 1, "data/flights/train/1")
    assert (found.row_count, found.kind) == (2, "frame")
    assert [column["name"] for column in found.schema or ()] == ["carrier", "late"]
    facts = found.data_version.properties
    assert (facts["format"], facts["source"], facts["anomalies"]) == (
        "parquet",
        "unit test",
        [{"path": "late"}],
    )
    assert found.load(make.__module__.partition(".")[0]).equals(frame)
    assert (found.data_version.size_bytes or 0) > 0


def test_the_same_content_is_the_same_version(session):
    first = log_dataset(session, "a", pd.DataFrame(ROWS))
    again = log_dataset(session, "a", pd.DataFrame(ROWS))
    changed = log_dataset(session, "a", pd.DataFrame(ROWS[:1]))
    other = log_dataset(session, "b", pd.DataFrame(ROWS))

    assert first == again
    assert (changed.version, other.version) == (2, 1)
    assert len({first.artifact_id, changed.artifact_id, other.artifact_id}) == 3


def test_an_array_loads_back(session):
    array = np.arange(6, dtype=np.int16).reshape(2, 3)

    found = log_dataset(session, "a", array)

    assert found.kind == "array"
    np.testing.assert_array_equal(found.load(), array)
    assert found.load().dtype == np.int16


def test_a_file_is_stored_and_survives_its_removal(session, tmp_path):
    path = tmp_path / "data dir" / "flights.csv"
    path.parent.mkdir()
    path.write_text("a,b\n1,2\n")
    found = log_dataset(session, "raw", str(path))

    assert found.load() == path
    path.unlink()
    assert found.load().read_text() == "a,b\n1,2\n"
    assert found.load().name == "flights.csv"
    assert (found.kind, found.data_version.properties["format"]) == ("file", "csv")
    assert found.stored_digest == found.digest


def test_copies_of_a_file_are_one_until_somebody_changes_it(session, tmp_path):
    file = tmp_path / "codes.txt"
    file.write_text("UA United\n")
    data = log_dataset(session, "codes", file)
    file.unlink()

    with ThreadPoolExecutor(4) as pool:
        copies = list(pool.map(lambda _: data.load(), range(8)))
    assert {copy.read_text() for copy in copies} == {"UA United\n"}
    assert data.load() == data.load()

    data.load().write_text("changed")
    assert data.load().read_text() == "UA United\n"


def test_copies_go_when_the_process_ends_and_not_with_a_forked_child(tmp_path):
    program = """
import os, sys
from pathlib import Path
from headwater.tracking.data_copies import copy_of

def fetch(path):
    path.write_text("data")
    return path

copy = copy_of("sha256:0", "data.txt", fetch)
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
print(copy.exists(), copy)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    is_there, path = said.split()
    assert is_there == "True"
    assert not Path(path).parent.parent.exists()


def test_a_file_that_is_not_stored_is_noticed_when_it_changes(session, tmp_path):
    path = tmp_path / "flights.csv"
    path.write_text("a")
    found = log_dataset(session, "raw", path, store_bytes=False)

    assert found.stored_digest is None
    path.write_text("b")
    with pytest.raises(CorruptError, match="has changed since data/raw/1"):
        found.load()
    path.unlink()
    with pytest.raises(NotFoundError):
        found.load()


def test_bytes_can_be_stored_later(session, tmp_path):
    before = log_dataset(session, "a", ROWS, store_bytes=False)
    after = log_dataset(session, "a", ROWS)

    assert before.stored_digest is None
    assert after.stored_digest is not None
    assert after.version == before.version == 1
    assert after.load("polars").to_dicts() == ROWS


def test_a_folder_is_one_version(session, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "1.csv").write_text("a")

    found = log_dataset(session, "parts", folder)

    target = found.fetch(tmp_path / "copy")
    assert (found.kind, (target / "1.csv").read_text()) == ("folder", "a")


def test_data_elsewhere_are_known_by_uri_and_fingerprint(session):
    found = log_dataset(session, "lake", "lakefs://repo/main/t", fingerprint="c0ffee")
    again = log_dataset(session, "lake", "lakefs://repo/main/t", fingerprint="c0ffee")
    later = log_dataset(session, "lake", "lakefs://repo/main/t", fingerprint="beef")

    assert (found.version, again.version, later.version) == (1, 1, 2)
    assert found.load() == "lakefs://repo/main/t"
    assert (found.kind, found.schema, found.row_count) == ("uri", None, None)
    with pytest.raises(InvalidError, match="stays where it is"):
        log_dataset(session, "lake", "lakefs://repo/x", fingerprint="1", store_bytes=True)


def test_a_description_can_be_given_and_changed(session):
    log_dataset(session, "a", ROWS, description="first")
    log_dataset(session, "a", ROWS, description="second")
    log_dataset(session, "a", ROWS)

    assert [d.description for d in session.store.data.all()] == ["second"]


def test_a_handle_is_its_own_version(session):
    found = log_dataset(session, "a", ROWS)

    assert log_dataset(session, "ignored", found) is found


def test_an_unknown_library_is_refused(session):
    found = log_dataset(session, "a", ROWS)

    with pytest.raises(InvalidError, match="pandas, polars, pyarrow"):
        found.load("excel")


@pytest.mark.parametrize("name", ["", " a", "x" * 251, "a\n"], ids=repr)
def test_a_malformed_name_is_refused(session, name):
    with pytest.raises(InvalidError):
        log_dataset(session, name, ROWS)

    assert session.store.data.all() == []
