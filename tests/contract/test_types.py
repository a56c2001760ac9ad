"""Types: put, evolve, find."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.graph import NewArtifact, NewType, NodeKind, NodeType
from headwater.model.ids import TypeId
from headwater.model.values import ValueKind
from tests.contract.builders import DECLARED, put_type

ARTIFACT, EXECUTION, CONTEXT = NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT
INT, STRING = ValueKind.INT, ValueKind.STRING


def test_put_stores_every_field(store):
    base = put_type(store, ARTIFACT, "Base")
    new = NewType(
        kind=ARTIFACT,
        name="Full",
        version="v1",
        description="all of it",
        properties=DECLARED,
        base_type="Base",
        external_id="ext",
        input_type="in",
        output_type="out",
    )

    stored = store.types.put([new])[0]

    expected = NodeType(
        id=stored,
        kind=ARTIFACT,
        name="Full",
        version="v1",
        description="all of it",
        properties=DECLARED,
        base_type="Base",
        external_id="ext",
        input_type="in",
        output_type="out",
    )
    assert store.types.get([stored]) == [expected]
    assert stored != base


def test_new_store_has_the_system_types_under_ids_from_one(store):
    found = store.types.get([TypeId(i) for i in range(1, 10)])

    assert [(t.id, t.kind, t.name) for t in found] == [
        (i, t.kind, t.name) for i, t in enumerate(SYSTEM_TYPES, start=1)
    ]


def test_put_again_returns_the_same_id(store):
    new = NewType(kind=ARTIFACT, name="T", properties={"a": INT})

    assert store.types.put([new]) == store.types.put([new])


def test_put_is_aligned_with_its_input(store):
    a, b, again = store.types.put(
        [NewType(kind=ARTIFACT, name=n) for n in ("a", "b", "a")],
    )

    assert a == again
    assert [t.name for t in store.types.get([b, a])] == ["b", "a"]


def test_put_of_nothing_returns_nothing(store):
    assert store.types.put([]) == []


@pytest.mark.parametrize(
    "other",
    [
        NewType(kind=EXECUTION, name="T"),
        NewType(kind=ARTIFACT, name="T", version="2"),
        NewType(kind=ARTIFACT, name="t"),
        NewType(kind=ARTIFACT, name="T "),
    ],
    ids=["kind", "version", "letter-case", "trailing-space"],
)
def test_types_differ_by(store, other):
    first = put_type(store, ARTIFACT, "T")

    assert store.types.put([other]) != [first]


def test_empty_version_is_no_version(store):
    first = put_type(store, ARTIFACT, "T")

    assert put_type(store, ARTIFACT, "T", version="") == first
    assert store.types.get([first])[0].version is None


def test_put_is_all_or_none(store):
    put_type(store, ARTIFACT, "T", properties={"a": INT})

    with pytest.raises(ConflictError):
        store.types.put(
            [NewType(kind=ARTIFACT, name="New"), NewType(kind=ARTIFACT, name="T", properties={"a": STRING})]
        )

    assert store.types.find(ARTIFACT, "New") is None


def test_new_property_needs_can_add(store):
    first = put_type(store, ARTIFACT, "T", properties={"a": INT})
    wider = NewType(kind=ARTIFACT, name="T", properties={"a": INT, "b": STRING})

    with pytest.raises(ConflictError, match="can_add"):
        store.types.put([wider])
    assert store.types.put([wider], can_add=True) == [first]

    assert store.types.get([first])[0].properties == {"a": INT, "b": STRING}


def test_left_out_property_needs_can_omit_and_stays(store):
    first = put_type(store, ARTIFACT, "T", properties={"a": INT, "b": STRING})
    narrower = NewType(kind=ARTIFACT, name="T", properties={"a": INT})

    with pytest.raises(ConflictError, match="can_omit"):
        store.types.put([narrower])
    assert store.types.put([narrower], can_omit=True) == [first]

    assert store.types.get([first])[0].properties == {"a": INT, "b": STRING}


def test_kind_of_a_property_never_changes(store):
    put_type(store, ARTIFACT, "T", properties={"a": INT})

    with pytest.raises(ConflictError, match="it cannot become STRING"):
        store.types.put(
            [NewType(kind=ARTIFACT, name="T", properties={"a": STRING})], can_add=True, can_omit=True
        )


def test_unknown_base_type_is_refused(store):
    with pytest.raises(NotFoundError, match="Missing"):
        put_type(store, ARTIFACT, "T", base_type="Missing")

    assert store.types.find(ARTIFACT, "T") is None


def test_base_type_is_of_the_same_kind(store):
    with pytest.raises(NotFoundError):
        put_type(store, EXECUTION, "T", base_type="mlmd.Dataset")


def test_base_type_can_be_added_but_not_changed(store):
    first = put_type(store, ARTIFACT, "T")
    put_type(store, ARTIFACT, "T", base_type="mlmd.Dataset")

    with pytest.raises(ConflictError, match="base type"):
        put_type(store, ARTIFACT, "T", base_type="mlmd.Model")

    assert store.types.get([first])[0].base_type == "mlmd.Dataset"


def test_external_id_can_be_added_and_is_not_cleared(store):
    first = put_type(store, ARTIFACT, "T")

    put_type(store, ARTIFACT, "T", external_id="x")
    put_type(store, ARTIFACT, "T")

    assert store.types.get([first])[0].external_id == "x"


@pytest.mark.parametrize("is_stored", [False, True], ids=["new-type", "stored-type"])
def test_external_id_of_another_type_is_refused(store, is_stored):
    put_type(store, ARTIFACT, "Other", external_id="x")
    if is_stored:
        put_type(store, ARTIFACT, "T")

    with pytest.raises(ConflictError):
        put_type(store, ARTIFACT, "T", external_id="x")


def test_get_keeps_the_order_and_leaves_out_the_unknown(store):
    a, b = store.types.put([NewType(kind=ARTIFACT, name=n) for n in ("a", "b")])

    assert [t.name for t in store.types.get([b, TypeId(10**9), a])] == ["b", "a"]
    assert store.types.get([]) == []


def test_find_without_version_finds_only_the_type_without(store):
    put_type(store, ARTIFACT, "T", version="1")

    assert store.types.find(ARTIFACT, "T") is None
    assert store.types.find(ARTIFACT, "T", "2") is None
    assert store.types.find(ARTIFACT, "T", "1").version == "1"


def test_all_returns_one_kind_by_id(store):
    ids = store.types.put([NewType(kind=CONTEXT, name=n) for n in ("z", "a")])
    put_type(store, ARTIFACT, "other")

    assert [t.id for t in store.types.all(CONTEXT)] == ids


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 501},
        {"name": "T", "version": "x" * 129},
        {"name": "T", "external_id": ""},
        {"name": "T", "external_id": "x" * 501},
        {"name": "T", "properties": {"": INT}},
        {"name": "T", "properties": {"x" * 501: INT}},
        {"name": "\x00" * 300},
        {"name": "T", "properties": {"\ud800" * 200: INT}},
    ],
    ids=[
        "no-name",
        "name",
        "version",
        "no-external-id",
        "external-id",
        "no-property",
        "property",
        "name-of-nul",
        "property-of-surrogates",
    ],
)
def test_unusable_names_are_refused(store, fields):
    with pytest.raises(InvalidError):
        store.types.put([NewType(kind=CONTEXT, **fields)])

    assert store.types.all(CONTEXT) == []


def test_longest_names_are_stored(store):
    new = NewType(kind=CONTEXT, name="😀" * 500, version="é" * 128, properties={"x" * 500: INT})

    stored = store.types.put([new])[0]

    found = store.types.find(CONTEXT, new.name, new.version)
    assert (found.id, found.name, found.version, found.properties) == (
        stored,
        new.name,
        new.version,
        new.properties,
    )


def test_property_added_by_another_process_can_be_used_at_once(store, open_again, backend):
    if backend == "memory":
        pytest.skip("a store in memory is seen by one process only")
    kind = put_type(store, ARTIFACT, "T", properties={"a": INT})
    store.artifacts.add([NewArtifact(type_id=kind, properties={"a": 1})])

    wider = NewType(kind=ARTIFACT, name="T", properties={"a": INT, "b": INT})
    open_again().types.put([wider], can_add=True)
    added = store.artifacts.add([NewArtifact(type_id=kind, properties={"b": 2})])

    assert store.artifacts.get(added)[0].properties == {"b": 2}
