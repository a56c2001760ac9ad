"""What a client sends again when a server does not answer, what it never does, and what it says then."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from functools import partial

import pytest

from headwater.errors import HeadwaterError, NotFoundError, UnavailableError
from headwater.model.graph import NodeKind
from headwater.model.ids import ExecutionId, new_run_id
from headwater.model.models import NewVersion
from headwater.model.runs import NewRun, RunChange
from headwater.model.series import Points, SeriesBatch
from headwater.store.calls import MEDIA_TYPE, calls, pack, unpack
from headwater.store.calls.rights import REPEATABLE
from headwater.store.remote import RemoteStore
from headwater.transport.connection import Connection
from tests.server.http.processes import server_process
from tests.transport.scripted import DROP, Reply, ScriptedServer

TYPE = (f"Content-Type: {MEDIA_TYPE}",)
QUICK = partial(Connection, read_timeout_s=0.5, connect_timeout_s=0.5, tries=3)
PATIENT = partial(Connection, tries=60)
WELCOME = Reply(body=pack(None), headers=TYPE)
"""What a server answers to whoever opens a store on it."""
POINTS = Points.of([(0, 0, 0.5)])


@pytest.fixture
def serve() -> Generator[Callable[..., tuple[ScriptedServer, RemoteStore]]]:
    """Open a store on a server that follows a script."""
    started = []

    def start(*script: Reply) -> tuple[ScriptedServer, RemoteStore]:
        running = ScriptedServer(WELCOME, *script).running()
        server = running.__enter__()
        store = RemoteStore(server.url, environment={}, open_connection=QUICK)
        started.append((running, store))
        return server, store

    yield start
    for running, store in started:
        store.close()
        running.__exit__(None, None, None)


def names(server: ScriptedServer) -> list[str]:
    """The calls that came, without the one that opens a store."""
    return [path.rpartition("/")[2] for _, path, _ in server.requests[1:]]


def test_reads_and_what_can_be_made_again_are_sent_again(serve):
    server, store = serve(DROP, Reply(body=pack([]), headers=TYPE))
    assert store.runs.get([new_run_id()]) == []
    assert names(server) == ["runs.get"] * 2

    server, store = serve(DROP, DROP, Reply(body=pack(None), headers=TYPE))
    batch = SeriesBatch(execution_id=ExecutionId(1), key="a", writer=1, batch=0, points=POINTS)
    store.series.append([batch])
    assert names(server) == ["series.append"] * 3


def test_a_call_that_takes_a_key_gets_one_and_keeps_it_when_it_is_sent_again(serve):
    server, store = serve(DROP, Reply(body=pack([7]), headers=TYPE))

    assert store.artifacts.add([]) == [7]

    first, second = (unpack(body) for _, _, body in server.requests[1:])
    assert first == second
    assert len(first["key"]) == 32


@pytest.mark.parametrize("trouble", [DROP, Reply(delay_s=1.0)], ids=["dropped", "silent"])
def test_what_cannot_be_made_again_is_sent_once_and_nobody_knows_what_became_of_it(serve, trouble):
    server, store = serve(trouble)

    with pytest.raises(UnavailableError, match="may be done or not: look before you ask again"):
        store.runs.update(RunChange(id=ExecutionId(1), name="n"))

    assert names(server) == ["runs.update"]


def test_decisions_are_never_made_twice_by_themselves():
    decisions = {"models.transition", "models.set_alias", "models.rename", "approvals.vote", "models.delete"}

    found = {name: call for name, call in calls().items() if name in decisions}

    assert found.keys() == decisions
    assert not [name for name, call in found.items() if call.is_repeatable or call.has_key]
    assert not REPEATABLE & decisions


def test_a_server_that_falls_silent_is_waited_for_no_longer_than_said(serve):
    _, store = serve(*[Reply(delay_s=3.0)] * 3)
    start = time.monotonic()

    with pytest.raises(UnavailableError, match="did not answer"):
        store.types.all(NodeKind.ARTIFACT)

    # Three tries of half a second and the waits between; not the nine seconds that the server takes.
    assert time.monotonic() - start < 8


def test_who_is_no_headwater_server_is_named(serve):
    _, store = serve(Reply(status=200, body=b"<html>hello</html>", headers=("Content-Type: text/html",)))

    with pytest.raises(UnavailableError, match="answered 200 as no Headwater server does: '<html>hello"):
        store.runs.experiments()


def test_a_stream_that_breaks_off_is_an_error_and_no_end(serve):
    whole = Reply(body=b"\x00\x00", headers=TYPE, length=10_000, hangs_up=True)
    _, store = serve(whole)

    with pytest.raises(HeadwaterError):
        list(store.ledger.records())


def test_a_client_goes_on_after_its_server_started_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with (
        server_process(tmp_path, url) as server,
        RemoteStore(server.url, environment={}, open_connection=PATIENT) as store,
    ):
        run = store.runs.start(NewRun(run_id=new_run_id(), experiment="e"))
        port = int(server.url.rpartition(":")[2])
        assert server.stop() == 0

        # Asked while nobody listens: the answer comes when somebody does.
        found: list[object] = []
        asking = threading.Thread(target=lambda: found.append(store.runs.get([run.run_id])))
        asking.start()
        with server_process(tmp_path, url, port=port):
            asking.join(100)
            made = store.models.add_version(NewVersion(model="m", uri="s3://b/m"), actor="ann")

            assert found == [[run]]
            assert store.models.version("m", 1) == made
            with pytest.raises(NotFoundError):
                store.models.get("other")


def test_nobody_there_is_told_with_the_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    with pytest.raises(UnavailableError, match=f"{url} cannot be reached"):
        RemoteStore(url, environment={}, open_connection=QUICK)
