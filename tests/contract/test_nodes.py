"""Adding and reading nodes: one rule for artifacts, executions and contexts."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.filters import Entity
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Execution,
    ExecutionState,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
)
from headwater.model.listing import Listing
from headwater.model.values import ProtoValue
from headwater.query.parse import parse_order
from tests.contract.builders import START_MS, put_type

VALUES = {
    "int": 1,
    "double": 0.5,
    "string": "text",
    "struct": {"a": [1, None]},
    "proto": ProtoValue("type.example/T", b"\x00\xff"),
    "boolean": True,
    "bytes": b"\x00\xff",
}
FREE = {"note": "free", "n": -1}


def test_add_stores_every_common_field(api):
    stored = api.add("n", external_id="x", properties=VALUES, custom_properties=FREE)

    assert api.get(stored) == api.stored(
        stored, "n", external_id="x", properties=VALUES, custom_properties=FREE
    )


def test_artifact_keeps_its_own_fields(store):
    kind = put_type(store, NodeKind.ARTIFACT)
    own = {"uri": "s3://b/k", "state": ArtifactState.LIVE, "digest": "d", "size_bytes": 2**63 - 1}

    stored = store.artifacts.add([NewArtifact(type_id=kind, **own)])[0]

    times = {"created_ms": START_MS, "updated_ms": START_MS}
    assert store.artifacts.get([stored]) == [Artifact(id=stored, type_id=kind, type_name="T", **own, **times)]


def test_execution_keeps_params_apart_from_properties(store):
    kind = put_type(store, NodeKind.EXECUTION)

    new = NewExecution(
        type_id=kind, state=ExecutionState.RUNNING, params={"lr": 0.1}, custom_properties={"lr": "x"}
    )
    stored = store.executions.add([new])[0]

    times = {"created_ms": START_MS, "updated_ms": START_MS}
    assert store.executions.get([stored]) == [
        Execution(
            id=stored,
            type_id=kind,
            type_name="T",
            state=ExecutionState.RUNNING,
            params={"lr": 0.1},
            custom_properties={"lr": "x"},
            **times,
        )
    ]


# SQLite takes 64 rows at once, as long as there are as many.
@pytest.mark.parametrize("number", [1, 3, 64, 65, 66, 130, 1200], ids=lambda n: f"{n}-nodes")
def test_add_returns_ids_aligned_with_its_input(api, number):
    new = [api.new(f"n{i}", custom_properties={"i": i}) for i in range(number)]

    ids = api.nodes.add(new)

    assert len(set(ids)) == number
    assert api.nodes.get(ids) == [
        api.stored(node_id, f"n{i}", custom_properties={"i": i}) for i, node_id in enumerate(ids)
    ]


def test_add_of_nothing_returns_nothing(api):
    assert api.nodes.add([]) == []


@pytest.mark.parametrize("number", [2, 70], ids=["few", "bulk"])
def test_add_is_all_or_none_when_a_name_is_taken(api, number):
    api.add("taken")

    with pytest.raises(ConflictError, match="with this type and name is stored already"):
        api.nodes.add([api.new(f"n{i}") for i in range(number)] + [api.new("taken")])

    assert [node.name for node in api.all()] == ["taken"]


@pytest.mark.parametrize("number", [2, 70], ids=["few", "bulk"])
def test_add_refuses_one_name_twice_in_a_call(api, number):
    with pytest.raises(ConflictError):
        api.nodes.add([api.new("same")] * number)

    assert api.all() == []


def test_one_name_may_stand_under_two_types(api, store):
    other = put_type(store, api.kind, "Other")

    ids = api.nodes.add([api.new("n"), api.new("n", type_id=other)])

    assert [api.nodes.find(api.type_id, "n").id, api.nodes.find(other, "n").id] == ids


def test_nodes_without_name_never_collide(store):
    kind = put_type(store, NodeKind.ARTIFACT)

    assert len(set(store.artifacts.add([NewArtifact(type_id=kind)] * 3))) == 3


@pytest.mark.parametrize("name", [None, ""], ids=["none", "empty"])
def test_context_needs_a_name(store, name):
    kind = put_type(store, NodeKind.CONTEXT)

    with pytest.raises(InvalidError, match="needs a name"):
        store.contexts.add([NewContext(type_id=kind, name=name)])


def test_taken_external_id_is_refused(api):
    api.add("a", external_id="x")

    with pytest.raises(ConflictError, match="with this external id is stored already"):
        api.add("b", external_id="x")

    assert [node.name for node in api.all()] == ["a"]


def test_unknown_type_is_refused(api):
    with pytest.raises(NotFoundError):
        api.add(type_id=10**9)


def test_type_of_another_kind_is_refused(api, store):
    other = put_type(store, NodeKind((api.kind + 1) % 3), "Other")

    with pytest.raises(NotFoundError):
        api.add(type_id=other)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"undeclared": 1}, "Found unknown property: undeclared"),
        ({"double": 1}, "Found unmatched property type: double"),
        ({"int": True}, "Found unmatched property type: int"),
        ({"string": b"x"}, "Found unmatched property type: string"),
        ({"int": 2**63}, "64 bits"),
        ({"struct": object()}, "cannot hold a object"),
    ],
    ids=["undeclared", "int-for-double", "bool-for-int", "bytes-for-string", "too-large", "object"],
)
def test_wrong_property_is_refused(api, properties, message):
    with pytest.raises(InvalidError, match=message):
        api.nodes.add([api.new("good"), api.new("bad", properties=properties)])

    assert api.all() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 1000},
        {"name": "x" * 501},
        {"name": "\x00" * 251},
        {"external_id": "x" * 501},
        {"custom_properties": {"x" * 501: 1}},
        {"custom_properties": {"": 1}},
        {"custom_properties": {"\x00" * 251: 1}},
    ],
    ids=["name-1000", "name-501", "name-of-nul", "external-id", "key-501", "key-empty", "key-of-nul"],
)
def test_unusable_names_are_refused(api, fields):
    with pytest.raises(InvalidError):
        api.nodes.add([api.new("good"), api.new(**fields)])

    assert api.all() == []


@pytest.mark.parametrize("field", [{"digest": "x" * 501}, {"size_bytes": 2**63}], ids=["digest", "size"])
def test_unusable_artifact_fields_are_refused(store, field):
    kind = put_type(store, NodeKind.ARTIFACT)

    with pytest.raises(InvalidError):
        store.artifacts.add([NewArtifact(type_id=kind, **field)])

    assert store.artifacts.page().items == ()


def test_longest_names_are_stored_and_found(api):
    longest = "😀" * 500

    stored = api.add(longest, external_id=longest, custom_properties={longest: longest})

    assert api.nodes.find(api.type_id, longest).id == stored
    assert api.nodes.by_external_ids([longest])[0].custom_properties == {longest: longest}


@pytest.mark.parametrize(
    "others",
    [
        ("Name", "name", "NAME"),
        ("a", "a ", "a  "),
        (" a", "a"),
        ("ss", "ß"),
        ("é", "e\u0301", "e"),
        ("a\x00", "a"),
        ("\uf8ff0", "\x00"),
        ("\ud800", "\ud801"),
        ("a\tb", "a b"),
    ],
    ids=[
        "case",
        "trailing-spaces",
        "leading-space",
        "sharp-s",
        "accents",
        "nul",
        "escape",
        "surrogates",
        "tab",
    ],
)
def test_names_and_external_ids_differ_by(api, others):
    ids = api.nodes.add([api.new(text, external_id=text) for text in others])

    assert [api.nodes.find(api.type_id, text).id for text in others] == ids
    assert [api.nodes.by_external_ids([text])[0].id for text in others] == ids
    assert [node.name for node in api.nodes.get(ids)] == list(others)


def test_get_keeps_the_order_and_leaves_out_the_unknown(api):
    a, b = api.nodes.add([api.new("a"), api.new("b")])

    assert [n.name for n in api.nodes.get([b, 10**9, a, -1, 0, b])] == ["b", "a", "b"]
    assert api.nodes.get([]) == []


@pytest.mark.parametrize("beyond", [2**63, 2**70, -(2**70)], ids=["2^63", "2^70", "-2^70"])
def test_ids_beyond_64_bits_are_unknown(api, beyond):
    a = api.add("a")

    assert [n.id for n in api.nodes.get([beyond, a])] == [a]


def test_a_node_is_the_same_alone_and_among_others(api):
    # Sorted by name, and not as they are handed over; one node has no properties at all.
    ids = [
        api.add("full", properties=VALUES, custom_properties={"z": 1, "é": 2, "Z": "\x00", "a": 3}),
        api.add("bare"),
        api.add("deleted", custom_properties=FREE),
    ]
    api.nodes.delete(ids[2:])

    among_others = api.nodes.get(ids)

    assert [api.nodes.get([i])[0] for i in ids] == among_others
    assert [api.nodes.find(api.type_id, node.name) for node in among_others] == among_others
    assert [*among_others[0].custom_properties] == [*api.nodes.get(ids[:1])[0].custom_properties]


def test_get_takes_many_ids(api):
    ids = api.nodes.add([api.new(f"n{i}") for i in range(3000)])

    assert [n.id for n in api.nodes.get(ids[::-1])] == ids[::-1]


def test_find_of_what_is_not_there_is_none(api, store):
    api.add("a")
    other = put_type(store, api.kind, "Other")

    assert api.nodes.find(api.type_id, "b") is None
    assert api.nodes.find(other, "a") is None
    assert api.nodes.find(api.type_id, "x" * 1000) is None


def test_by_external_ids_are_by_id_and_leave_out_the_unknown(api):
    a, b = api.nodes.add([api.new("a", external_id="2"), api.new("b", external_id="1")])

    assert [n.id for n in api.nodes.by_external_ids(["1", "nobody", "2", "2"])] == [a, b]
    assert api.nodes.by_external_ids([]) == []


def test_many_external_ids_are_looked_up_at_once(api):
    ids = api.nodes.add([api.new(f"n{i}", external_id=f"x{i}") for i in range(1100)])

    assert [n.id for n in api.nodes.by_external_ids([f"x{i}" for i in range(1100)])] == ids


@pytest.mark.parametrize("look_up", ["uri", "digest"])
def test_artifacts_are_found_by(store, look_up):
    kind = put_type(store, NodeKind.ARTIFACT)
    a, b, _ = store.artifacts.add([NewArtifact(type_id=kind, **{look_up: t}) for t in ("x", "x", "X")])

    find = {"uri": store.artifacts.by_uris, "digest": store.artifacts.by_digests}[look_up]

    assert [n.id for n in find(["x", "y"])] == [a, b]
    assert find([]) == []


def test_long_uris_are_stored_and_told_apart(store):
    kind = put_type(store, NodeKind.ARTIFACT)
    # Random letters: a database that compresses what it indexes must not save the day.
    long = "".join(chr(33 + hash((i, "uri")) % 90) for i in range(20_000))

    a, _ = store.artifacts.add([NewArtifact(type_id=kind, uri=long + end) for end in "ab"])

    assert [n.id for n in store.artifacts.by_uris([long + "a"])] == [a]


def test_ids_are_never_used_twice_in_one_kind(api):
    first = api.add("a")
    with pytest.raises(ConflictError):
        api.nodes.add([api.new("b"), api.new("a")])

    assert api.add("c") > first


def test_page_lists_by_id(api):
    ids = api.nodes.add([api.new(n) for n in "zay"])

    assert [n.id for n in api.nodes.page(Listing()).items] == ids


@pytest.mark.parametrize("order", ["id", "name", "tags.note"])
def test_every_page_has_whole_nodes(api, order):
    # U+F8FF marks what no database can hold, and is text itself.
    names = ["a\x00", "b\uf8ffe", "c\uf8ff0", "d\ud800"]
    ids = [api.add(name, properties=VALUES, custom_properties={"note": name}) for name in names]

    found, token = [], None
    while token is not None or not found:
        orders = parse_order(order, Entity(api.kind.name.lower()))
        page = api.nodes.page(Listing(order_by=orders, limit=1, page_token=token))
        found, token = [*found, *page.items], page.next_token

    assert found == api.nodes.get(ids)
