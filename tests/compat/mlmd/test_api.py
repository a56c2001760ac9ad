"""MLMD's Python API, in the words of its users."""

import math
import struct

import pytest
from google.protobuf import struct_pb2, wrappers_pb2

from headwater.compat import mlmd
from headwater.compat.mlmd.metadata_store import mlmd_types
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.proto import metadata_store_service_pb2 as service_pb
from headwater.store import open_store
from tests.compat.mlmd.conftest import fake_database

KINDS = {"i": pb.INT, "d": pb.DOUBLE, "s": pb.STRING, "m": pb.STRUCT, "p": pb.PROTO, "b": pb.BOOLEAN}


@pytest.fixture
def artifact_type(store: mlmd.MetadataStore) -> int:
    return store.put_artifact_type(pb.ArtifactType(name="Table", properties=KINDS))


@pytest.fixture
def execution_type(store: mlmd.MetadataStore) -> int:
    return store.put_execution_type(pb.ExecutionType(name="Train"))


@pytest.fixture
def context_type(store: mlmd.MetadataStore) -> int:
    return store.put_context_type(pb.ContextType(name="Experiment"))


def test_first_type_of_a_user_has_id_ten(store):
    assert store.put_artifact_type(pb.ArtifactType(name="Table")) == 10
    assert [t.name for t in store.get_artifact_types()] == ["Table"]
    assert store.get_artifact_type("mlmd.Dataset").id == 1


def test_types_grow_only_when_they_may(store, artifact_type):
    grown = pb.ArtifactType(name="Table", properties={**KINDS, "rows": pb.INT})

    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_artifact_type(grown)
    assert store.put_artifact_type(grown, can_add_fields=True) == artifact_type
    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_artifact_type(pb.ArtifactType(name="Table"))
    assert store.put_artifact_type(pb.ArtifactType(name="Table"), can_omit_fields=True) == artifact_type
    assert store.get_artifact_type("Table").properties["rows"] == pb.INT
    changed = pb.ArtifactType(name="Table", properties={"rows": pb.STRING})
    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_artifact_type(changed, True, True)


def test_base_types_are_set_once(store):
    store.put_artifact_type(pb.ArtifactType(name="T"))
    store.put_artifact_type(pb.ArtifactType(name="T", base_type=mlmd_types.Dataset().system_type))

    assert store.get_artifact_type("T").base_type == pb.ArtifactType.DATASET
    with pytest.raises(mlmd.errors.UnimplementedError):
        store.put_artifact_type(pb.ArtifactType(name="T", base_type=pb.ArtifactType.MODEL))
    with pytest.raises(mlmd.errors.UnimplementedError):
        store.put_artifact_type(pb.ArtifactType(name="T", base_type=pb.ArtifactType.UNSET))
    twice = [{"name": "U", "base_type": base} for base in (pb.ArtifactType.DATASET, pb.ArtifactType.METRICS)]
    with pytest.raises(mlmd.errors.UnimplementedError):
        store._ask("PutTypes", artifact_types=twice)
    with pytest.raises(mlmd.errors.NotFoundError):
        store.get_artifact_type("U")


def test_input_and_output_types_come_back(store):
    wanted = pb.ExecutionType(name="E", version="2", description="trains")
    wanted.input_type.dict.properties["data"].list.element.simple.name = "Table"
    wanted.output_type.any.SetInParent()

    wanted.id = store.put_execution_type(wanted)

    assert store.get_execution_type("E", "2") == wanted
    assert store.get_execution_types_by_id({wanted.id, 99}) == [wanted]
    with pytest.raises(mlmd.errors.NotFoundError):
        store.get_execution_type("E")


def test_every_value_comes_back_whole(store, artifact_type):
    artifact = pb.Artifact(type_id=artifact_type, uri="s3://a", name="a\0b", state=pb.Artifact.LIVE)
    artifact.properties["i"].int_value = 2**63 - 1
    artifact.properties["d"].double_value = 0.1234567890123
    artifact.properties["s"].string_value = "__MLMD_NULL__\0é"
    artifact.properties["m"].struct_value.update({"a": [1, None, {"b": True}], "c": math.inf})
    artifact.properties["p"].proto_value.Pack(wrappers_pb2.StringValue(value="x"))
    artifact.properties["b"].bool_value = False
    artifact.custom_properties["tiny"].double_value = 1e-300
    artifact.custom_properties["minus"].double_value = -math.inf

    [artifact.id] = store.put_artifacts([artifact])

    [found] = store.get_artifacts()
    assert found.create_time_since_epoch == found.last_update_time_since_epoch > 0
    for field in ("create_time_since_epoch", "last_update_time_since_epoch", "type"):
        found.ClearField(field)
    assert found == artifact


def test_nan_comes_back(store, artifact_type):
    artifact = pb.Artifact(type_id=artifact_type)
    artifact.properties["d"].double_value = math.nan
    store.put_artifacts([artifact])

    assert math.isnan(store.get_artifacts()[0].properties["d"].double_value)


def test_an_empty_value_is_refused(store, artifact_type):
    artifact = pb.Artifact(type_id=artifact_type)
    artifact.custom_properties["x"].SetInParent()

    with pytest.raises(mlmd.errors.InvalidArgumentError, match="x"):
        store.put_artifacts([artifact])


def test_properties_are_checked_against_the_type(store, artifact_type):
    wrong = pb.Artifact(type_id=artifact_type)
    wrong.properties["d"].int_value = 1
    unknown = pb.Artifact(type_id=artifact_type)
    unknown.properties["zzz"].int_value = 1

    with pytest.raises(mlmd.errors.InvalidArgumentError, match="Found unmatched property type: d"):
        store.put_artifacts([wrong])
    with pytest.raises(mlmd.errors.InvalidArgumentError, match="Found unknown property: zzz"):
        store.put_artifacts([unknown])
    with pytest.raises(mlmd.errors.NotFoundError):
        store.put_artifacts([pb.Artifact(type_id=77)])
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store.put_artifacts([pb.Artifact()])


def test_an_update_replaces_the_whole_node_but_its_name(store, artifact_type):
    first = pb.Artifact(type_id=artifact_type, name="a", uri="u", external_id="e", state=pb.Artifact.LIVE)
    first.properties["i"].int_value = 1
    first.custom_properties["x"].int_value = 1
    [node_id] = store.put_artifacts([first])

    store.put_artifacts([pb.Artifact(id=node_id, name="b")])

    [found] = store.get_artifacts_by_id([node_id])
    assert (found.name, found.uri, found.HasField("state"), found.HasField("external_id")) == (
        "a",
        "",
        False,
        False,
    )
    assert not found.properties
    assert not found.custom_properties


def test_a_mask_changes_what_it_names(store, artifact_type):
    first = pb.Artifact(type_id=artifact_type, uri="u", external_id="e")
    for key in ("i", "j"):
        first.custom_properties[key].int_value = 1
    [node_id] = store.put_artifacts([first])
    change = pb.Artifact(id=node_id, uri="v", state=pb.Artifact.LIVE)
    change.custom_properties["j"].int_value = 2

    store.put_artifacts([change], ["uri", "custom_properties.j", "custom_properties.i", "nothing"])

    [found] = store.get_artifacts_by_id([node_id])
    assert (found.uri, found.external_id, found.HasField("state")) == ("v", "e", False)
    assert {k: v.int_value for k, v in found.custom_properties.items()} == {"j": 2}


def test_an_update_that_changes_nothing_keeps_the_time(store, artifact_type):
    store.put_artifacts([pb.Artifact(type_id=artifact_type, uri="u")])
    [before] = store.get_artifacts()

    store.put_artifacts([before])

    assert store.get_artifacts() == [before]


def test_writes_are_all_or_none(store, artifact_type):
    store.put_artifacts([pb.Artifact(type_id=artifact_type, name="taken")])

    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_artifacts([pb.Artifact(type_id=artifact_type, name=n) for n in ("new", "taken")])
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store.put_artifacts([pb.Artifact(type_id=artifact_type, name="new"), pb.Artifact(id=99)])

    assert [a.name for a in store.get_artifacts()] == ["taken"]


def test_a_stale_artifact_is_refused_on_request(store, artifact_type):
    store.put_artifacts([pb.Artifact(type_id=artifact_type)])
    [read] = store.get_artifacts()
    store.put_artifacts([pb.Artifact(id=read.id, uri="by somebody else")])
    request = service_pb.PutArtifactsRequest(artifacts=[read])
    request.options.abort_if_latest_updated_time_changed = True

    with pytest.raises(mlmd.errors.FailedPreconditionError):
        store._call("PutArtifacts", request, service_pb.PutArtifactsResponse())


def test_an_artifact_of_the_same_request_is_stale_too(store, artifact_type):
    artifacts = [pb.Artifact(type_id=artifact_type), pb.Artifact(id=1, uri="guessed")]
    request = service_pb.PutArtifactsRequest(artifacts=artifacts)
    request.options.abort_if_latest_updated_time_changed = True

    with pytest.raises(mlmd.errors.FailedPreconditionError):
        store._call("PutArtifacts", request, service_pb.PutArtifactsResponse())
    assert store.get_artifacts() == []


def test_events_keep_their_path_and_come_once(store, artifact_type, execution_type):
    [artifact_id] = store.put_artifacts([pb.Artifact(type_id=artifact_type)])
    [execution_id] = store.put_executions([pb.Execution(type_id=execution_type)])
    event = pb.Event(artifact_id=artifact_id, execution_id=execution_id, type=pb.Event.DECLARED_INPUT)
    event.path.steps.add(key="data")
    event.path.steps.add(index=0)
    event.milliseconds_since_epoch = 5

    store.put_events([event])

    assert store.get_events_by_artifact_ids([artifact_id]) == [event]
    assert store.get_events_by_execution_ids(iter([execution_id])) == [event]
    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_events([event])
    event.execution_id = 99
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store.put_events([event])


def test_contexts_hold_nodes_and_each_other(store, artifact_type, execution_type, context_type):
    contexts = [pb.Context(type_id=context_type, name=name) for name in ("outer", "inner")]
    outer, inner = store.put_contexts(contexts)
    [artifact_id] = store.put_artifacts([pb.Artifact(type_id=artifact_type)])
    [execution_id] = store.put_executions([pb.Execution(type_id=execution_type)])

    store.put_attributions_and_associations(
        [pb.Attribution(artifact_id=artifact_id, context_id=inner)] * 2,
        [pb.Association(execution_id=execution_id, context_id=inner)],
    )
    store.put_parent_contexts([pb.ParentContext(child_id=inner, parent_id=outer)])

    assert [c.id for c in store.get_contexts_by_artifact(artifact_id)] == [inner]
    assert [c.id for c in store.get_contexts_by_execution(execution_id)] == [inner]
    assert [a.id for a in store.get_artifacts_by_context(inner)] == [artifact_id]
    assert [e.id for e in store.get_executions_by_context(inner)] == [execution_id]
    assert [c.name for c in store.get_parent_contexts_by_context(inner)] == ["outer"]
    assert [c.name for c in store.get_children_contexts_by_context(outer)] == ["inner"]
    with pytest.raises(mlmd.errors.NotFoundError):
        store.get_contexts_by_artifact(99)
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store.put_parent_contexts([pb.ParentContext(child_id=outer, parent_id=inner)])


def test_a_context_can_be_renamed_but_has_a_name(store, context_type):
    [context_id] = store.put_contexts([pb.Context(type_id=context_type, name="a")])

    store.put_contexts([pb.Context(id=context_id, name="b")])

    assert store.get_context_by_type_and_name("Experiment", "b").id == context_id
    assert store.get_context_by_type_and_name("Experiment", "a") is None
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store.put_contexts([pb.Context(id=context_id)])


def test_lists_are_sorted_and_paged(store, artifact_type):
    store.put_artifacts([pb.Artifact(type_id=artifact_type) for _ in range(250)])

    everything = store.get_artifacts(mlmd.ListOptions())
    newest = store.get_artifacts(
        mlmd.ListOptions(limit=120, order_by=mlmd.OrderByField.CREATE_TIME, is_asc=False)
    )

    assert [a.id for a in everything] == list(range(1, 251))
    assert [a.id for a in newest] == list(range(250, 130, -1))


def test_more_than_a_hundred_come_with_a_token(store, artifact_type):
    store.put_artifacts([pb.Artifact(type_id=artifact_type) for _ in range(150)])
    request, response = service_pb.GetArtifactsRequest(), service_pb.GetArtifactsResponse()
    request.options.max_result_size = 500

    store._call("GetArtifacts", request, response)

    assert len(response.artifacts) == 100
    assert response.next_page_token


def test_put_execution_ties_everything_together(store, artifact_type, execution_type, context_type):
    [used] = store.put_artifacts([pb.Artifact(type_id=artifact_type)])
    pairs = [
        (pb.Artifact(id=used, type_id=artifact_type), pb.Event(type=pb.Event.INPUT)),
        (pb.Artifact(type_id=artifact_type), pb.Event(type=pb.Event.OUTPUT)),
    ]
    context = pb.Context(type_id=context_type, name="e")

    execution_id, artifact_ids, context_ids = store.put_execution(
        pb.Execution(type_id=execution_type), pairs, [context]
    )
    again = store.put_execution(
        pb.Execution(type_id=execution_type), [], [context], reuse_context_if_already_exist=True
    )

    assert (artifact_ids, context_ids, again[2]) == ([used, used + 1], [1], [1])
    assert [e.type for e in store.get_events_by_execution_ids([execution_id])] == [
        pb.Event.INPUT,
        pb.Event.OUTPUT,
    ]
    assert len(store.get_executions_by_context(1)) == 2
    assert len(store.get_artifacts_by_context(1)) == 2
    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_execution(pb.Execution(type_id=execution_type), [], [context])


def test_put_lineage_subgraph_names_nodes_by_index_or_id(store, artifact_type, execution_type, context_type):
    [known] = store.put_artifacts([pb.Artifact(type_id=artifact_type)])
    edges = [
        (0, None, pb.Event(type=pb.Event.INPUT, artifact_id=known)),
        (0, 0, pb.Event(type=pb.Event.OUTPUT)),
    ]

    executions, artifacts, contexts = store.put_lineage_subgraph(
        [pb.Execution(type_id=execution_type)],
        [pb.Artifact(type_id=artifact_type)],
        [pb.Context(type_id=context_type, name="c")],
        edges,
    )

    assert (executions, artifacts, contexts) == ([1], [known + 1], [1])
    assert [e.artifact_id for e in store.get_events_by_execution_ids([1])] == [known, known + 1]
    with pytest.raises(mlmd.errors.OutOfRangeError):
        store.put_lineage_subgraph([], [], [], [(3, 0, pb.Event(type=pb.Event.INPUT))])


def test_native_values_that_mlmd_has_no_kind_for_are_shown_as_any():
    from headwater.compat.mlmd.service import MetadataService
    from headwater.model.graph import NewArtifact, NewType, NodeKind

    with open_store("memory://") as native:
        [type_id] = native.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        values = {"raw": b"\x00\xff", "list": [1, "a"], "half": "\ud800"}
        native.artifacts.add([NewArtifact(type_id=type_id, custom_properties=values)])

        [found] = MetadataService(native).call("GetArtifacts", service_pb.GetArtifactsRequest()).artifacts

    raw, items = wrappers_pb2.BytesValue(), struct_pb2.ListValue()
    assert found.custom_properties["raw"].proto_value.Unpack(raw)
    assert found.custom_properties["list"].proto_value.Unpack(items)
    assert (raw.value, list(items), found.uri) == (b"\x00\xff", [1.0, "a"], "")
    assert found.custom_properties["half"].string_value == "?"


def test_a_file_keeps_what_it_is_told(tmp_path):
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "store.db")
    with mlmd.MetadataStore(config) as first:
        first.put_artifact_type(pb.ArtifactType(name="T"))
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READONLY

    with mlmd.MetadataStore(config) as second:
        assert second.get_artifact_type("T").id == 10
        with pytest.raises(mlmd.errors.FailedPreconditionError):
            second.put_artifact_type(pb.ArtifactType(name="U"))


def test_what_cannot_be_opened_is_a_runtime_error(tmp_path):
    missing = pb.ConnectionConfig()
    missing.sqlite.filename_uri = str(tmp_path / "none.db")
    missing.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE
    nothing = pb.ConnectionConfig()

    for config in (missing, nothing):
        with pytest.raises(RuntimeError):
            mlmd.MetadataStore(config)
    with pytest.raises(ValueError, match="ConnectionConfig"):
        mlmd.MetadataStore("sqlite")
    assert not (tmp_path / "none.db").exists()


def test_aborted_calls_are_tried_again():
    class Flaky(mlmd.MetadataStore):
        failures = 2
        _mean_wait_s = 1e-6

        def _call_method(self, method_name, request, response):
            if self.failures:
                self.failures -= 1
                raise mlmd.errors.AbortedError("locked")
            super()._call_method(method_name, request, response)

    config = fake_database()
    config.retry_options.max_num_retries = 2
    with Flaky(config) as store:
        with pytest.raises(mlmd.errors.AbortedError):
            store.get_artifact_types()
        assert store.get_artifact_types() == []


def test_old_clients_uri_field_is_refused(store):
    request = service_pb.GetArtifactsByURIRequest.FromString(struct.pack("<BB", 0x0A, 1) + b"u")

    with pytest.raises(mlmd.errors.InvalidArgumentError):
        store._call("GetArtifactsByURI", request, service_pb.GetArtifactsByURIResponse())


def test_downgrade_is_refused_with_a_reason():
    with pytest.raises(mlmd.errors.InvalidArgumentError, match="downgrade_to_schema_version not specified"):
        mlmd.downgrade_schema(fake_database(), -1)
    with pytest.raises(mlmd.errors.InvalidArgumentError, match="MLMD cannot be downgraded to schema_version"):
        mlmd.downgrade_schema(fake_database(), 99)
    with pytest.raises(mlmd.errors.UnimplementedError):
        mlmd.downgrade_schema(fake_database(), 8)


def test_codes_have_classes():
    assert mlmd.errors.exception_type_from_error_code(10) is mlmd.errors.AbortedError
    assert mlmd.errors.make_exception("x", 6).error_code == mlmd.errors.ALREADY_EXISTS
    assert isinstance(mlmd.errors.make_exception("x", 999), mlmd.errors.UnknownError)
