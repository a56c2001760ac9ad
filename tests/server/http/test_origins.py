"""DNS rebinding, forged requests from other pages, framing and sniffing."""

import pytest

from headwater.server.auth import OpenGuard
from tests.server.http.conftest import client_of, make_app
from tests.server.http.serving import exchange, served

HOSTS = ["hw.example", "port.example:8443"]
ORIGINS = ["https://portal.example/"]


@pytest.fixture(scope="module")
def client():
    with client_of(make_app(OpenGuard(), hosts=HOSTS, origins=ORIGINS)) as opened:
        yield opened


def get(client, host):
    return client.get("/health", headers={"Host": host})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5151",
        "127.0.0.1:5151",
        "127.1.2.3",
        "[::1]:5151",
        "hw.example",
        "HW.example:99",
        "port.example:8443",
    ],
)
def test_known_names_are_answered(client, host):
    assert get(client, host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5151",
        "hw.example.evil.example",
        "nothw.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost/evil",
        "localhost:port",
        "localhost:99999",
        "localhost evil",
        "port.example",
        "port.example:80",
        "0.0.0.0",
        "192.168.0.1",
        "[::1",
        "",
        "*",
    ],
)
def test_other_names_are_refused_so_that_none_can_be_rebound(client, host):
    answer = get(client, host)

    assert (answer.status_code, answer.text) == (403, "Invalid Host header")
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_host_is_said_once():
    with served(make_app(OpenGuard())) as port:
        one, two, none = (
            exchange(port, b"GET /health HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
            for hosts in (b"Host: localhost\r\n", b"Host: localhost\r\nHost: evil.example\r\n", b"")
        )

    assert one.startswith(b"HTTP/1.1 200")
    assert b" 200 " not in two.splitlines()[0]
    assert b" 200 " not in none.splitlines()[0]


def test_any_name_can_be_let_in(connect):
    assert get(connect(make_app(OpenGuard(), hosts=["*"])), "evil.example").status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:5151", "http://localhost:5151"),
        ("localhost", "http://localhost:80"),
        ("localhost:5151", "http://127.0.0.1:3000"),
        ("hw.example", "https://hw.example"),
        ("hw.example", "http://hw.example"),
        ("hw.example:443", "https://hw.example"),
        ("hw.example", "https://portal.example"),
        ("hw.example", "https://PORTAL.example"),
        ("localhost", "https://portal.example"),
    ],
)
def test_known_pages_may_change_something(client, host, origin):
    assert client.post("/write", headers={"Host": host, "Origin": origin}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:5151", "http://evil.example"),
        ("localhost:5151", "http://localhost.evil.example"),
        ("localhost:5151", "null"),
        ("localhost:5151", ""),
        ("localhost:5151", "file://"),
        ("localhost:5151", "http://localhost:port"),
        ("localhost:5151", "http://[::1"),
        ("localhost:5151", "chrome-extension://localhost"),
        ("hw.example", "http://localhost:3000"),
        ("hw.example", "https://hw.example:8443"),
        ("hw.example", "https://hw.example.evil.example"),
        ("hw.example", "https://evil.example/hw.example"),
        ("hw.example", "http://portal.example"),
        ("hw.example", "https://portal.example.evil.example"),
    ],
)
def test_foreign_pages_change_nothing(client, host, origin):
    headers = {"Host": host, "Origin": origin}

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, "/write", headers=headers)
        assert (answer.status_code, answer.text) == (403, "Cross-origin request blocked")
    answer = client.get("/read", headers=headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_second_origin_is_checked_too(client):
    headers = [("Origin", "http://localhost"), ("Origin", "http://evil.example")]

    assert client.post("/write", headers=headers).status_code == 403


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("GET", "/nowhere"), ("POST", "/health")])
def test_every_answer_is_safe_to_show(client, method, path):
    headers = client.request(method, path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["vary"] == "Origin"
