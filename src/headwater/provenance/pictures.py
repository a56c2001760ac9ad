"""A lineage graph as Mermaid, as DOT, and as plain values for JSON."""

from collections.abc import Iterator

from headwater.model.graph import Artifact, Event, Execution
from headwater.model.lineage import LineageGraph
from headwater.model.values import Json
from headwater.provenance.labels import Label, default_label, printable


def to_mermaid(graph: LineageGraph, *, label: Label = default_label) -> str:
    """Draw a graph as a Mermaid flowchart: artifacts in boxes, executions in round ones, arrows as data flow.

    Args:
        graph: What to draw.
        label: Gives the text of a node.
    """
    lines = ["flowchart LR"]
    lines += [f'  a{node.id}["{_mermaid_text(label(node))}"]' for node in graph.artifacts]
    lines += [f'  e{node.id}(["{_mermaid_text(label(node))}"])' for node in graph.executions]
    lines += [f"  {tail} --> {head}" for tail, head, _ in _arrows(graph)]
    return "\n".join(lines) + "\n"


def to_dot(graph: LineageGraph, *, label: Label = default_label) -> str:
    """Draw a graph in Graphviz's language, as `to_mermaid` does.

    Args:
        graph: What to draw.
        label: Gives the text of a node.
    """
    lines = ["digraph lineage {", "  rankdir=LR;"]
    lines += [f'  a{node.id} [shape=box, label="{_dot_text(label(node))}"];' for node in graph.artifacts]
    lines += [f'  e{node.id} [shape=ellipse, label="{_dot_text(label(node))}"];' for node in graph.executions]
    lines += [f'  {tail} -> {head} [tooltip="{event.type.name}"];' for tail, head, event in _arrows(graph)]
    return "\n".join([*lines, "}"]) + "\n"


def as_dict(graph: LineageGraph) -> dict[str, Json]:
    """Return a graph as values that JSON has: `nodes`, `edges` and `is_truncated`.

    Properties are left out: a node's id leads to them.
    """
    artifacts = zip(graph.artifacts, graph.artifact_hops, strict=True)
    executions = zip(graph.executions, graph.execution_hops, strict=True)
    return {
        "nodes": [_node_dict(node, hops) for pairs in (artifacts, executions) for node, hops in pairs],
        "edges": [_edge_dict(event) for event in graph.events],
        "is_truncated": graph.is_truncated,
    }


def _arrows(graph: LineageGraph) -> Iterator[tuple[str, str, Event]]:
    """Yield tail and head of every event's arrow: inputs lead to their execution, all others away from it."""
    for event in graph.events:
        artifact, execution = f"a{event.artifact_id}", f"e{event.execution_id}"
        yield (artifact, execution, event) if event.type.is_input else (execution, artifact, event)


def _mermaid_text(text: str) -> str:
    # Mermaid reads #34; and its like as characters; all that could end or mark up a label is written so.
    codes = {ord(mark): f"#{ord(mark)};" for mark in '#"<>&`\\*_[]{}()|;%'}
    return printable(text).translate(codes)


def _dot_text(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _node_dict(node: Artifact | Execution, hops: int) -> dict[str, Json]:
    found: dict[str, Json] = {
        "kind": "artifact" if isinstance(node, Artifact) else "execution",
        "id": node.id,
        "type": node.type_name,
        "name": node.name,
        "state": node.state.name if node.state is not None else None,
        "hops": hops,
        "created_ms": node.created_ms,
        "is_deleted": node.deleted_ms is not None,
    }
    if isinstance(node, Artifact):
        found |= {"uri": node.uri, "digest": node.digest, "size_bytes": node.size_bytes}
    return found


def _edge_dict(event: Event) -> dict[str, Json]:
    return {
        "artifact_id": event.artifact_id,
        "execution_id": event.execution_id,
        "type": event.type.name,
        "path": list(event.path),
        "time_ms": event.time_ms,
    }
