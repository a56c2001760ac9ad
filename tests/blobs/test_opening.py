"""Which URLs open which storage."""

import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from headwater.blobs import describe_uri, hide_password, open_blobs
from headwater.errors import InvalidError, NotFoundError, UnavailableError


def run_python(code: str) -> str:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env
    ).stdout


@pytest.mark.parametrize("as_url", [str, Path.as_uri, os.path.relpath], ids=["plain", "url", "relative"])
def test_one_folder_by_any_spelling(tmp_path, monkeypatch, as_url):
    monkeypatch.chdir(tmp_path)
    digest = open_blobs(str(tmp_path / "a b%20ü")).put_bytes(b"1").digest

    found = open_blobs(as_url(tmp_path / "a b%20ü"))

    assert found.has(digest)
    assert found.url == (tmp_path / "a b%20ü").as_uri()


def test_memory_is_apart_by_root():
    one, other, nameless, private = map(
        open_blobs, ["memory://one-root", "memory://other-root", "memory://", "memory://"]
    )

    digest = one.put_bytes(b"1").digest
    nameless.put_bytes(b"2")

    assert open_blobs("memory://one-root").has(digest)
    assert [b.has(digest) for b in (other, nameless, private)] == [False] * 3
    assert list(private.digests()) == []


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "simplecache::s3://bucket/x"])
def test_unknown_url_is_invalid(url):
    with pytest.raises(InvalidError):
        open_blobs(url)


def test_missing_driver_is_named_with_its_extra():
    code = (
        "import sys; sys.modules['gcsfs'] = None\n"
        "from headwater.blobs import open_blobs\n"
        "from headwater.errors import MissingDependencyError\n"
        "try: open_blobs('gs://bucket/x')\n"
        "except MissingDependencyError as exc: print(exc)"
    )

    assert run_python(code).strip() == "a gs:// URL needs gcsfs: pip install 'headwater[gcs]'"


def test_import_headwater_loads_no_storage_library():
    code = "import sys, headwater; print(*{'fsspec', 'blake3', 'numpy'} & set(sys.modules))"

    assert run_python(code).strip() == ""


@pytest.mark.parametrize(
    "options", [{"endpoint_url": "http://127.0.0.1:9"}, {}], ids=["no-server", "no-bucket"]
)
def test_storage_out_of_reach_is_unavailable(s3_options, options):
    retries = {"config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 1}}
    blobs = open_blobs("s3://no-such-bucket/x", **(s3_options | options | retries))

    with pytest.raises(UnavailableError, match="blob store s3://no-such-bucket/x"):
        blobs.put_bytes(b"1")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@db/flights", "postgresql://ann@db/flights"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("sftp://ann@host/x", "sftp://ann@host/x"),
    ],
)
def test_passwords_are_hidden(url, shown):
    assert hide_password(url) == shown


def test_uri_state_follows_the_content(s3_options):
    files = fsspec.filesystem("s3", **s3_options)
    files.pipe_file("blobs/uris/data", b"one")

    first, again = (describe_uri("s3://blobs/uris/data", s3_options) for _ in range(2))
    files.pipe_file("blobs/uris/data", b"two")

    assert first == again
    assert first is not None
    assert first.size_bytes == 3
    assert describe_uri("s3://blobs/uris/data", s3_options) != first
    with pytest.raises(NotFoundError):
        describe_uri("s3://blobs/uris/absent", s3_options)
    assert describe_uri("postgresql://db/flights") is None
