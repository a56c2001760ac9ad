"""Bodies that are small and should cost much: deep, long, endless, or of numbers without end."""

import gzip
import json

import pytest
import zstandard

JSON = {"Content-Type": "application/json"}
DEPTHS = (200, 900, 3000, 100_000)
MIB = 2**20
UNPACKED_BYTES = 1024 * MIB
"""What a bomb of a megabyte makes: many times what a body may have."""


def nested(depth: int, kind: str) -> bytes:
    opening, closing = {"list": ("[", "]"), "object": ('{"a":', "}")}[kind]
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_json_that_is_nested_deeply_is_only_a_bad_request(victim, kind, depth):
    deep = nested(depth, kind)
    for method, where in (
        ("POST", "runs/search"),
        ("POST", "runs/log-batch"),
        ("POST", "runs/log-inputs"),
        ("POST", "experiments/create"),
        ("PATCH", "logged-models/m-1"),
        ("POST", "logged-models/search"),
        ("PATCH", "registered-models/update"),
        ("POST", "webhooks"),
    ):
        for body in (
            deep,
            b'{"run_id":%s}' % deep,
            b'{"run_uuid":"x","metrics":%s}' % deep,
            b'{"experiment_ids":%s,"unknown":%s}' % (deep, deep),
            json.dumps(deep.decode()).encode(),
        ):
            answer = victim.ask(method, f"/api/2.0/mlflow/{where}", content=body, headers=JSON)
            assert answer.status_code in {200, 400, 404}, where


def test_json_with_numbers_names_and_bytes_that_nobody_meant_is_only_a_bad_request(victim):
    digits = b"9" * 5000
    many = b"{%s}" % b",".join(b'"k%d":%d' % (n, n) for n in range(1_000_000))
    for value in (
        digits,
        b"-" + digits,
        b'"' + digits + b'"',
        b"1e400",
        b"-1e400",
        b"NaN",
        b"Infinity",
        b"0." + digits,
    ):
        body = b'{"experiment_ids":["0"],"max_results":%s}' % value
        assert victim.ask("POST", "/api/2.0/mlflow/runs/search", content=body, headers=JSON).status_code in {
            200,
            400,
        }
        body = b'{"run_id":"%s","key":"m","value":%s,"timestamp":%s,"step":%s}' % (
            b"0" * 32,
            value,
            value,
            value,
        )
        answer = victim.ask("POST", "/api/2.0/mlflow/runs/log-metric", content=body, headers=JSON)
        assert answer.status_code in {400, 404}
    for body in (
        b"",
        b"\xff\xfe\x00",
        b"\x00" * 1000,
        b'{"run_id":"\xc3\x28"}',
        b"null",
        b'"' * 1001,
        many,
        b'{%s"run_id":"x"}' % (b'"run_id":"y",' * 100_000),
    ):
        answer = victim.ask("POST", "/api/2.0/mlflow/runs/log-metric", content=body, headers=JSON)
        assert answer.status_code in {400, 404}, body[:50]


def test_a_body_that_is_too_large_is_not_taken(victim):
    before = victim.peak_bytes()
    piece = b"x" * MIB
    for where in ("/api/2.0/mlflow/runs/log-batch", "/api/v1/store/models.get"):
        declared = b"Content-Type: application/json\r\nContent-Length: 100000000000\r\n"
        assert victim.raw(where, "POST", declared) == 413
        try:
            answer = victim.ask("POST", where, content=(piece for _ in range(100)), headers=JSON)
        except OSError:  # it hung up before all of it was sent
            continue
        assert answer.status_code == 413
    assert victim.peak_bytes() - before < 200 * MIB


@pytest.mark.parametrize(
    ("pack", "coding", "status", "most"),
    [
        (gzip.compress, "gzip", 413, 256 * MIB),
        (zstandard.compress, "zstd", 413, 256 * MIB),
        # By a name that it has not, it is not unpacked.
        (gzip.compress, "zstd", 400, 100 * MIB),
        *((gzip.compress, coding, 415, 100 * MIB) for coding in ("deflate", "br", "gzip, gzip")),
    ],
    ids=["gzip", "zstd", "gzip-as-zstd", "deflate", "br", "twice"],
)
def test_a_compressed_body_is_not_blown_up(victim, pack, coding, status, most):
    """It is unpacked up to the limit of every body, and what exceeds it is never held."""
    bomb = pack(b"[" * (16 * MIB)) * (UNPACKED_BYTES // (16 * MIB))
    before = victim.peak_bytes()
    for where in ("/api/2.0/mlflow/runs/search", "/api/v1/store/models.get"):
        answer = victim.ask("POST", where, content=bomb, headers={"Content-Encoding": coding, **JSON})
        assert answer.status_code == status
    assert victim.peak_bytes() - before < most
