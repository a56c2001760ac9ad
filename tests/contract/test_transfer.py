"""What comes from another store keeps its ids and times, and what is here already stays."""

from dataclasses import replace
from typing import Any

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
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
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
    NodeType,
    ParentContext,
)
from headwater.model.ids import TypeId
from headwater.model.transfer import Claim, LastIds, NodeKey, Standing, Taken
from headwater.model.upkeep import Expiry
from headwater.model.values import ProtoValue, ValueKind
from tests.contract.builders import NODE_KINDS, START_MS, add_artifacts, put_type

ARTIFACT, EXECUTION, CONTEXT = NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT
ENTITIES: dict[NodeKind, Any] = {ARTIFACT: Artifact, EXECUTION: Execution, CONTEXT: Context}
TABLE = NodeType(
    id=TypeId(30),
    kind=ARTIFACT,
    name="Table",
    version="v1",
    description="rows",
    properties={"n": ValueKind.INT},
    base_type="mlmd.Dataset",
    external_id="x",
)
STEP = NodeType(id=TypeId(31), kind=EXECUTION, name="Step", input_type="{}", output_type="{}")
GROUP = NodeType(id=TypeId(40), kind=CONTEXT, name="Group")
TYPES = [TABLE, STEP, GROUP]
TYPE_OF = {each.kind: each for each in TYPES}
VALUES = {"i": 1, "d": 0.1, "s": "é\x00", "b": True, "m": {"k": [1.0, None]}, "p": ProtoValue("t/x", b"\x00")}


@pytest.fixture
def filled(store):
    """A store with the three types."""
    store.transfer.take_types(TYPES)
    return store


def test_types_keep_their_ids(store):
    assert store.transfer.clashes(TYPES) == []
    assert store.transfer.take_types(TYPES) == Taken(added=3)

    assert store.types.get([each.id for each in TYPES]) == TYPES
    assert store.types.find(ARTIFACT, "Table", "v1") == TABLE
    assert put_type(store, ARTIFACT, "next") > GROUP.id


def test_types_that_are_here_gain_what_they_lack(store):
    store.transfer.take_types([replace(TABLE, base_type=None, external_id=None), STEP, GROUP])
    grown = replace(TABLE, properties={"n": ValueKind.INT, "m": ValueKind.STRING})

    assert store.transfer.take_types([grown, STEP, GROUP]) == Taken(changed=1)
    assert store.transfer.take_types([TABLE, STEP, GROUP]) == Taken()

    assert store.types.get([TABLE.id]) == [replace(grown, properties=dict(sorted(grown.properties.items())))]


@pytest.mark.parametrize(
    ("coming", "problem"),
    [
        (replace(STEP, id=TABLE.id), "type 30 is 'Step' there and 'Table' here"),
        (replace(TABLE, id=TypeId(50)), "type 'Table' has the id 50 there and 30 here"),
        (replace(TABLE, properties={"n": ValueKind.STRING}), "property 'n' of type 'Table' is STRING there"),
        (replace(TABLE, base_type="mlmd.Model"), "has the base type 'mlmd.Model' there, 'mlmd.Dataset' here"),
        (replace(STEP, external_id="x"), "external id 'x' belongs to type 'Table' here"),
    ],
    ids=["taken-id", "other-id", "other-kind", "other-base", "taken-external-id"],
)
def test_types_that_clash_are_refused_with_all_others(store, coming, problem):
    store.transfer.take_types([TABLE])
    free = NodeType(id=TypeId(60), kind=CONTEXT, name="free")

    [clash] = store.transfer.clashes([free, coming])
    with pytest.raises(ConflictError) as caught:
        store.transfer.take_types([free, coming])

    assert problem in clash
    assert str(caught.value) == clash
    assert store.types.find(CONTEXT, "free") is None


def test_types_that_are_there_twice_are_refused(store):
    twice = [GROUP, replace(GROUP, id=TypeId(50))]

    assert store.transfer.clashes(twice) == ["types 40 and 50 are both 'Group' there"]
    with pytest.raises(ConflictError, match="both 'Group'"):
        store.transfer.take_types(twice)


def test_unused_system_types_make_room(store):
    names = {each.name for each in SYSTEM_TYPES}
    mine = NodeType(id=TypeId(1), kind=EXECUTION, name="Trainer")
    theirs = NodeType(id=TypeId(20), kind=ARTIFACT, name="mlmd.Model")

    store.transfer.take_types([mine, theirs])

    found = {each.name: each.id for kind in NodeKind for each in store.types.all(kind)}
    assert found.keys() == names | {"Trainer"}
    assert (found["Trainer"], found["mlmd.Model"], found["mlmd.Dataset"]) == (1, 20, 21)
    assert store.types.find(ARTIFACT, "mlmd.Dataset").id == 21
    assert put_type(store, CONTEXT, "next") > 21


def test_used_system_types_stay(store):
    put_type(store, ARTIFACT, "T", base_type="mlmd.Dataset")
    store.executions.add([NewExecution(type_id=TypeId(5))])

    clashes = store.transfer.clashes([NodeType(id=TypeId(i), kind=CONTEXT, name=f"c{i}") for i in (1, 2, 5)])

    assert clashes == [
        "type 1 is 'c1' there and 'mlmd.Dataset' here",
        "type 5 is 'c5' there and 'mlmd.Train' here",
    ]


@pytest.mark.parametrize("kind", NODE_KINDS)
def test_nodes_keep_ids_times_and_values(filled, kind):
    coming = [node(kind, 7, name="ä", external_id="e", custom_properties=VALUES), node(kind, 9, name="b")]
    if kind is ARTIFACT:
        coming[0] = replace(
            coming[0], uri="u", state=ArtifactState.LIVE, properties={"n": 3}, digest="d", size_bytes=1
        )
    if kind is EXECUTION:
        coming[0] = replace(coming[0], params={"lr": 0.1})

    assert filled.transfer.compare(kind, [key(each) for each in coming]) == [Standing.NEW] * 2
    assert filled.transfer.take_nodes(kind, coming) == Taken(added=2)

    assert nodes_of(filled, kind).get([7, 9]) == coming
    assert filled.transfer.count_properties(kind, [7, 9]) == len(VALUES) + (kind is ARTIFACT)
    assert add_one(filled, kind) > 9


@pytest.mark.parametrize("kind", NODE_KINDS)
def test_taking_nodes_again_changes_only_those_that_are_older_here(filled, kind):
    same, older, newer = (node(kind, i, name=f"n{i}", custom_properties={"k": i}) for i in (1, 2, 3))
    filled.transfer.take_nodes(kind, [same, older, newer])
    changed = replace(
        older, updated_ms=older.updated_ms + 5, custom_properties={"other": "x"}, external_id="e"
    )
    stale = replace(newer, updated_ms=newer.updated_ms - 5, custom_properties={})
    coming = [same, changed, stale]

    standings = filled.transfer.compare(kind, [key(each) for each in coming])
    taken = filled.transfer.take_nodes(kind, coming)

    assert standings == [Standing.SAME, Standing.OLDER, Standing.NEWER]
    assert taken == Taken(changed=1)
    assert nodes_of(filled, kind).get([1, 2, 3]) == [same, replace(changed, revision=2), newer]


def test_nodes_stay_deleted(filled):
    filled.transfer.take_nodes(ARTIFACT, [node(ARTIFACT, 1)])
    filled.artifacts.delete([1])

    filled.transfer.take_nodes(ARTIFACT, [replace(node(ARTIFACT, 1), updated_ms=START_MS)])

    [found] = filled.artifacts.get([1])
    assert (found.updated_ms, found.deleted_ms) == (START_MS, START_MS)


def test_nodes_that_were_removed_here_stay_so(filled, clock):
    gone = node(ARTIFACT, 1)
    filled.transfer.take_nodes(ARTIFACT, [gone])
    filled.transfer.take_nodes(CONTEXT, [node(CONTEXT, 1, name="c")])
    filled.artifacts.delete([1])
    filled.upkeep.remove(Expiry(nodes_ms=clock.tick(), keys_ms=0))

    standing = filled.transfer.compare(ARTIFACT, [key(gone)])
    taken = filled.transfer.take_nodes(ARTIFACT, [gone])
    linked = filled.transfer.take_memberships([Attribution(1, 1)])

    assert (standing, taken, linked) == ([Standing.REMOVED], Taken(), 0)
    assert filled.artifacts.page().items == ()


@pytest.mark.parametrize("change", [{"created_ms": 1}, {"type_id": TypeId(1)}, {"name": "other"}])
def test_another_node_under_the_id_is_a_conflict_and_nothing_is_stored(filled, change):
    filled.transfer.take_nodes(ARTIFACT, [node(ARTIFACT, 1, name="n")])
    other = replace(node(ARTIFACT, 1, name="n"), **change)

    assert filled.transfer.compare(ARTIFACT, [key(other)]) == [Standing.OTHER]
    with pytest.raises(ConflictError, match="artifact 1 is another one here"):
        filled.transfer.take_nodes(ARTIFACT, [node(ARTIFACT, 2), other])
    assert [each.id for each in filled.artifacts.page().items] == [1]


def test_a_context_may_have_another_name_by_now(filled):
    filled.transfer.take_nodes(CONTEXT, [node(CONTEXT, 1, name="a"), node(CONTEXT, 2, name="b")])
    swapped = [replace(node(CONTEXT, i, name=name), updated_ms=START_MS) for i, name in ((1, "b"), (2, "a"))]

    assert filled.transfer.take_nodes(CONTEXT, swapped) == Taken(changed=2)

    assert [each.name for each in filled.contexts.get([1, 2])] == ["b", "a"]


@pytest.mark.parametrize("kind", NODE_KINDS)
def test_names_and_external_ids_of_others_are_told(filled, kind):
    filled.transfer.take_nodes(kind, [node(kind, 1, name="n", external_id="e"), node(kind, 2, name="m")])
    coming = [node(kind, 3, name="n"), node(kind, 4, name="free", external_id="e"), node(kind, 2, name="m")]

    claims = filled.transfer.claims(kind, [key(each) for each in coming])

    assert sorted(claims, key=lambda each: each.id) == [
        Claim(id=3, holder_id=1, field="name", value="n"),
        Claim(id=4, holder_id=1, field="external_id", value="e"),
    ]
    with pytest.raises(ConflictError):
        filled.transfer.take_nodes(kind, coming)
    assert len(nodes_of(filled, kind).page().items) == 2


def test_nodes_that_cannot_be_stored_are_named(filled):
    with pytest.raises(InvalidError, match=r"artifact 8 cannot be stored: name 'xxx.* not 501"):
        filled.transfer.take_nodes(ARTIFACT, [node(ARTIFACT, 7), node(ARTIFACT, 8, name="x" * 501)])
    with pytest.raises(NotFoundError, match="artifact type 31"):
        filled.transfer.take_nodes(ARTIFACT, [replace(node(ARTIFACT, 7), type_id=STEP.id)])
    with pytest.raises(InvalidError, match="context 7 has no name"):
        filled.transfer.take_nodes(CONTEXT, [node(CONTEXT, 7, name="")])
    assert filled.artifacts.page().items == ()


def test_edges_are_taken_once(filled):
    for kind, times in ((ARTIFACT, 10), (EXECUTION, 20), (CONTEXT, 30)):
        filled.transfer.take_nodes(
            kind, [replace(node(kind, i, name=f"{i}"), created_ms=times) for i in (1, 2)]
        )
    events = [
        edge(1, 1, EventType.INPUT, ("a", 0, "é")),
        edge(2, 1, EventType.OUTPUT),
        edge(99, 1, EventType.INPUT),
    ]
    links = ([Attribution(1, 1), Attribution(9, 1)], [Association(2, 2)], [ParentContext(1, 2)])

    taken = filled.transfer.take_events(events[:2]), filled.transfer.take_events(events)
    linked = filled.transfer.take_memberships(*links), filled.transfer.take_memberships(*links)

    assert (taken, linked) == ((2, 1), (3, 0))
    assert filled.links.events_of_executions([1]) == sorted(events, key=lambda e: (e.type, e.artifact_id))
    assert filled.links.contexts_of_artifacts([1]) == [Attribution(1, 1)]
    assert filled.links.executions_of_contexts([2]) == [Association(2, 2)]
    assert filled.links.parents([1]) == [ParentContext(1, 2)]


def test_a_membership_is_as_old_as_the_younger_of_its_nodes(filled):
    filled.transfer.take_nodes(ARTIFACT, [replace(node(ARTIFACT, 1), created_ms=10)])
    filled.transfer.take_nodes(CONTEXT, [replace(node(CONTEXT, 1, name="c"), created_ms=30)])

    filled.transfer.take_memberships([Attribution(1, 1)])

    assert filled.at(29).links.contexts_of_artifacts([1]) == []
    assert filled.at(30).links.contexts_of_artifacts([1]) == [Attribution(1, 1)]


def test_reserved_ids_are_not_handed_out(filled):
    last = LastIds(types=100, artifacts=200, executions=300, contexts=400)
    filled.transfer.reserve(last)
    filled.transfer.reserve(LastIds(types=1, artifacts=1, executions=1, contexts=1))

    given = [
        put_type(filled, CONTEXT, "next"),
        *(add_one(filled, kind) for kind in (ARTIFACT, EXECUTION, CONTEXT)),
    ]

    assert [one > least for one, least in zip(given, (100, 200, 300, 400), strict=True)] == [True] * 4
    assert filled.upkeep.check(silent_since_ms=0) == []


def test_reserving_an_id_that_is_taken_changes_nothing(filled):
    [first, second] = add_artifacts(filled, 2)

    filled.transfer.reserve(LastIds(artifacts=first))

    assert add_one(filled, ARTIFACT) > second


def node(kind: NodeKind, node_id: int, **fields: Any) -> Any:
    """A node of the other store."""
    if kind is CONTEXT:
        fields = {"name": f"c{node_id}", **fields}
    own = TYPE_OF[kind]
    times = {"created_ms": 1_000, "updated_ms": 2_000}
    return ENTITIES[kind](id=node_id, type_id=own.id, type_name=own.name, **times, **fields)


def key(one: Any) -> NodeKey:
    """What tells a node from all others."""
    names = ("id", "type_id", "name", "external_id", "created_ms", "updated_ms")
    return NodeKey(**{name: getattr(one, name) for name in names})


def edge(artifact: int, execution: int, kind: EventType, path: tuple[str | int, ...] = ()) -> Event:
    """An event of the other store."""
    return Event(artifact_id=artifact, execution_id=execution, type=kind, path=path, time_ms=5)


def nodes_of(store: Any, kind: NodeKind) -> Any:
    """The part of a store for a kind."""
    return {ARTIFACT: store.artifacts, EXECUTION: store.executions, CONTEXT: store.contexts}[kind]


def add_one(store: Any, kind: NodeKind) -> int:
    """Store a node of the store's own and return its id."""
    new: Any = {ARTIFACT: NewArtifact, EXECUTION: NewExecution, CONTEXT: NewContext}[kind]
    return nodes_of(store, kind).add([new(type_id=TYPE_OF[kind].id, name="its own")])[0]


def test_nodes_take_the_times_that_they_had_elsewhere(store, api):
    node, other = api.add("a"), api.add("b")
    before = api.get(other)

    store.transfer.date(api.kind, {node: (1000, 2000), 10**9: (1, 1)})

    found = api.get(node)
    assert (found.created_ms, found.updated_ms, found.revision) == (1000, 2000, 1)
    assert api.get(other) == before
