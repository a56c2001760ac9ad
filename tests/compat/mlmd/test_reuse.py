"""Reusing by external id what is stored."""

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb


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
