"""Files, folders and URIs have fingerprints too, and what has bytes can be written."""

from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.blobs import open_blobs
from headwater.errors import InvalidError, NotFoundError
from headwater.fingerprints import fingerprint

TABLE = {"hour": [5, 6, 7], "delay": [2.5, -0.0, 1e30], "carrier": ["UA", None, "ünïcode ✈"]}


def digest(data, **options) -> str:
    return fingerprint(data, **options).digest


def test_file_and_folder_have_the_digests_of_the_blob_store(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.csv").write_bytes(b"a\n1\n")
    blobs = open_blobs("memory://")

    file = fingerprint(tmp_path / "folder" / "a.csv")
    folder = fingerprint(str(tmp_path / "folder"))

    assert (file.kind, file.digest) == ("file", blobs.put_file(tmp_path / "folder" / "a.csv").digest)
    assert (folder.kind, folder.digest) == ("folder", blobs.put_folder(tmp_path / "folder").digest)
    assert file.size_bytes == folder.size_bytes == 4
    assert file.write(tmp_path) == tmp_path / "folder" / "a.csv"
    assert fingerprint((tmp_path / "folder").as_uri()) == folder


def test_absent_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        fingerprint(tmp_path / "absent.csv")


def test_uri_is_identified_by_itself_and_its_state():
    uri = "postgresql://ann:secret@db/flights"

    found = fingerprint(uri, fingerprint="v1")

    assert (found.kind, found.uri) == ("uri", "postgresql://ann@db/flights")
    assert found.digest == digest("postgresql://ann:changed@db/flights", fingerprint="v1")
    assert len({found.digest, digest(uri, fingerprint="v2"), digest(uri + "2", fingerprint="v1")}) == 3
    with pytest.raises(InvalidError, match="stays where it is"):
        found.write(Path())


@pytest.mark.parametrize("uri", ["postgresql://ann:secret@db/flights", "nosuch://x"])
def test_uri_whose_state_nobody_tells_needs_a_fingerprint(uri):
    with pytest.raises(InvalidError, match="pass fingerprint=") as caught:
        fingerprint(uri)
    assert "secret" not in str(caught.value)


def test_fingerprint_is_only_for_uris(tmp_path):
    with pytest.raises(InvalidError, match="for URIs"):
        fingerprint(tmp_path, fingerprint="v1")


def test_state_of_a_uri_is_asked_of_its_storage():
    files = fsspec.filesystem("memory")
    files.pipe_file("/fingerprints/data", b"one")

    first = fingerprint("memory://fingerprints/data")
    again = fingerprint("memory://fingerprints/data")
    files.pipe_file("/fingerprints/data", b"other")

    assert first == again
    assert first.size_bytes == 3
    assert digest("memory://fingerprints/data") != first.digest
    with pytest.raises(NotFoundError):
        fingerprint("memory://fingerprints/absent")


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_frame_is_written_as_parquet_and_comes_back(tmp_path, make):
    found = fingerprint(make(TABLE))

    path = found.write(tmp_path)

    assert path == tmp_path / "data.parquet"
    assert digest(pq.read_table(path)) == found.digest


def test_other_data_are_written_without_pickle(tmp_path):
    array = np.arange(6).reshape(2, 3)

    assert np.array_equal(np.load(fingerprint(array).write(tmp_path)), array)
    assert fingerprint([{"a": "ü"}]).write(tmp_path).read_text("utf-8") == '{"a": "ü"}\n'
    assert fingerprint(pd.DataFrame({"a": [1, "x"]})).write(tmp_path).name == "data.csv"
    with pytest.raises(InvalidError, match="without pickle"):
        fingerprint(np.array([{}], object)).write(tmp_path)
