"""Deletion through MLMD's API: lists forget, lineage does not."""

from collections.abc import Generator
from typing import Any, NamedTuple

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.metadata_store import ExtraOptions
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.wire import definitions
from headwater.model.graph import NodeKind
from headwater.model.ids import new_run_id
from headwater.model.models import NewVersion
from headwater.model.protocols import Store
from headwater.model.runs import NewRun
from headwater.model.upkeep import Expiry
from headwater.server.grpc import MlmdServer
from headwater.store import open_store
from tests.compat.mlmd.conftest import fake_database

KINDS = ("artifact", "execution", "context")
TYPES = {"artifact": "A", "execution": "E", "context": "C"}
ALL_TIMES = Expiry(nodes_ms=2**53, keys_ms=0)


class Doors(NamedTuple):
    """MLMD's API, and the store behind it."""

    client: mlmd.MetadataStore
    store: Store


@pytest.fixture(params=["in process", "over gRPC"])
def doors(request: pytest.FixtureRequest) -> Generator[Doors]:
    """An artifact, made by an execution, both in a context; each has the id 1."""
    if request.param == "in process":
        with mlmd.MetadataStore(fake_database()) as client:
            put_one_of_each(client)
            yield Doors(client, client._store)
        return
    with open_store("memory://") as store:
        server = MlmdServer(store, "127.0.0.1:0")
        server.start()
        config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=server.port, client_timeout_sec=30)
        with mlmd.MetadataStore(config) as client:
            put_one_of_each(client)
            yield Doors(client, store)
        server.stop(grace_s=1)


def put_one_of_each(client: mlmd.MetadataStore) -> None:
    artifact_type = client.put_artifact_type(pb.ArtifactType(name="A"))
    artifact = pb.Artifact(type_id=artifact_type, name="artifact", uri="u", state=pb.Artifact.LIVE)
    artifact.external_id = "artifact"
    execution_type = client.put_execution_type(pb.ExecutionType(name="E"))
    execution = pb.Execution(type_id=execution_type, name="execution", external_id="execution")
    context_type = client.put_context_type(pb.ContextType(name="C"))
    context = pb.Context(type_id=context_type, name="context", external_id="context")
    client.put_execution(execution, [(artifact, pb.Event(type=pb.Event.OUTPUT))], [context])


def change(client: mlmd.MetadataStore, verb: str, kind: str, *args: Any) -> None:
    getattr(client, f"{verb}_{kind}s")(*args)


def lists(client: mlmd.MetadataStore, kind: str, extra_options: Any = None) -> list[list[Any]]:
    """What each list of this kind holds."""
    found = [
        getattr(client, f"get_{kind}s")(extra_options=extra_options),
        getattr(client, f"get_{kind}s")(mlmd.ListOptions(filter_query="id = 1"), extra_options),
        getattr(client, f"get_{kind}s_by_type")(TYPES[kind], extra_options=extra_options),
    ]
    if kind != "context":
        found.append(getattr(client, f"get_{kind}s_by_context")(1, extra_options=extra_options))
    if kind == "artifact":
        found.append(client.get_artifacts_by_uri("u", extra_options=extra_options))
    return found


def addressed(client: mlmd.MetadataStore, kind: str) -> list[Any]:
    """What is found by id, by name and by external id."""
    return [
        *getattr(client, f"get_{kind}s_by_id")([1]),
        getattr(client, f"get_{kind}_by_type_and_name")(TYPES[kind], kind),
        *getattr(client, f"get_{kind}s_by_external_ids")([kind]),
    ]


def lineage(client: mlmd.MetadataStore) -> list[list[int]]:
    options = pb.LineageSubgraphQueryOptions()
    options.starting_artifacts.filter_query = "id = 1"
    graph = client.get_lineage_subgraph(options)
    return [[node.id for node in nodes] for nodes in (graph.artifacts, graph.executions, graph.contexts)]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_leave_deleted_nodes_out_and_lineage_shows_them(doors: Doors, kind: str):
    client = doors.client
    before = addressed(client, kind)

    change(client, "delete", kind, [1])

    assert not any(lists(client, kind))
    assert all(len(found) == 1 for found in lists(client, kind, ExtraOptions(with_deleted=True)))
    assert [node.id for node in addressed(client, kind)] == [1, 1, 1]
    assert lineage(client) == [[1], [1], [1]]

    change(client, "restore", kind, [1])

    assert all(len(found) == 1 for found in lists(client, kind))
    assert addressed(client, kind) == before


def test_a_deleted_node_says_so(doors: Doors):
    client, store = doors
    client.delete_artifacts({1})
    client.delete_contexts([1])

    [artifact], [context] = client.get_artifacts_by_id([1]), client.get_contexts_by_id([1])

    assert artifact.state == pb.Artifact.DELETED
    for node, stored in ((artifact, store.artifacts.get([1])), (context, store.contexts.get([1]))):
        deletion = definitions().class_of("headwater.mlmd.Deletion")()
        assert node.system_metadata.Unpack(deletion)
        assert deletion.deleted_ms == stored[0].deleted_ms
        assert not deletion.HasField("removed_ms")


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_keeps_who_and_why(doors: Doors, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_ACTOR", "ann")
    client, store = doors

    change(client, "delete", kind, [1], "made in error")
    change(client, "delete", kind, [1], "again")
    change(client, "restore", kind, [1])

    assert [(e.actor, e.action, e.subject, e.reason) for e in store.ledger.entries()] == [
        ("ann", "delete", f"{kind}s/1", "made in error"),
        ("ann", "restore", f"{kind}s/1", "through ML Metadata's API"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_deletion_is_all_or_none(doors: Doors, kind: str):
    with pytest.raises(mlmd.errors.NotFoundError, match="99"):
        change(doors.client, "delete", kind, [1, 99])
    with pytest.raises(mlmd.errors.InvalidArgumentError, match="reason"):
        change(doors.client, "delete", kind, [1], " ")

    assert all(lists(doors.client, kind))
    assert list(doors.store.ledger.entries()) == []


def test_lineage_stays_readable_after_removal_for_good(doors: Doors):
    client, store = doors
    client.delete_artifacts([1])
    while store.upkeep.remove(ALL_TIMES).count:
        pass

    [left] = client.get_artifacts_by_id([1])
    deletion = definitions().class_of("headwater.mlmd.Deletion")()
    left.system_metadata.Unpack(deletion)

    assert (left.name, left.type, left.state) == ("artifact", "A", pb.Artifact.DELETED)
    assert deletion.removed_ms >= deletion.deleted_ms
    options = pb.LineageSubgraphQueryOptions()
    options.starting_executions.filter_query = "id = 1"
    graph = client.get_lineage_subgraph(options)
    assert [[a.name for a in graph.artifacts], len(graph.events)] == [["artifact"], 1]
    with pytest.raises(mlmd.errors.NotFoundError):
        client.restore_artifacts([1])


def test_a_run_goes_with_its_own_reference_unless_it_made_a_registered_version(doors: Doors):
    client, store = doors
    run = store.runs.start(NewRun(run_id=new_run_id(), experiment="x"))
    client.delete_executions([run.id], "of no use")
    client.restore_executions([run.id], "of some use")
    assert [entry.subject for entry in store.ledger.entries()] == [f"runs/{run.run_id}"] * 2

    version = store.models.add_version(NewVersion(model="m", execution_id=run.id), actor="ann")
    [model] = client.get_contexts_by_type("headwater.RegisteredModel")

    for kind, ids in (("execution", [run.id]), ("artifact", [version.id]), ("context", [model.id])):
        with pytest.raises(mlmd.errors.FailedPreconditionError, match="models/m"):
            change(client, "delete", kind, ids)
    assert store.runs.get([run.run_id])[0].deleted_ms is None


def test_a_store_for_reading_deletes_nothing(tmp_path: Any):
    file = str(tmp_path / "store.db")
    with mlmd.MetadataStore(pb.ConnectionConfig(sqlite={"filename_uri": file})) as store:
        put_one_of_each(store)
    config = pb.ConnectionConfig(sqlite={"filename_uri": file, "connection_mode": 1})

    with mlmd.MetadataStore(config) as store, pytest.raises(mlmd.errors.FailedPreconditionError):
        store.delete_artifacts([1])


def test_node_kinds_have_calls_of_their_own():
    service = definitions().file("headwater/mlmd/upkeep.proto").services_by_name["UpkeepService"]

    assert {method.name for method in service.methods} == {
        f"{verb}{kind.name.capitalize()}s" for verb in ("Delete", "Restore") for kind in NodeKind
    }
