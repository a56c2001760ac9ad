"""Lineage through MLMD's API: whole nodes, their types, and the edges between them."""

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb


@pytest.fixture
def chain(store: mlmd.MetadataStore) -> mlmd.MetadataStore:
    """raw -> clean (1) -> tidy -> train (2) -> model, all in one context."""
    table = store.put_artifact_type(pb.ArtifactType(name="Table"))
    step = store.put_execution_type(pb.ExecutionType(name="Step"))
    context = store.put_context_type(pb.ContextType(name="Experiment"))
    names, steps = ("raw", "tidy", "model"), ("clean", "train")
    events = [pb.Event.INPUT, pb.Event.OUTPUT]
    store.put_lineage_subgraph(
        [pb.Execution(type_id=step, name=name) for name in steps],
        [pb.Artifact(type_id=table, name=name) for name in names],
        [pb.Context(type_id=context, name="e")],
        [(s, s + offset, pb.Event(type=kind)) for s in (0, 1) for offset, kind in enumerate(events)],
    )
    return store


def options(start: str, **fields: object) -> pb.LineageSubgraphQueryOptions:
    return pb.LineageSubgraphQueryOptions(starting_artifacts={"filter_query": f"name = '{start}'"}, **fields)


def test_nodes_come_whole_and_with_their_types(chain):
    graph = chain.get_lineage_subgraph(options("model", direction=pb.LineageSubgraphQueryOptions.UPSTREAM))

    assert [a.name for a in graph.artifacts] == ["raw", "tidy", "model"]
    assert [e.name for e in graph.executions] == ["clean", "train"]
    assert [c.name for c in graph.contexts] == ["e"]
    assert [t.name for t in graph.artifact_types] == ["Table"]
    assert [t.name for t in graph.context_types] == ["Experiment"]
    assert (len(graph.events), len(graph.attributions), len(graph.associations)) == (4, 3, 2)


def test_a_mask_leaves_fields_out(chain):
    graph = chain.get_lineage_subgraph(options("raw"), ["artifact_types", "events"])

    assert {field.name for field, _ in graph.ListFields()} == {"artifact_types", "events"}


def test_an_answer_with_nothing_in_it_is_still_there(chain):
    wanted = {"lineage_subgraph_query_options": options("raw"), "read_mask": {"paths": ["parent_contexts"]}}

    assert chain._ask("GetLineageSubgraph", **wanted).HasField("lineage_subgraph")


def test_hops_and_endings_bound_the_walk(chain):
    near = chain.get_lineage_subgraph(options("raw", max_num_hops=2))
    ending = {"filter_query": "name = 'tidy'", "include_ending_nodes": True}
    ended = chain.get_lineage_subgraph(options("raw", ending_artifacts=ending))

    assert [a.name for a in near.artifacts] == [a.name for a in ended.artifacts] == ["raw", "tidy"]
    assert len(ended.events) == 2


def test_an_empty_ending_is_met_by_every_node(chain):
    def walk(**ending: object) -> tuple[list[str], list[str]]:
        graph = chain.get_lineage_subgraph(options("raw", ending_executions=ending))
        return [a.name for a in graph.artifacts], [e.name for e in graph.executions]

    assert walk(filter_query="") == (["raw"], [])
    assert walk(filter_query="", include_ending_nodes=True) == (["raw"], ["clean"])
    assert walk(include_ending_nodes=True) == (["raw", "tidy", "model"], ["clean", "train"])


def test_a_walk_needs_a_start(chain):
    with pytest.raises(mlmd.errors.InvalidArgumentError):
        chain.get_lineage_subgraph(pb.LineageSubgraphQueryOptions())
    with pytest.raises(mlmd.errors.NotFoundError):
        chain.get_lineage_subgraph(options("nothing"))
