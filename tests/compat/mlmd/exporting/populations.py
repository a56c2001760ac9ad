"""Whole populations of what ML Metadata can say: types, nodes and edges, with ids and times of their own."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Association,
    Attribution,
    Context,
    Event,
    EventType,
    Execution,
    ExecutionState,
    NodeKind,
    NodeType,
    ParentContext,
)
from headwater.model.protocols import Store
from headwater.model.values import ProtoValue, ValueKind

PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
TEXTS = st.text(PRINTABLE, max_size=8)
NAMES = st.text(PRINTABLE, min_size=1, max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OF_KIND: dict[ValueKind, st.SearchStrategy[Any]] = {
    ValueKind.INT: st.integers(-(2**63), 2**63 - 1),
    ValueKind.DOUBLE: st.floats(allow_nan=False).map(lambda value: value + 0.0),
    ValueKind.STRING: TEXTS,
    ValueKind.BOOLEAN: st.booleans(),
    ValueKind.STRUCT: st.dictionaries(TEXTS, JSON, max_size=3),
    ValueKind.PROTO: st.builds(ProtoValue, NAMES, st.binary(max_size=8)),
}
VALUES = st.one_of(*OF_KIND.values())
TIMES = st.integers(0, 2**53)
PATHS = st.lists(st.integers(0, 2**31) | TEXTS, max_size=3).map(tuple)
FIRST_FREE = len(SYSTEM_TYPES) + 1
ENTITIES: dict[NodeKind, Any] = {
    NodeKind.ARTIFACT: Artifact,
    NodeKind.EXECUTION: Execution,
    NodeKind.CONTEXT: Context,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Types, nodes and edges."""

    types: list[NodeType]
    nodes: dict[NodeKind, list[Any]]
    events: list[Event]
    attributions: list[Attribution]
    associations: list[Association]
    parents: list[ParentContext]

    def put_into(self, store: Store) -> None:
        """Store all of it, as it is."""
        store.transfer.take_types(self.types)
        for kind, nodes in self.nodes.items():
            store.transfer.take_nodes(kind, nodes)
        store.transfer.take_events(self.events)
        store.transfer.take_memberships(self.attributions, self.associations, self.parents)


@st.composite
def populations(draw: st.DrawFn) -> Population:
    """Draw a population in which edges go between its nodes and contexts are part of older ones."""
    named = st.lists(st.tuples(NAMES, st.none() | NAMES), min_size=1, max_size=2, unique=True)
    keys = [(kind, *key) for kind in NodeKind for key in draw(named)]
    externals = draw(unique_texts(len(keys)))
    types = [
        draw(types_of(FIRST_FREE + 2 * i, *key, external))
        for i, (key, external) in enumerate(zip(keys, externals, strict=True))
    ]
    nodes = {kind: draw(nodes_of(kind, [each for each in types if each.kind is kind])) for kind in NodeKind}
    artifacts, executions, contexts = (
        st.sampled_from([each.id for each in nodes[kind]]) if nodes[kind] else st.nothing()
        for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT)
    )
    ends = draw(st.lists(st.tuples(artifacts, executions, st.sampled_from(EventType)), unique=True))
    pairs = draw(st.lists(st.tuples(contexts, contexts), unique=True))
    return Population(
        types=types,
        nodes=nodes,
        events=[
            Event(artifact_id=a, execution_id=e, type=kind, path=draw(PATHS), time_ms=draw(TIMES))
            for a, e, kind in ends
        ],
        attributions=draw(st.lists(st.builds(Attribution, contexts, artifacts), unique=True)),
        associations=draw(st.lists(st.builds(Association, contexts, executions), unique=True)),
        parents=[ParentContext(child, parent) for child, parent in pairs if child > parent],
    )


@st.composite
def types_of(
    draw: st.DrawFn, type_id: int, kind: NodeKind, name: str, version: str | None, external_id: str | None
) -> NodeType:
    """Draw a type; MLMD knows base types, input and output of some kinds alone, and so does this."""
    bases = [each.name for each in SYSTEM_TYPES if each.kind is kind]
    is_execution = kind is NodeKind.EXECUTION
    declared = draw(st.dictionaries(NAMES, st.sampled_from([*OF_KIND]), max_size=3))
    return NodeType(
        id=type_id,
        kind=kind,
        name=name,
        version=version,
        description=draw(st.none() | TEXTS),
        properties=dict(sorted(declared.items())),
        base_type=draw(st.sampled_from([None, *bases])),
        external_id=external_id,
        input_type='{"any":{}}' if is_execution and draw(st.booleans()) else None,
    )


@st.composite
def nodes_of(draw: st.DrawFn, kind: NodeKind, types: list[NodeType]) -> list[Any]:
    """Draw nodes, whose ids have gaps."""
    ids = sorted(draw(st.sets(st.integers(1, 2**40), max_size=4)))
    externals = draw(unique_texts(len(ids)))
    names = draw(st.lists(NAMES, min_size=len(ids), max_size=len(ids), unique=True))
    return [
        draw(one_node(kind, types, node_id, name, external))
        for node_id, name, external in zip(ids, names, externals, strict=True)
    ]


@st.composite
def one_node(
    draw: st.DrawFn, kind: NodeKind, types: list[NodeType], node_id: int, name: str, external_id: str | None
) -> Any:
    """Draw a node with properties of the kinds that its type declares."""
    own = draw(st.sampled_from(types))
    has_name = kind is NodeKind.CONTEXT or draw(st.booleans())
    fields: dict[str, Any] = {"name": name if has_name else None, "external_id": external_id}
    match kind:
        case NodeKind.ARTIFACT:
            state = draw(st.none() | st.sampled_from(ArtifactState))
            fields |= {"state": state, "uri": draw(st.none() | TEXTS)}
        case NodeKind.EXECUTION:
            fields["state"] = draw(st.none() | st.sampled_from(ExecutionState))
        case NodeKind.CONTEXT:
            pass
    filled = [each for each in own.properties if draw(st.booleans())]
    return ENTITIES[kind](
        id=node_id,
        type_id=own.id,
        type_name=own.name,
        properties={each: draw(OF_KIND[own.properties[each]]) for each in filled},
        custom_properties=dict(sorted(draw(st.dictionaries(NAMES, VALUES, max_size=3)).items())),
        created_ms=draw(TIMES),
        updated_ms=draw(TIMES),
        **fields,
    )


@st.composite
def unique_texts(draw: st.DrawFn, count: int) -> list[str | None]:
    """Draw texts of which none but None stands twice."""
    texts = draw(st.lists(NAMES, min_size=count, max_size=count, unique=True))
    return [text if draw(st.booleans()) else None for text in texts]
