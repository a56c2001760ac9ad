"""Bytes that are no proper HTTP, or mean one thing to a proxy and another to us; and bodies that trickle."""

import socket
import time

import pytest

from headwater.server.auth import OpenGuard
from tests.server.http.conftest import make_app
from tests.server.http.serving import exchange, served

COMMON = b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"POST /api/2.0/mlflow/experiments/create" + COMMON
HIDDEN = SMUGGLED + b"Content-Length: 19\r\n\r\n" + b'{"name":"smuggled"}'
HEAD = b"POST /api/2.0/mlflow/runs/search" + COMMON
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: 2, 200\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: 0x2\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: -1\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}" + HIDDEN,
        HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
        HEAD + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length : 4\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + CHUNKED + b'\r\n2;ext="\r\n{}\r\nzz\r\n' + HIDDEN,
        HEAD + CHUNKED + b"\r\nffffffffffffffff1\r\n{}\r\n0\r\n\r\n" + HIDDEN,
        HEAD + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
        HEAD + b"X-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
        HEAD + b"X A: b\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
        HEAD + b": b\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
        b"GET /health HTTP/1.1 \r\nHost: localhost\r\n\r\n" + HIDDEN,
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n" + HIDDEN,
        b"GET /he\0alth HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
        b"GE\0T /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0" * 100,
    ],
)
def test_a_request_that_could_be_read_in_two_ways_hides_no_other(victim, request_bytes):
    rows = victim.rows()
    answer = victim.exchange(request_bytes)

    victim.check(int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0, answer)
    assert b"experiment_id" not in answer
    assert victim.rows() == rows


def test_headers_without_end_are_not_kept(victim):
    before = victim.peak_bytes()
    for lines in (
        b"X-A: " + b"y" * 2_000_000 + b"\r\n",
        b"X-A: y\r\n" * 200_000,
        b"Cookie: " + b"a=b; " * 200_000 + b"\r\n",
    ):
        try:
            assert victim.raw("/health", headers=lines) in {0, 200, 400, 431}
        except OSError:  # it hung up before all of them were sent
            continue
    assert victim.peak_bytes() - before < 100 * 2**20


def test_what_a_request_id_holds_comes_into_no_log_and_no_answer(victim):
    for said in (b"a\tb", b"x" * 100, b'","forged":"1', b"<script>", b"\xff\xfe"):
        answer = victim.exchange(
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-ID: %s\r\n\r\n" % said
        )
        assert said not in answer


def test_who_stops_in_the_middle_holds_up_nobody(victim):
    """Half a request on many connections; how long each may take: `tests/server/http/test_limits.py`."""
    stalled = []
    for beginning in (
        b"",
        b"GET /hea",
        HEAD,
        HEAD + b"Content-Length: 1000\r\n\r\n{",
        HEAD + CHUNKED + b"\r\n10\r\n{",
    ):
        for _ in range(30):
            sock = socket.create_connection(("127.0.0.1", victim.port), timeout=10)
            sock.sendall(beginning)
            stalled.append(sock)
    try:
        for _ in range(3):
            assert victim.mlflow("experiments/search", max_results=1).status_code == 200
    finally:
        for sock in stalled:
            sock.close()


def test_a_body_that_trickles_is_given_up():
    with served(make_app(OpenGuard(), patience_s=0.3)) as port:
        began = time.monotonic()
        answer = exchange(
            port, b"POST /plain HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + b"\r\n1\r\nx\r\n1\r\ny\r\n"
        )

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 20
