"""Trees and pictures of lineage graphs."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.model.graph import Artifact, ArtifactState, Event, EventType, Execution
from headwater.model.ids import TypeId
from headwater.model.lineage import Direction, LineageGraph, Walk
from headwater.provenance import as_dict, to_dot, to_mermaid, tree_lines, walk
from tests.provenance.graphs import DIRECTIONS, GRAPHS, IDS, expander

IN, OUT = EventType.INPUT, EventType.OUTPUT


def artifact(id: Any, name: str | None = None, **more: Any) -> Artifact:
    """Return a stored artifact."""
    return Artifact(id=id, type_id=TypeId(1), type_name="Data", name=name, created_ms=0, updated_ms=0, **more)


def execution(id: Any, name: str | None = None) -> Execution:
    """Return a stored execution."""
    return Execution(id=id, type_id=TypeId(2), type_name="Run", name=name, created_ms=0, updated_ms=0)


def linked(artifact: Any, execution: Any, type: EventType, **more: Any) -> Event:
    """Return an event."""
    return Event(artifact_id=artifact, execution_id=execution, type=type, **more)


def graph_of(edges, start, direction=Direction.UPSTREAM):
    """Walk from an artifact and return the graph."""
    found = walk(Walk(artifacts=(start,), direction=direction), expander(edges))
    events = [linked(a, e, EventType(t), time_ms=5) for e, a, t in found.edges]
    return LineageGraph(
        artifacts=tuple(artifact(node_id) for node_id in found.artifacts),
        executions=tuple(execution(node_id) for node_id in found.executions),
        artifact_hops=tuple(found.artifacts.values()),
        execution_hops=tuple(found.executions.values()),
        events=tuple(events),
    )


def text_of(lines):
    """Return the lines of a tree as one text."""
    return "\n".join(map(str, lines))


def _lines(*lines):
    return "\n".join(lines)


def brief(node):
    """Return a short label."""
    return f"{'a' if isinstance(node, Artifact) else 'e'}{node.id}"


DIAMOND = [(1, 9, OUT), (1, 2, IN), (1, 3, IN), (2, 2, OUT), (3, 3, OUT), (2, 1, IN), (3, 1, IN), (4, 1, OUT)]


def test_a_shared_part_is_written_out_once():
    lines = tree_lines(graph_of(DIAMOND, 9), label=brief)

    assert text_of(lines) == _lines(
        "a9",
        "└─ e1",
        "   ├─ a2",
        "   │  └─ e2",
        "   │     └─ a1",
        "   │        └─ e4",
        "   └─ a3",
        "      └─ e3",
        "         └─ a1 ↑ shown above",
    )


def test_a_shared_leaf_is_just_shown_again():
    edges = [(1, 9, OUT), (1, 2, IN), (1, 1, IN), (2, 2, OUT), (2, 1, IN)]

    lines = tree_lines(graph_of(edges, 9), label=brief)

    assert text_of(lines) == "a9\n└─ e1\n   ├─ a1\n   └─ a2\n      └─ e2\n         └─ a1"


def test_a_cycle_ends():
    edges = [(1, 1, IN), (1, 1, OUT)]

    lines = tree_lines(graph_of(edges, 1), label=brief)

    assert text_of(lines) == "a1\n└─ e1\n   └─ a1 ↑ shown above"


def test_downstream_grows_the_other_way():
    lines = tree_lines(graph_of(DIAMOND, 2, Direction.DOWNSTREAM), Direction.DOWNSTREAM, label=brief)

    assert text_of(lines) == "a2\n└─ e1\n   └─ a9"


def test_both_ways_do_not_go_straight_back():
    edges = [(1, 1, IN), (1, 2, OUT)]

    lines = tree_lines(graph_of(edges, 1, Direction.BOTH), Direction.BOTH, label=brief)

    assert text_of(lines) == "a1\n└─ e1\n   └─ a2"


def test_a_chain_of_runs_is_no_recursion():
    chain = [edge for run in range(1, 401) for edge in ((run, run, IN), (run, run + 1, OUT))]

    assert len(tree_lines(graph_of(chain, 401))) == 801


@given(GRAPHS, IDS, DIRECTIONS)
def test_every_node_is_written_out_exactly_once(edges, start, direction):
    graph = graph_of(edges, start, direction)

    lines = tree_lines(graph, direction, label=brief)

    expanded = [line.label for line in lines if not line.is_repeat]
    assert set(expanded) == {brief(node) for node in graph.artifacts + graph.executions}
    assert len(lines) <= 2 * len(graph.events) + 1


def test_the_default_label_names_type_name_and_reference():
    graph = LineageGraph(artifacts=(artifact(1, "a\x1b[2Jb\n"),), artifact_hops=(0,))

    assert text_of(tree_lines(graph)) == "Data a [2Jb  (artifacts/1)"


def test_mermaid():
    graph = graph_of([(1, 2, OUT), (1, 1, IN)], 2)

    assert to_mermaid(graph, label=brief) == _lines(
        "flowchart LR", '  a2["a2"]', '  a1["a1"]', '  e1(["e1"])', "  e1 --> a2", "  a1 --> e1", ""
    )


def test_dot():
    graph = graph_of([(1, 2, OUT), (1, 1, IN)], 2)

    assert to_dot(graph, label=brief) == _lines(
        "digraph lineage {",
        "  rankdir=LR;",
        '  a2 [shape=box, label="a2"];',
        '  a1 [shape=box, label="a1"];',
        '  e1 [shape=ellipse, label="e1"];',
        '  e1 -> a2 [tooltip="OUTPUT"];',
        '  a1 -> e1 [tooltip="INPUT"];',
        "}",
        "",
    )


@pytest.mark.parametrize("draw", [to_mermaid, to_dot])
@given(st.text())
def test_no_name_breaks_out_of_its_label(draw, name):
    graph = LineageGraph(artifacts=(artifact(1, name),), artifact_hops=(0,))

    plain = LineageGraph(artifacts=(artifact(1, "x"),), artifact_hops=(0,))
    drawn = draw(graph)

    assert drawn.count("\n") == draw(plain).count("\n")
    line = next(line for line in drawn.split("\n") if line.startswith("  a1"))
    assert re.fullmatch(r'  a1(\[| \[shape=box, label=)"([^"\\]|\\["\\])*"\];?', line)


def test_plain_values():
    graph = LineageGraph(
        artifacts=(artifact(2, "m", uri="file:///m", state=ArtifactState.LIVE, digest="d", size_bytes=3),),
        executions=(execution(1, "r"),),
        artifact_hops=(0,),
        execution_hops=(1,),
        events=(linked(2, 1, OUT, path=("model", 0), time_ms=7),),
        is_truncated=True,
    )

    found = json.loads(json.dumps(as_dict(graph)))

    common = {"created_ms": 0, "is_deleted": False}
    assert found == {
        "nodes": [
            {
                "kind": "artifact",
                "id": 2,
                "type": "Data",
                "name": "m",
                "state": "LIVE",
                "hops": 0,
                "uri": "file:///m",
                "digest": "d",
                "size_bytes": 3,
                **common,
            },
            {"kind": "execution", "id": 1, "type": "Run", "name": "r", "state": None, "hops": 1, **common},
        ],
        "edges": [
            {"artifact_id": 2, "execution_id": 1, "type": "OUTPUT", "path": ["model", 0], "time_ms": 7}
        ],
        "is_truncated": True,
    }
