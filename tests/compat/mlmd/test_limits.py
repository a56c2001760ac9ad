"""MLMD's limits hold unless a caller says otherwise."""

from typing import Any

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.metadata_store import ExtraOptions
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.proto import metadata_store_service_pb2 as service_pb
from headwater.compat.mlmd.service.options import set_read_options

EXACT = ExtraOptions(exact_limits=True)
STEPS = 130
"""Executions in a row, each with an artifact in and one out: twice as many hops."""


@pytest.fixture
def chain(store: mlmd.MetadataStore) -> mlmd.MetadataStore:
    """A chain of `STEPS` executions."""
    artifact = pb.Artifact(type_id=store.put_artifact_type(pb.ArtifactType(name="A")))
    execution = pb.Execution(type_id=store.put_execution_type(pb.ExecutionType(name="E")))
    edges = [
        (step, step + out, pb.Event(type=pb.Event.OUTPUT if out else pb.Event.INPUT))
        for step in range(STEPS)
        for out in (0, 1)
    ]
    store.put_lineage_subgraph([execution] * STEPS, [artifact] * (STEPS + 1), [], edges)
    return store


def walked(store: mlmd.MetadataStore, extra_options: Any = None, **options: Any) -> int:
    """How many nodes are found from the first artifact on."""
    options |= {"starting_artifacts": {"filter_query": "id = 1"}}
    query = pb.LineageSubgraphQueryOptions(**options)
    graph = store.get_lineage_subgraph(query, None, extra_options)
    return len(graph.artifacts) + len(graph.executions)


def test_a_walk_ends_after_a_hundred_hops_unless_it_shall_go_on(chain: mlmd.MetadataStore):
    assert walked(chain) == walked(chain, max_num_hops=250) == 101
    assert walked(chain, ExtraOptions(), max_num_hops=250) == 101
    assert walked(chain, EXACT, max_num_hops=150) == 151
    assert walked(chain, EXACT) == 2 * STEPS + 1
    assert walked(chain, EXACT, max_num_hops=3) == 4
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        walked(chain, EXACT, max_num_hops=-1)


def test_a_page_holds_a_hundred_nodes_unless_it_shall_hold_more(chain: mlmd.MetadataStore):
    request = service_pb.GetArtifactsRequest(options={"max_result_size": 125})
    first, whole = service_pb.GetArtifactsResponse(), service_pb.GetArtifactsResponse()

    chain._call("GetArtifacts", request, first)
    set_read_options(request, exact_limits=True)
    chain._call("GetArtifacts", request, whole)

    assert (len(first.artifacts), len(whole.artifacts)) == (100, 125)
    assert first.next_page_token
    assert whole.next_page_token


@pytest.mark.parametrize("limit", [None, 1, 120, 500])
def test_lists_hold_the_same_in_pages_of_any_size(chain: mlmd.MetadataStore, limit: int | None):
    options = mlmd.ListOptions(limit=limit, order_by=mlmd.OrderByField.ID, is_asc=False)

    assert chain.get_artifacts(options, EXACT) == chain.get_artifacts(options)
    assert len(chain.get_artifacts(options)) == min(limit or 500, STEPS + 1)
