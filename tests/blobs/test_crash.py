"""What is left after a process or a machine stops in the middle of a write."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headwater.blobs import folder_blob, open_blobs
from headwater.blobs.digests import key_of
from headwater.errors import UnavailableError

CHILD = """
import itertools, sys
from pathlib import Path
from headwater.blobs import open_blobs

blobs, source = open_blobs(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for i in itertools.count():
    (source / "number").write_text(str(i))
    blobs.put_folder(source)
    for digest in list(blobs.digests()):
        blobs.delete(digest)
"""


def put_until_killed(root: Path, source: Path, after_s: float) -> None:
    """Let another process put and delete a folder in a loop, and kill it in the middle."""
    command = [sys.executable, "-c", CHILD, str(root), str(source)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("seed", range(10))
def test_killed_writer_leaves_no_partial_file_under_a_digest(tmp_path, seed):
    source = tmp_path / "source"
    source.mkdir()
    for i in range(4):
        (source / f"part{i}").write_bytes(os.urandom(3_000_000))

    put_until_killed(tmp_path / "root", source, random.Random(seed).uniform(0, 0.15))

    blobs = open_blobs(str(tmp_path / "root"))
    for digest in blobs.digests():
        if digest.startswith("blake3:"):
            blobs.verify(digest)
    blob = blobs.put_folder(source)
    blobs.verify(blob.digest)
    assert blob == folder_blob(source)


def test_manifest_is_written_last(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"1")
    blobs = open_blobs(str(tmp_path / "root"))

    blob = blobs.put_folder(source)
    written = {p: p.stat().st_mtime_ns for p in (tmp_path / "root").rglob("*") if p.is_file()}

    assert max(written, key=lambda p: written[p]) == tmp_path / "root" / key_of(blob.digest)


def test_writer_that_fails_in_the_middle_leaves_nothing(local, tmp_path):
    def torn():
        yield b"half of"
        raise OSError("the power went")

    with pytest.raises(OSError, match="the power went"):
        local._place.write_chunks(torn())

    assert list(local.digests()) == []
    assert [p for p in (tmp_path / "root").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("kept_bytes", [0, 1, 6])
def test_torn_file_is_replaced_by_the_next_put(local, tmp_path, kept_bytes):
    """A disk that lied about syncing can keep a name without its bytes."""
    blob = local.put_bytes(b"flights")
    stored = tmp_path / "root" / key_of(blob.digest)
    stored.unlink()
    stored.write_bytes(b"flights"[:kept_bytes])
    (tmp_path / "source").write_bytes(b"flights")

    assert local.put_file(tmp_path / "source") == blob
    assert local.read(blob.digest) == b"flights"


def test_old_leftovers_are_swept_and_young_ones_kept(tmp_path):
    leftovers = tmp_path / "root" / "tmp"
    leftovers.mkdir(parents=True)
    for name, age_s in (("old", 2 * 24 * 3600), ("young", 60)):
        (leftovers / name).write_bytes(b"part")
        os.utime(leftovers / name, (time.time() - age_s, time.time() - age_s))

    open_blobs(str(tmp_path / "root")).put_bytes(b"1")

    assert [p.name for p in leftovers.iterdir()] == ["young"]


def test_file_that_changes_while_it_is_stored_has_the_digest_of_what_was_stored(local):
    pieces = iter([b"changed ", b"meanwhile"])

    stored = local._place.write_chunks(pieces)

    assert local.read(stored.digest()) == b"changed meanwhile"


def test_storage_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "root").write_bytes(b"a file, not a folder")

    with pytest.raises(UnavailableError, match="blob store file://"):
        open_blobs(str(tmp_path / "root")).put_bytes(b"1")


def test_hashing_goes_on_in_a_forked_child(local, tmp_path):
    (tmp_path / "data").write_bytes(bytes(20_000_000))
    blob = local.put_file(tmp_path / "data")
    command = (
        "import os, sys; from pathlib import Path; from headwater.blobs import file_blob\n"
        "file_blob(Path(sys.argv[1])); pid = os.fork()\n"
        "if not pid: print(file_blob(Path(sys.argv[1])).digest, flush=True); os._exit(0)\n"
        "os.waitpid(pid, 0)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}

    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path / "data")],
        check=True,
        capture_output=True,
        timeout=60,
        env=env,
    )

    assert done.stdout.decode().strip() == blob.digest


def test_bytes_that_are_put_again_while_they_are_removed_are_there(local, tmp_path):
    digest = local.put_bytes(b"flights").digest
    [path] = (tmp_path / "root").glob("blake3/*/*/*")

    with ThreadPoolExecutor(2) as pool:
        for _ in range(150):
            os.utime(path, (1, 1))
            both = threading.Barrier(2)
            putting = pool.submit(lambda both=both: (both.wait(), local.put_bytes(b"flights")))
            removing = pool.submit(lambda both=both: (both.wait(), local.delete_unless_newer(digest, 2000)))
            putting.result()
            removing.result()

            assert local.read(digest) == b"flights"

    assert not any((tmp_path / "root" / "tmp").iterdir())
