import gzip
import json
import zlib

import pytest
import zstandard

from tests.server.http.rest import Rest

PACKED = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
NEW = [{"kind": "artifact", "name": "Table", "description": "d" * 5000}]


def packed_bomb(coding: str, size: int) -> bytes:
    """Pack many zeros; of the packed bytes there are few."""
    if coding == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    else:
        packer = zstandard.ZstdCompressor(level=3).compressobj()
    pieces = [packer.compress(b" " * 2**20) for _ in range(size // 2**20)]
    return b"".join([*pieces, packer.flush()])


@pytest.mark.parametrize("coding", PACKED)
def test_a_packed_body_is_read(rest: Rest, coding: str):
    body = PACKED[coding](json.dumps(NEW).encode())
    answer = rest.ask("POST", "/types", body, headers={"Content-Encoding": coding})

    assert answer.status == 201
    assert rest.get(f"/types/{answer.json['ids'][0]}")["description"] == "d" * 5000


@pytest.mark.parametrize("coding", PACKED)
def test_several_packed_pieces_are_one_body(rest: Rest, coding: str):
    text = json.dumps(NEW).encode()
    body = PACKED[coding](text[:100]) + PACKED[coding](text[100:])

    assert rest.ask("POST", "/types", body, headers={"Content-Encoding": coding}).status == 201


@pytest.mark.parametrize("coding", PACKED)
def test_a_body_that_explodes_is_refused(rest: Rest, coding: str):
    body = packed_bomb(coding, 128 * 2**20)
    assert len(body) < 2**20

    fault = rest.fault("POST", "/types", body, headers={"Content-Encoding": coding})

    assert (fault["status"], fault["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (b"not packed", "gzip", 400),
        (b"not packed", "zstd", 400),
        (gzip.compress(b"[]" * 1000)[:-9], "gzip", 400),
        (zstandard.ZstdCompressor().compress(b"[]" * 1000)[:-3], "zstd", 400),
        (b"[]", "br", 415),
        (gzip.compress(gzip.compress(b"[]")), "gzip, gzip", 415),
    ],
    # What gzip writes has the time in it.
    ids=["plain-gzip", "plain-zstd", "cut-gzip", "cut-zstd", "unknown", "packed-twice"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(rest: Rest, body: bytes, coding: str, status: int):
    assert rest.fault("POST", "/types", body, headers={"Content-Encoding": coding})["status"] == status


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("zstd;q=0, gzip;q=0.5", "gzip"),
        ("br", None),
        ("gzip;q=0", None),
    ],
)
def test_an_answer_is_packed_as_the_client_accepts(rest: Rest, accepted: str, coding: str | None):
    rest.post("/types", NEW, 201)

    plain = rest.ask("GET", "/types")
    answer = rest.ask("GET", "/types", headers={"Accept-Encoding": accepted})

    assert answer.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in answer.headers["Vary"]
    # Of the two the client unpacks gzip by itself.
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress if coding == "zstd" else bytes
    assert json.loads(unpacked(answer.body)) == plain.json


def test_a_packed_answer_has_a_weak_tag_that_is_understood(rest: Rest):
    [node] = rest.post("/types", NEW, 201)["ids"]
    accepts = {"Accept-Encoding": "gzip"}
    seen = rest.ask("GET", f"/types/{node}", headers=accepts).etag

    assert seen == f"W/{rest.ask('GET', f'/types/{node}').etag}"
    assert rest.ask("GET", f"/types/{node}", headers={**accepts, "If-None-Match": seen}).status == 304


def test_short_answers_and_bytes_in_ranges_stay_as_they_are(rest: Rest):
    digest = rest.backend.blobs.put_bytes(b"x" * 10_000).digest
    headers = {"Accept-Encoding": "gzip"}

    assert "Content-Encoding" not in rest.ask("GET", "/ledger/head", headers=headers).headers
    assert "Content-Encoding" not in rest.ask("GET", f"/blobs/{digest}", headers=headers).headers
