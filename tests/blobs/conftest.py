"""Blob stores to test: one contract over a folder, memory, and S3."""

import uuid
from collections.abc import Callable, Iterator

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from headwater.blobs import FsspecBlobs, open_blobs
from headwater.blobs.remote import RemotePlace


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict[str, object]]:
    """Options that lead s3fs to a server on loopback, started once."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options: dict[str, object] = {
        "key": "test",
        "secret": "test",
        "endpoint_url": f"http://{host}:{port}",
    }
    fsspec.filesystem("s3", **options).mkdir("blobs")
    yield options
    server.stop()


@pytest.fixture(params=["file", "memory", "s3", "renaming"])
def open_again(request, tmp_path) -> Callable[[], FsspecBlobs]:
    """Open one and the same blob store, as often as it is called; each test has its own root."""
    name = uuid.uuid4().hex
    if request.param == "file":
        return lambda: open_blobs((tmp_path / "root").as_uri())
    if request.param == "memory":
        return lambda: open_blobs(f"memory://{name}")
    if (
        request.param == "renaming"
    ):  # as over SFTP: a file shows while it is written, so it is renamed at the end
        place = RemotePlace(fsspec.filesystem("file"), str(tmp_path / "root"), "renaming://root")
        return lambda: FsspecBlobs(place)
    options = request.getfixturevalue("s3_options")
    return lambda: open_blobs(f"s3://blobs/{name}", **options)


@pytest.fixture
def blobs(open_again) -> FsspecBlobs:
    """An empty blob store on each kind of storage."""
    return open_again()


@pytest.fixture
def local(tmp_path) -> FsspecBlobs:
    """An empty blob store in a folder."""
    return open_blobs(str(tmp_path / "root"))
