"""Bytes that took so long to store that somebody removed them as unused before anything named them."""

import os
import time

import pytest

from headwater.blobs import FsspecBlobs, folder_blob, local, storage
from headwater.blobs.digests import bytes_digest, key_of
from headwater.blobs.local import LocalPlace

DAY_S = 24 * 3600
DATA = b"flights"


@pytest.fixture
def slow_disk(tmp_path, monkeypatch):
    """Open a blob store on a disk that takes a day to sync one key: some keys go, and the others grow old."""
    root, sync = tmp_path / "root", local._sync_folder

    def open_disk(slow, removed):
        gone = [*removed]

        def sync_for_a_day(folder):
            sync(folder)
            if (root / slow).exists() and folder == (root / slow).parent:
                for key in [*LocalPlace(root).keys()]:
                    if key in gone:
                        gone.remove(key)
                        (root / key).unlink()
                    else:
                        then_s = (root / key).stat().st_mtime - DAY_S
                        os.utime(root / key, (then_s, then_s))

        monkeypatch.setattr(local, "_sync_folder", sync_for_a_day)
        return FsspecBlobs(LocalPlace(root))

    return open_disk


def are_new(blobs):
    oldest_ms = (time.time() - DAY_S / 2) * 1000
    return [blob.modified_ms > oldest_ms for blob in blobs.stored()]


@pytest.mark.parametrize("removals", [0, 1, 2])
@pytest.mark.parametrize("put", ["put_bytes", "put_file"])
def test_bytes_are_there_and_new_in_the_end(slow_disk, tmp_path, put, removals):
    (tmp_path / "data").write_bytes(DATA)
    key = key_of(bytes_digest(DATA))
    blobs = slow_disk(key, [key] * removals)

    blob = getattr(blobs, put)(DATA if put == "put_bytes" else tmp_path / "data")

    assert blobs.read(blob.digest) == DATA
    assert are_new(blobs) == [True]


@pytest.mark.parametrize("removed", [(), (b"1",), (b"1", b"2")])
def test_all_files_of_a_folder_are_there_and_new_in_the_end(slow_disk, tmp_path, monkeypatch, removed):
    (tmp_path / "source").mkdir()
    for name, data in (("a", b"1"), ("b", b"2")):
        (tmp_path / "source" / name).write_bytes(data)
    expected = folder_blob(tmp_path / "source")
    keys = [key_of(bytes_digest(data)) for data in removed]
    blobs = slow_disk(key_of(expected.digest), keys)
    monkeypatch.setattr(storage, "QUICK_S", 0.0)  # a day passes in no time here

    assert blobs.put_folder(tmp_path / "source") == expected

    blobs.verify(expected.digest)
    assert are_new(blobs) == [True] * 3


def test_a_file_system_that_keeps_its_times_is_written_to_once(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("only root sets times here")

    monkeypatch.setattr(os, "utime", refuse)
    blobs = FsspecBlobs(LocalPlace(tmp_path / "root"))

    assert blobs.read(blobs.put_bytes(DATA).digest) == DATA
    assert not [*(tmp_path / "root" / "tmp").iterdir()]
