"""Two servers on one database: every call succeeds or is told to try again, and nothing is there twice."""

from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.errors import ABORTED, ALREADY_EXISTS, OK, StatusError
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from tests.server.grpc.processes import served

CLIENTS, ROUNDS = 8, 3

Clients = list[mlmd.MetadataStore]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    """Clients of two server processes in turn; none tries again by itself."""
    folder = tmp_path_factory.mktemp("races")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{folder / 'store.db'}"
        else:
            server = request.getfixturevalue(f"{request.param}_server")
            url = stack.enter_context(server.fresh())
        logs = [folder / "one.log", folder / "two.log"]
        ports = [stack.enter_context(served(url, log)) for log in logs]
        yield [stack.enter_context(connect(ports[i % 2])) for i in range(CLIENTS)]
    assert [log.read_text() for log in logs] == ["", ""]


def connect(port: int) -> mlmd.MetadataStore:
    store = mlmd.MetadataStore(
        pb.MetadataStoreClientConfig(host="127.0.0.1", port=port, client_timeout_sec=60)
    )
    store._max_num_retries = 1
    return store


def race(clients: Clients, call: Callable[[mlmd.MetadataStore, int], Any]) -> tuple[Counter[int], list[Any]]:
    """Let all clients call at once; gives the status codes and what succeeded."""
    barrier = Barrier(len(clients))

    def run(number: int) -> tuple[int, Any]:
        barrier.wait(timeout=60)
        try:
            return OK, call(clients[number], number)
        except StatusError as error:
            return error.error_code, error.message

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(run, range(len(clients))))
    failed = [answer for answer in answers if answer[0] not in {OK, ABORTED, ALREADY_EXISTS}]
    assert failed == []
    return Counter(code for code, _ in answers), [result for code, result in answers if code == OK]


def types_of(store: mlmd.MetadataStore) -> tuple[int, int, int]:
    return (
        store.put_artifact_type(pb.ArtifactType(name="Race", properties={"n": pb.INT})),
        store.put_execution_type(pb.ExecutionType(name="Race")),
        store.put_context_type(pb.ContextType(name="Race")),
    )


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_type_is_made_once(clients: Clients, number: int):
    wanted = pb.ArtifactType(name=f"New {number}", properties={"n": pb.INT})

    codes, ids = race(clients, lambda store, _: store.put_artifact_type(wanted))

    assert codes.keys() <= {OK, ABORTED}
    assert len(set(ids)) == 1
    assert [t.id for t in clients[0].get_artifact_types() if t.name == wanted.name] == ids[:1]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_type_grows_by_what_each_adds(clients: Clients, number: int):
    name = f"Grown {number}"
    clients[0].put_context_type(pb.ContextType(name=name))

    def grow(store: mlmd.MetadataStore, own: int) -> int:
        return store.put_context_type(pb.ContextType(name=name, properties={f"p{own}": pb.INT}), True, True)

    codes, ids = race(clients, grow)

    assert codes.keys() <= {OK, ABORTED}
    assert len(set(ids)) == 1
    assert len(clients[1].get_context_type(name).properties) == codes[OK]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_context_that_is_reused_is_made_once(clients: Clients, number: int):
    _, execution_type, context_type = types_of(clients[0])
    context = pb.Context(type_id=context_type, name=f"reused {number}")

    def publish(store: mlmd.MetadataStore, _: int) -> Any:
        execution = pb.Execution(type_id=execution_type)
        return store.put_execution(execution, [], [context], reuse_context_if_already_exist=True)

    codes, published = race(clients, publish)

    assert codes.keys() <= {OK, ABORTED}
    [context_id] = {context_ids[0] for _, _, context_ids in published}
    found = clients[1].get_executions_by_context(context_id)
    assert sorted(execution.id for execution in found) == sorted(each for each, _, _ in published)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_artifact_that_is_reused_by_external_id_is_made_once(clients: Clients, number: int):
    artifact_type, execution_type, _ = types_of(clients[0])
    external_id = f"reused {number}"

    def publish(store: mlmd.MetadataStore, own: int) -> Any:
        artifact = pb.Artifact(type_id=artifact_type, external_id=external_id, uri=str(own))
        return store.put_lineage_subgraph(
            [pb.Execution(type_id=execution_type)],
            [artifact],
            [],
            [(0, 0, pb.Event(type=pb.Event.OUTPUT))],
            reuse_artifact_if_already_exist_by_external_id=True,
        )

    codes, published = race(clients, publish)

    [artifact_id] = {artifact_ids[0] for _, artifact_ids, _ in published}
    assert [a.id for a in clients[1].get_artifacts_by_external_ids([external_id])] == [artifact_id]
    assert len(clients[1].get_events_by_artifact_ids([artifact_id])) == codes[OK]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_name_is_given_once(clients: Clients, number: int):
    artifact_type, _, _ = types_of(clients[0])
    artifact = pb.Artifact(type_id=artifact_type, name=f"named {number}")

    codes, stored = race(clients, lambda store, _: store.put_artifacts([artifact]))

    assert codes[OK] == len(stored) == 1
    assert clients[1].get_artifact_by_type_and_name("Race", artifact.name).id == stored[0][0]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_writers_that_wait_for_each_other_lose_nothing(clients: Clients, number: int):
    artifact_type, _, _ = types_of(clients[0])
    ids = clients[0].put_artifacts([pb.Artifact(type_id=artifact_type) for _ in range(6)])

    def update(store: mlmd.MetadataStore, own: int) -> None:
        artifacts = [pb.Artifact(id=i, type_id=artifact_type) for i in (ids if own % 2 else ids[::-1])]
        for artifact in artifacts:
            artifact.properties["n"].int_value = own
        store.put_artifacts(artifacts)

    codes, _ = race(clients, update)

    assert codes.keys() <= {OK, ABORTED}
    assert codes[OK] >= 1
    assert len({a.properties["n"].int_value for a in clients[1].get_artifacts_by_id(ids)}) == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_event_is_stored_once(clients: Clients, number: int):
    artifact_type, execution_type, _ = types_of(clients[0])
    [artifact_id] = clients[0].put_artifacts([pb.Artifact(type_id=artifact_type)])
    [execution_id] = clients[0].put_executions([pb.Execution(type_id=execution_type)])
    event = pb.Event(artifact_id=artifact_id, execution_id=execution_id, type=pb.Event.INPUT)

    codes, _ = race(clients, lambda store, _: store.put_events([event]))

    assert codes[OK] == 1
    assert len(clients[1].get_events_by_artifact_ids([artifact_id])) == 1
