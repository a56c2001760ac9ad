"""Bodies that are too large or too slow."""

import socket
import time

from headwater.server.auth import OpenGuard
from tests.server.http.conftest import make_app
from tests.server.http.serving import exchange, served

HEAD = b"POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_a_body_that_is_too_large_is_refused_by_its_length_and_by_what_comes():
    # A little more than the limit, so that nothing is left unread, which would reset the connection.
    chunk = b"c400\r\n" + b"x" * 0xC400 + b"\r\n"
    with served(make_app(OpenGuard())) as port:
        declared = exchange(port, HEAD + b"Content-Length: 200000\r\n\r\n")
        chunked = exchange(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2)

    assert declared.startswith(b"HTTP/1.1 413")
    assert chunked.startswith(b"HTTP/1.1 413")


def test_a_body_that_stops_coming_is_not_waited_for():
    with served(make_app(OpenGuard(), patience_s=0.2)) as port:
        stalled = exchange(port, HEAD + b"Content-Length: 100\r\n\r\n{")
        after = health_at(port)

    assert stalled.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in stalled.lower()
    assert after == 200


def test_a_body_that_comes_byte_by_byte_is_not_waited_for():
    with served(make_app(OpenGuard(), patience_s=0.3)) as port:
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        sent, answer = 0, b""
        sock.setblocking(False)
        while sent < 1000:
            try:
                answer = sock.recv(100)
                break
            except BlockingIOError:
                pass
            sock.send(b"x")
            sent += 1
            time.sleep(0.05)
        sock.close()

    assert answer.startswith(b"HTTP/1.1 408")
    assert sent < 100


def test_a_body_in_time_is_taken(connect):
    client = connect(make_app(OpenGuard(), patience_s=0.2))

    assert client.post("/plain", json={"subject": "x" * 50_000}).status_code == 200


def health_at(port):
    got = exchange(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return int(got.split(b" ")[1])
