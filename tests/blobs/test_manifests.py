"""A manifest is never trusted, and a folder is stored only when it can come back everywhere."""

import json
import os

import pytest

from headwater.blobs import open_blobs
from headwater.blobs.digests import key_of
from headwater.blobs.manifests import manifest_digest
from headwater.errors import CorruptError, InvalidError, NotFoundError

FILE = "blake3:" + "0" * 64


def put_manifest(blobs, value: object) -> str:
    """Store a manifest as an attacker would, under its true digest."""
    data = json.dumps(value).encode()
    blobs._place.write(key_of(manifest_digest(data)), data)
    return manifest_digest(data)


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "//host/evil",
        "C:/evil",
        "C:evil",
        "..\\evil",
        "a\\..\\..\\evil",
        "\\\\host\\share\\evil",
        "a//evil",
        "./evil",
        "a/.",
        "..",
        ".",
        "",
        "evil\0.txt",
        "\ud800",
    ],
)
def test_path_that_would_leave_the_target_is_refused(tmp_path, path):
    blobs = open_blobs("memory://")
    blob = blobs.put_bytes(b"evil")
    entry = {"path": path, "digest": blob.digest, "size": 4}
    digest = put_manifest(blobs, {"files": [entry], "version": 1})

    for ask in (blobs.manifest, blobs.verify, lambda d: blobs.fetch(d, tmp_path / "a" / "b")):
        with pytest.raises(CorruptError):
            ask(digest)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        None,
        {"version": 1},
        {"files": [], "version": 2},
        {"files": [{}], "version": 1},
        {"files": [{"path": 1, "digest": FILE, "size": 1}], "version": 1},
        {"files": [{"path": "a", "digest": "../../x", "size": 1}], "version": 1},
        {"files": [{"path": "a", "digest": FILE, "size": -1}], "version": 1},
        {"files": [{"path": "a", "digest": FILE.replace("blake3", "blake3-tree"), "size": 1}], "version": 1},
        {"files": [{"path": "a", "digest": FILE, "size": 1}] * 2, "version": 1},
        {
            "files": [
                {"path": "a", "digest": FILE, "size": 1},
                {"path": "a/b", "digest": FILE, "size": 1},
            ],
            "version": 1,
        },
    ],
    ids=repr,
)
def test_what_is_no_manifest_is_refused(value):
    blobs = open_blobs("memory://")
    digest = put_manifest(blobs, value)

    with pytest.raises(CorruptError):
        blobs.manifest(digest)


def test_manifest_with_a_wrong_size_is_refused(tmp_path):
    blobs = open_blobs("memory://")
    blob = blobs.put_bytes(b"1234")
    entry = {"path": "a", "digest": blob.digest, "size": 3}
    digest = put_manifest(blobs, {"files": [entry], "version": 1})

    assert not blobs.has(digest)
    for ask in (blobs.verify, lambda d: blobs.fetch(d, tmp_path / "copy")):
        with pytest.raises(CorruptError, match="4 bytes; its manifest says 3"):
            ask(digest)


def test_links_inside_the_folder_are_followed(local, tmp_path):
    source = tmp_path / "source"
    (source / "real").mkdir(parents=True)
    (source / "real" / "file").write_bytes(b"1")
    (source / "to_file").symlink_to("real/file")
    (source / "to_folder").symlink_to("real")

    paths = [entry.path for entry in local.manifest(local.put_folder(source).digest)]

    assert paths == ["real/file", "to_file", "to_folder/file"]


def test_folder_given_by_a_link_is_stored(local, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("source")

    assert local.put_folder(tmp_path / "link") == local.put_folder(tmp_path / "source")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/etc/hostname", "outside the folder"),
        ("../secret", "outside the folder"),
        ("../source2/near", "outside the folder"),
        ("nowhere", "broken link"),
        ("link", "broken link"),
        (".", "a folder that it is in"),
        ("../source", "a folder that it is in"),
    ],
)
def test_link_that_leaves_the_folder_or_leads_nowhere_is_refused(local, tmp_path, target, message):
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "source2").mkdir()
    (tmp_path / "source2" / "near").write_bytes(b"secret")
    (source / "link").symlink_to(target)

    with pytest.raises(InvalidError, match=message):
        local.put_folder(source)
    assert list(local.digests()) == []


def test_circle_of_links_is_refused(local, tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / "link").symlink_to(f"../{other}")

    with pytest.raises(InvalidError, match="a folder that it is in"):
        local.put_folder(tmp_path / "source")


@pytest.mark.parametrize("name", ["a\\b", "C:x", "\udcff"])
def test_name_that_not_every_system_can_write_is_refused(local, tmp_path, name):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).write_bytes(b"1")

    with pytest.raises(InvalidError, match="rename the file"):
        local.put_folder(tmp_path / "source")


def test_named_pipe_is_refused(local, tmp_path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")

    with pytest.raises(InvalidError, match="neither a file nor a folder"):
        local.put_folder(tmp_path / "source")
    with pytest.raises(InvalidError, match="is not a file"):
        local.put_file(tmp_path / "source" / "pipe")


def test_file_and_folder_are_not_mistaken_for_each_other(local, tmp_path):
    (tmp_path / "file").write_bytes(b"1")

    with pytest.raises(InvalidError, match="is not a folder"):
        local.put_folder(tmp_path / "file")
    with pytest.raises(InvalidError, match="is not a file"):
        local.put_file(tmp_path)


def test_absent_source_is_not_found(local, tmp_path):
    for put in (local.put_file, local.put_folder):
        with pytest.raises(NotFoundError):
            put(tmp_path / "absent")
