"""Uploads in parts: taken up after a break, refused where they do not fit, given up after a day."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from tests.server.http.rest import Rest

WHOLE = bytes(range(256)) * 40
DAY_S = 24 * 3600


@pytest.fixture
def uploads(rest: Rest) -> Path:
    """The folder of unfinished uploads, in which nothing is."""
    rest.backend.spool.mkdir(exist_ok=True)
    for left in rest.backend.spool.iterdir():
        left.unlink()
    return rest.backend.spool


def start(rest: Rest) -> str:
    made = rest.ask("POST", "/uploads")
    assert (made.status, made.json["size_bytes"]) == (201, 0)
    return made.json["id"]


def add(rest: Rest, upload: str, offset: object, data: bytes):
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
    return rest.ask("PATCH", f"/uploads/{upload}", data, headers=headers)


def finish(rest: Rest, upload: str, digest: str):
    return rest.ask("PUT", f"/blobs/{digest}", upload=upload)


def digest_of(rest: Rest, data: bytes) -> str:
    digest = rest.backend.blobs.put_bytes(data).digest
    rest.backend.blobs.delete(digest)
    return digest


def test_parts_become_the_bytes_that_were_promised(rest: Rest, uploads: Path):
    digest, upload = digest_of(rest, WHOLE), start(rest)

    for first in range(0, len(WHOLE), 3000):
        sent = add(rest, upload, first, WHOLE[first : first + 3000])
        assert sent.json == {"id": upload, "size_bytes": min(first + 3000, len(WHOLE))}
    done = finish(rest, upload, digest)

    assert done.json == {"digest": digest, "size_bytes": len(WHOLE)}
    assert rest.ask("GET", f"/blobs/{digest}").body == WHOLE
    assert list(uploads.iterdir()) == []


def test_an_upload_goes_on_where_it_stands_and_nowhere_else(rest: Rest, uploads: Path):
    upload = start(rest)
    add(rest, upload, 0, WHOLE[:10])

    for wrong in (0, 9, 11, -1, "", "ten"):
        fault = add(rest, upload, wrong, b"x")
        assert (fault.status, fault.json["code"]) == (409, "conflict"), wrong
        assert "send Upload-Offset: 10" in fault.json["message"]

    assert rest.ask("GET", f"/uploads/{upload}").json == {"id": upload, "size_bytes": 10}


def test_one_request_at_a_time_adds_to_an_upload(rest: Rest, uploads: Path):
    upload = start(rest)
    half_way, may_go_on = threading.Event(), threading.Event()

    def slowly():
        yield b"first"
        half_way.set()
        assert may_go_on.wait(10)
        yield b"second"

    def send():
        url = f"{rest.url}/api/v1/uploads/{upload}"
        with httpx.Client() as client:
            return client.patch(url, content=slowly(), headers={"Upload-Offset": "0"}).json()

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(send)
        assert half_way.wait(10)
        until = time.monotonic() + 10
        while (uploads / upload).stat().st_size < 5 and time.monotonic() < until:
            time.sleep(0.01)
        refused = add(rest, upload, 5, b"other")
        may_go_on.set()

        assert (refused.status, refused.json["code"]) == (409, "conflict")
        assert "another request adds to this upload" in refused.json["message"]
        assert sent.result() == {"id": upload, "size_bytes": 11}
    assert (uploads / upload).read_bytes() == b"firstsecond"


def test_other_bytes_than_promised_are_refused_and_gone(rest: Rest, uploads: Path):
    digest, upload = digest_of(rest, WHOLE), start(rest)
    add(rest, upload, 0, WHOLE[:-1])

    refused = finish(rest, upload, digest)

    assert (refused.status, refused.json["code"]) == (400, "invalid")
    assert f"not {digest}: send them again" in refused.json["message"]
    assert rest.ask("GET", f"/blobs/{digest}").status == 404
    assert rest.ask("GET", f"/uploads/{upload}").status == 404
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize("upload", ["0" * 32, "..", "%2e%2e%2fstore.db", "A" * 32, "0" * 31])
def test_an_upload_that_nobody_began_is_not_found(rest: Rest, uploads: Path, upload: str):
    assert add(rest, upload, 0, b"x").status == 404
    assert rest.ask("GET", f"/uploads/{upload}").status == 404
    assert list(uploads.iterdir()) == []


def test_an_upload_can_be_given_up(rest: Rest, uploads: Path):
    upload = start(rest)
    add(rest, upload, 0, b"some")

    assert rest.ask("DELETE", f"/uploads/{upload}").json == {"removed": True}
    assert rest.ask("DELETE", f"/uploads/{upload}").json == {"removed": False}
    assert add(rest, upload, 4, b"more").status == 404


def test_what_nobody_adds_to_for_a_day_is_given_up(rest: Rest, uploads: Path):
    old, young = start(rest), start(rest)
    for upload, age_s in ((old, DAY_S + 60), (young, DAY_S - 60)):
        then = time.time() - age_s
        os.utime(uploads / upload, (then, then))

    # Whoever begins one looks after the others.
    start(rest)

    assert [rest.ask("GET", f"/uploads/{each}").status for each in (old, young)] == [404, 200]


def test_uploads_may_be_larger_than_other_requests(rest: Rest, live, tmp_path):
    app = create_app(
        Backend(store=rest.store, blobs=rest.backend.blobs, spool=tmp_path / "spool"), max_body_bytes=1000
    )
    url = live.mount(app)
    small = Rest(url, app, rest.store, rest.backend)
    digest = digest_of(rest, WHOLE)

    assert small.ask("POST", "/runs", [{"experiment": "x" * 2000}]).status == 413
    sent = small.ask("PUT", f"/blobs/{digest}", WHOLE, headers={"Content-Type": "application/octet-stream"})
    upload = start(small)

    assert sent.status == 200
    assert add(small, upload, 0, WHOLE).json["size_bytes"] == len(WHOLE)
    app.state.mlflow.close()
    live.unmount(url)
