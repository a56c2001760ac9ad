"""Reusing by external id what is stored."""

import pytest
from google.protobuf import text_format

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.service import MetadataService
from headwater.store import open_store
from tests.compat.mlmd.messages import message
from tests.compat.mlmd.peer import Original


def test_of_two_new_artifacts_with_one_external_id_a_subgraph_takes_neither(store: mlmd.MetadataStore):
    artifact_type = store.put_artifact_type(pb.ArtifactType(name="T"))
    artifact = pb.Artifact(type_id=artifact_type, external_id="x")
    reuse = {"reuse_artifact_if_already_exist_by_external_id": True}

    with pytest.raises(mlmd.errors.AlreadyExistsError):
        store.put_lineage_subgraph([], [artifact, artifact], [], [], **reuse)
    assert store.get_artifacts() == []
    [artifact_id] = store.put_artifacts([artifact])
    found = store.put_lineage_subgraph([], [artifact, artifact], [], [], **reuse)

    assert found == ([], [artifact_id, artifact_id], [])


def test_an_event_may_name_the_artifact_that_is_reused(original: Original):
    original.open()
    with open_store("memory://") as store:
        ours = MetadataService(store)
        for method, text in (
            ("PutArtifactType", 'artifact_type { name: "T" }'),
            ("PutExecutionType", 'execution_type { name: "T" }'),
            ("PutArtifacts", 'artifacts { type_id: 10 external_id: "x" }'),
        ):
            request = text_format.Parse(text, message(f"{method}Request"))
            assert original.call(method, request).response == ours.call(method, request)
        pair = 'artifact { type_id: 10 external_id: "x" } event { artifact_id: %d type: INPUT }'
        text = (
            f"execution {{ type_id: 11 }} artifact_event_pairs {{ {pair} }} "
            "options { reuse_artifact_if_already_exist_by_external_id: true }"
        )
        right, wrong = (text_format.Parse(text % i, message("PutExecutionRequest")) for i in (1, 2))

        assert original.call("PutExecution", right).response == ours.call("PutExecution", right)
        assert original.call("PutExecution", wrong).code == mlmd.errors.INVALID_ARGUMENT
        with pytest.raises(mlmd.errors.InvalidArgumentError, match="not aligned"):
            ours.call("PutExecution", wrong)
