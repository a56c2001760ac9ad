import io
import os
import socket
import threading

import pytest

from headwater.errors import UnavailableError
from headwater.transport.address import Address
from headwater.transport.connection import Connection
from tests.transport.scripted import DROP, Reply, ScriptedServer

BUSY = Reply(status=503, body=b"later", headers=("Retry-After: 0",))


@pytest.fixture
def serve():
    """Start a server that follows a script; it ends with the test."""
    started = []

    def start(*script: Reply) -> ScriptedServer:
        running = ScriptedServer(*script).running()
        started.append(running)
        return running.__enter__()

    yield start
    for running in started:
        running.__exit__(None, None, None)


def connect(server: ScriptedServer | str, **options) -> Connection:
    url = server if isinstance(server, str) else server.url
    return Connection(Address.of(url, {}), **{"read_timeout_s": 5.0, "tries": 3, **options})


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_a_connection_is_kept(serve):
    server = serve()
    connection = connect(server)

    answers = [connection.ask("POST", "/x", body=b"%d" % i) for i in range(3)]

    assert [answer.body for answer in answers] == [b"done"] * 3
    assert server.requests == [("POST", "/x", b"0"), ("POST", "/x", b"1"), ("POST", "/x", b"2")]
    assert len(set(server.clients)) == 1


def test_an_error_status_is_an_answer_like_any_other(serve):
    connection = connect(serve(Reply(status=404, body=b"gone", headers=("X-Reason: age",))))

    answer = connection.ask("GET", "/x", is_repeatable=True)

    assert (answer.status, answer.body, answer.headers["x-reason"]) == (404, b"gone", "age")


@pytest.mark.parametrize("trouble", [DROP, BUSY, Reply(delay_s=0.6)], ids=["dropped", "busy", "silent"])
def test_what_is_repeatable_is_sent_again(serve, trouble):
    server = serve(trouble, trouble)

    answer = connect(server, read_timeout_s=0.3).ask("POST", "/x", body=b"same", is_repeatable=True)

    assert (answer.status, answer.body) == (200, b"done")
    assert server.requests == [("POST", "/x", b"same")] * 3


@pytest.mark.parametrize("trouble", [DROP, Reply(delay_s=0.6)], ids=["dropped", "silent"])
def test_what_is_not_repeatable_is_sent_once_and_may_be_done(serve, trouble):
    server = serve(trouble)

    with pytest.raises(UnavailableError, match="may be done or not: look before you ask again"):
        connect(server, read_timeout_s=0.3).ask("POST", "/x", body=b"once")

    assert server.requests == [("POST", "/x", b"once")]


def test_a_busy_server_is_not_asked_again_for_what_may_not_be_repeated(serve):
    server = serve(BUSY)

    assert connect(server).ask("POST", "/x").status == 503
    assert len(server.requests) == 1


def test_tries_end(serve):
    server = serve(*[DROP] * 9)

    with pytest.raises(UnavailableError, match="did not answer") as caught:
        connect(server).ask("POST", "/x", is_repeatable=True)

    assert "may be done" not in str(caught.value)
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_has_the_last_word(serve):
    server = serve(*[BUSY] * 9)

    answer = connect(server).ask("GET", "/x", is_repeatable=True)

    assert (answer.status, answer.body, len(server.requests)) == (503, b"later", 3)


def test_a_file_is_sent_once_because_it_is_read_already(serve):
    server = serve(DROP)

    with pytest.raises(UnavailableError, match="may be done or not"):
        connect(server).ask("PUT", "/x", body=io.BytesIO(b"all of it"), is_repeatable=True)

    assert len(server.requests) == 1


def test_a_kept_connection_that_the_server_closed_is_opened_anew(serve):
    server = serve(Reply(headers=("Connection: keep-alive",), hangs_up=True))
    connection = connect(server)

    assert connection.ask("GET", "/1").status == 200
    assert connection.ask("GET", "/2", is_repeatable=True).status == 200
    assert len(set(server.clients)) == 2


def test_nobody_there_is_an_error_with_the_address():
    port = closed_port()

    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port} cannot be reached") as caught:
        connect(f"http://127.0.0.1:{port}").ask("POST", "/x")

    # Nothing was sent, so nothing can be done.
    assert "may be done" not in str(caught.value)


def test_a_request_waits_for_a_server_that_is_just_starting():
    port = closed_port()
    ready = threading.Event()

    def start() -> None:
        ready.wait(5)
        with socket.create_server(("127.0.0.1", port)) as late:
            client, _ = late.accept()
            with client:
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    threading.Timer(0.1, ready.set).start()

    answer = connect(f"http://127.0.0.1:{port}", tries=6).ask("POST", "/x", body=b"not repeatable")

    assert answer.body == b"ok"
    thread.join(5)


def test_an_answer_that_breaks_off_is_an_error(serve):
    server = serve(Reply(body=b"half", length=8, hangs_up=True))

    with pytest.raises(UnavailableError, match="fell silent"), connect(server).stream("GET", "/x") as (_, it):
        list(it)


def test_a_streamed_error_has_its_body(serve):
    with connect(serve(Reply(status=404, body=b"why"))).stream("GET", "/x") as (answer, _):
        assert (answer.status, answer.body) == (404, b"why")


def test_redirects_are_not_followed(serve):
    other = serve()
    server = serve(Reply(status=302, headers=(f"Location: {other.url}/stolen",)))

    assert connect(server).ask("GET", "/x", is_repeatable=True).status == 302
    assert other.requests == []


def test_threads_share_one_connection_object(serve):
    server = serve()
    connection = connect(server)

    def ask() -> None:
        for _ in range(20):
            assert connection.ask("POST", "/x", body=b"y" * 100).status == 200

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert server.requests == [("POST", "/x", b"y" * 100)] * 160
    assert len(set(server.clients)) <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_talks_on_a_connection_of_its_own(serve):
    server = serve()
    connection = connect(server)
    connection.ask("GET", "/parent")

    child = os.fork()
    if child == 0:
        status = connection.ask("GET", "/child", is_repeatable=True).status
        os._exit(0 if status == 200 else 1)
    _, code = os.waitpid(child, 0)
    connection.ask("GET", "/parent-again")

    assert code == 0
    assert [path for _, path, _ in server.requests] == ["/parent", "/child", "/parent-again"]
    assert server.clients[0] == server.clients[2] != server.clients[1]
