"""What every blob store does, wherever its bytes lie."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from headwater.blobs import file_blob, folder_blob, open_blobs, storage
from headwater.blobs.digests import key_of
from headwater.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from headwater.model.blobs import Blob, ManifestEntry

ABSENT = "blake3:" + "0" * 64
ABSENT_FOLDER = "blake3-tree:" + "0" * 64


def write_files(folder: Path, **contents: bytes) -> Path:
    """Write files; two underscores in a name part folders."""
    folder.mkdir(exist_ok=True)
    for name, data in contents.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def files_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def damage(blobs, digest: str, data: bytes) -> None:
    """Put other bytes where those of `digest` lie, as a failing disk would."""
    blobs.delete(digest)
    blobs._place.write(key_of(digest), data)


def test_digest_is_blake3_of_the_bytes(blobs):
    blob = blobs.put_bytes(b"flights")

    assert blob == Blob(digest="blake3:" + blake3(b"flights").hexdigest(), size_bytes=7)
    assert blobs.read(blob.digest) == b"flights"


def test_file_and_bytes_have_one_digest(blobs, tmp_path):
    path = tmp_path / "données ✈.csv"
    path.write_bytes(b"a,b\n1,2\n")

    assert blobs.put_file(path) == blobs.put_bytes(b"a,b\n1,2\n") == file_blob(path)
    assert len(list(blobs.digests())) == 1


@pytest.mark.parametrize("size_bytes", [0, 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1])
def test_any_size_comes_back_whole(blobs, tmp_path, size_bytes):
    (tmp_path / "data").write_bytes(bytes(i % 251 for i in range(1000)) * (size_bytes // 1000 + 1))
    with (tmp_path / "data").open("rb+") as file:
        file.truncate(size_bytes)

    blob = blobs.put_file(tmp_path / "data")

    assert blob.size_bytes == size_bytes
    assert blobs.has(blob.digest)
    assert blobs.fetch(blob.digest, tmp_path / "copy").read_bytes() == (tmp_path / "data").read_bytes()


@pytest.mark.slow
def test_a_large_file_comes_back_whole(blobs, tmp_path):
    with (tmp_path / "data").open("wb") as file:
        for i in range(100):
            file.write(i.to_bytes() * 1_000_003)

    blob = blobs.put_file(tmp_path / "data")

    assert blob.size_bytes == 100_000_300
    blobs.verify(blob.digest)
    assert file_blob(blobs.fetch(blob.digest, tmp_path / "copy")) == blob


def test_open_reads_from_any_place(blobs):
    blob = blobs.put_bytes(b"0123456789")

    with blobs.open(blob.digest) as first, blobs.open(blob.digest) as second:
        first.seek(5)

        assert (first.read(2), second.read(2)) == (b"56", b"01")


def test_another_opening_sees_the_same_bytes(open_again):
    blob = open_again().put_bytes(b"flights")

    assert open_again().read(blob.digest) == b"flights"


def test_folder_comes_back_whole(blobs, tmp_path):
    source = write_files(tmp_path / "source", a=b"1", b__c=b"2", b__d__empty=b"")
    (source / "b" / "ünïcode ✈").write_bytes(b"2")

    blob = blobs.put_folder(source)

    assert blob.is_folder
    assert blob == folder_blob(source)
    assert blob.size_bytes == 3
    assert blobs.has(blob.digest)
    assert files_below(blobs.fetch(blob.digest, tmp_path / "copy")) == files_below(source)


def test_folder_can_be_fetched_into_an_empty_one_far_below(blobs, tmp_path):
    blob = blobs.put_folder(write_files(tmp_path / "source", a=b"1"))
    (tmp_path / "empty").mkdir()

    assert files_below(blobs.fetch(blob.digest, tmp_path / "empty")) == {"a": b"1"}
    assert files_below(blobs.fetch(blob.digest, tmp_path / "x" / "y")) == {"a": b"1"}


def test_manifest_is_ordered_by_path(blobs, tmp_path):
    source = write_files(tmp_path / "source", b=b"22", a__z=b"", Z=b"1")

    blob = blobs.put_folder(source)

    digests = {data: blobs.put_bytes(data).digest for data in (b"22", b"", b"1")}
    assert blobs.manifest(blob.digest) == [
        ManifestEntry(path="Z", digest=digests[b"1"], size_bytes=1),
        ManifestEntry(path="a/z", digest=digests[b""], size_bytes=0),
        ManifestEntry(path="b", digest=digests[b"22"], size_bytes=2),
    ]


def test_manifest_of_a_file_is_itself(blobs):
    blob = blobs.put_bytes(b"1")

    assert blobs.manifest(blob.digest) == [ManifestEntry(path="", digest=blob.digest, size_bytes=1)]


def test_empty_folder_is_a_folder(blobs, tmp_path):
    source = write_files(tmp_path / "source")
    (source / "nothing" / "here").mkdir(parents=True)

    blob = blobs.put_folder(source)

    assert blob.size_bytes == 0
    assert blobs.manifest(blob.digest) == []
    assert list(blobs.fetch(blob.digest, tmp_path / "copy").iterdir()) == []


def test_digests_lists_files_and_folders(blobs, tmp_path):
    assert list(blobs.digests()) == []

    folder = blobs.put_folder(write_files(tmp_path / "source", a=b"1", b=b"1"))
    file = blobs.put_bytes(b"1")

    assert sorted(blobs.digests()) == sorted([folder.digest, file.digest])


def test_delete_removes_one_digest(blobs, tmp_path):
    folder = blobs.put_folder(write_files(tmp_path / "source", a=b"1"))
    file = blobs.put_bytes(b"1")

    blobs.delete(file.digest)
    blobs.delete(file.digest)

    assert list(blobs.digests()) == [folder.digest]
    assert not blobs.has(folder.digest)
    with pytest.raises(CorruptError, match="'a' of a stored folder is missing"):
        blobs.verify(folder.digest)


@pytest.mark.parametrize("digest", [ABSENT, ABSENT_FOLDER], ids=["file", "folder"])
def test_what_is_not_there_is_not_found(blobs, tmp_path, digest):
    assert not blobs.has(digest)
    for ask in (blobs.verify, blobs.manifest, lambda d: blobs.fetch(d, tmp_path / "copy")):
        with pytest.raises(NotFoundError):
            ask(digest)
    assert list(tmp_path.glob("*copy*")) == []


def test_absent_file_cannot_be_read(blobs):
    for ask in (blobs.read, blobs.open):
        with pytest.raises(NotFoundError):
            ask(ABSENT)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "blake3",
        "blake3:",
        "blake3:../../../etc/passwd",
        "blake3:" + "0" * 63,
        "blake3:" + "0" * 64 + "\n",
        "blake3:" + "A" * 64,
        "blake3:" + "٠" * 64,
        "sha256:" + "0" * 64,
        "BLAKE3:" + "0" * 64,
    ],
    ids=repr,
)
def test_malformed_digest_never_becomes_a_path(blobs, tmp_path, digest):
    asks = (
        blobs.read,
        blobs.open,
        blobs.has,
        blobs.verify,
        blobs.manifest,
        blobs.delete,
        lambda d: blobs.fetch(d, tmp_path / "copy"),
    )
    for ask in asks:
        with pytest.raises(InvalidError, match="is not a digest"):
            ask(digest)


def test_folder_cannot_be_read_as_a_file(blobs, tmp_path):
    blob = blobs.put_folder(write_files(tmp_path / "source", a=b"1"))

    for ask in (blobs.read, blobs.open):
        with pytest.raises(InvalidError, match="is a folder"):
            ask(blob.digest)


@pytest.mark.parametrize("bad", [b"flightz", b"flight", b""], ids=["changed", "short", "empty"])
def test_damaged_file_is_never_handed_out(blobs, tmp_path, bad):
    blob = blobs.put_bytes(b"flights")
    damage(blobs, blob.digest, bad)
    (tmp_path / "copy").write_bytes(b"old")

    for ask in (blobs.read, blobs.verify, lambda d: blobs.fetch(d, tmp_path / "copy")):
        with pytest.raises(CorruptError):
            ask(blob.digest)
    assert files_below(tmp_path)["copy"] == b"old"
    assert not list(tmp_path.glob(".headwater-*"))


def test_folder_with_a_damaged_file_is_fetched_not_at_all(blobs, tmp_path):
    blob = blobs.put_folder(write_files(tmp_path / "source", a=b"1", b=b"2", c=b"3"))
    damage(blobs, blobs.put_bytes(b"2").digest, b"X")

    for ask in (blobs.verify, lambda d: blobs.fetch(d, tmp_path / "copy")):
        with pytest.raises(CorruptError):
            ask(blob.digest)
    assert not (tmp_path / "copy").exists()
    assert not list(tmp_path.glob(".headwater-*"))


def test_damaged_manifest_is_refused(blobs, tmp_path):
    blob = blobs.put_folder(write_files(tmp_path / "source", a=b"1"))
    damage(blobs, blob.digest, b'{"files":[],"version":1}')

    for ask in (blobs.manifest, blobs.has, blobs.verify, lambda d: blobs.fetch(d, tmp_path / "copy")):
        with pytest.raises(CorruptError):
            ask(blob.digest)


def test_put_again_mends_a_file_of_the_wrong_size(blobs):
    blob = blobs.put_bytes(b"flights")
    damage(blobs, blob.digest, b"fli")

    blobs.put_bytes(b"flights")

    assert blobs.read(blob.digest) == b"flights"


def test_fetch_never_writes_over_a_folder_in_use(blobs, tmp_path):
    folder = blobs.put_folder(write_files(tmp_path / "source", a=b"1"))
    file = blobs.put_bytes(b"1")
    write_files(tmp_path / "target", mine=b"precious")

    for digest in (folder.digest, file.digest):
        with pytest.raises(ConflictError):
            blobs.fetch(digest, tmp_path / "target")
    assert files_below(tmp_path / "target") == {"mine": b"precious"}


def test_many_threads_may_put_and_read_the_same(blobs, tmp_path):
    source = write_files(tmp_path / "source", **{f"f{i}": b"%d" % (i % 5) for i in range(20)})
    found: list[bytes] = []

    def work() -> None:
        digest = blobs.put_folder(source).digest
        blobs.verify(digest)
        found.append(blobs.read(blobs.manifest(digest)[0].digest))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [b"0"] * 8
    assert len(list(blobs.digests())) == 6


def test_what_is_stored_is_listed_with_size_and_age(blobs):
    before_ms = time.time() * 1000
    digests = {blobs.put_bytes(data).digest: len(data) for data in (b"a", b"flights")}

    stored = {blob.digest: blob for blob in blobs.stored()}

    assert {digest: blob.size_bytes for digest, blob in stored.items()} == digests
    # Object stores know whole seconds, and have a clock of their own.
    assert all(abs(blob.modified_ms - before_ms) < 60_000 for blob in stored.values())


def test_only_what_is_old_enough_is_deleted(blobs):
    digest = blobs.put_bytes(b"flights").digest
    now_ms = int(time.time() * 1000)

    assert not blobs.delete_unless_newer(digest, now_ms - 60_000)
    assert blobs.read(digest) == b"flights"
    assert blobs.delete_unless_newer(digest, now_ms + 60_000)
    assert not blobs.has(digest)
    assert not blobs.delete_unless_newer(digest, now_ms + 60_000)


def test_files_that_were_removed_before_their_folder_was_whole_are_put_again(blobs, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "QUICK_S", 0.0)  # as if storing had taken long
    source = write_files(tmp_path / "source", a=b"1", b=b"2", c=b"3")
    write, gone = blobs._place.write, [blobs.put_bytes(data).digest for data in (b"1", b"2")]

    def write_while_others_remove(key, data):
        write(key, data)
        while gone:
            blobs.delete(gone.pop())

    monkeypatch.setattr(blobs._place, "write", write_while_others_remove)
    blob = blobs.put_folder(source)

    assert gone == []
    assert blob == folder_blob(source)
    blobs.verify(blob.digest)


def test_bytes_are_taken_from_another_store(blobs, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    source = open_blobs(str(tmp_path / "source"))
    folder = source.put_folder(tmp_path / "folder").digest
    [entry] = source.manifest(folder)

    blobs.take(folder, source)
    assert not blobs.has(folder)
    blobs.take(entry.digest, source)

    blobs.verify(folder)
    with pytest.raises(NotFoundError):
        blobs.take(f"blake3:{'0' * 64}", source)


def test_altered_bytes_are_not_taken(blobs, tmp_path):
    source = open_blobs(str(tmp_path / "source"))
    digest = source.put_bytes(b"flights").digest
    [path] = (tmp_path / "source").glob("blake3/*/*/*")
    path.chmod(0o644)
    path.write_bytes(b"altered")

    with pytest.raises(CorruptError):
        blobs.take(digest, source)

    assert not blobs.has(digest)


def test_a_manifest_of_stored_files_is_the_folder_that_has_them(blobs, tmp_path):
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    for path, data in (("a", b"one"), ("sub/b", b"two")):
        (tmp_path / "folder" / path).write_bytes(data)
    stored = {"a": blobs.put_bytes(b"one"), "sub/b": blobs.put_bytes(b"two")}
    entries = [
        ManifestEntry(path=path, digest=blob.digest, size_bytes=blob.size_bytes)
        for path, blob in stored.items()
    ]

    made = blobs.put_manifest(entries[::-1])

    assert made == blobs.put_folder(tmp_path / "folder")
    assert blobs.manifest(made.digest) == entries
    for paths in (("a", "a"), ("a", "a/b"), ("../a",), ("/a",), ("",)):
        with pytest.raises(InvalidError):
            blobs.put_manifest([replace(entries[0], path=path) for path in paths])
