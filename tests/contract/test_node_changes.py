"""Changing, deleting and restoring nodes."""

import math

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, StaleWriteError
from headwater.model.graph import (
    ArtifactChange,
    ArtifactState,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewExecution,
    NodeKind,
)
from tests.contract.builders import START_MS, put_type


def test_update_sets_adds_and_deletes_properties(api, clock):
    stored = api.add(properties={"int": 1, "string": "a"}, custom_properties={"x": 1, "y": 2})
    now = clock.tick(5)

    changed = api.update(
        stored,
        properties={"int": 2, "string": None, "double": 0.5},
        custom_properties={"x": None, "z": "new"},
    )

    assert changed == api.stored(
        stored,
        properties={"int": 2, "double": 0.5},
        custom_properties={"y": 2, "z": "new"},
        updated_ms=now,
        revision=2,
    )


def test_update_can_replace_all_properties(api):
    stored = api.add(properties={"int": 1, "string": "a"}, custom_properties={"x": 1})

    changed = api.update(stored, properties={"int": 1}, replace_properties=True)

    assert (changed.properties, changed.custom_properties) == ({"int": 1}, {"x": 1})


def test_update_can_replace_all_custom_properties_by_none(api):
    stored = api.add(properties={"int": 1}, custom_properties={"x": 1, "y": 2})

    changed = api.update(stored, replace_custom_properties=True)

    assert (changed.properties, changed.custom_properties) == ({"int": 1}, {})


def test_update_can_change_the_kind_of_a_custom_property(api):
    stored = api.add(custom_properties={"x": 1})

    assert api.update(stored, custom_properties={"x": "1"}).custom_properties == {"x": "1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(0.0, -0.0), (1, True), (1, 1.0), ({"a": 1}, {"a": True}), ({"a": 0.0}, {"a": -0.0}), ("a", "a ")],
    ids=["sign-of-zero", "bool", "float", "bool-in-struct", "zero-in-struct", "space"],
)
def test_update_notices_a_small_difference(api, before, after):
    stored = api.add(custom_properties={"x": before})

    changed = api.update(stored, custom_properties={"x": after})

    assert (repr(changed.custom_properties["x"]), changed.revision) == (repr(after), 2)


@pytest.mark.parametrize(
    "value",
    [math.nan, "text", {"a": [math.nan]}, b"", 0, False, math.inf],
    ids=["nan", "str", "nan-in-struct", "bytes", "zero", "false", "inf"],
)
def test_equal_value_changes_nothing(api, clock, value):
    stored = api.add(external_id="x", custom_properties={"v": value})
    clock.tick()

    changed = api.update(stored, external_id="x", custom_properties={"v": value, "not there": None})

    assert (changed.updated_ms, changed.revision) == (START_MS, 1)


def test_touch_counts_as_a_change(api, clock):
    stored = api.add()
    now = clock.tick()

    assert api.update(stored, touch=True) == api.stored(stored, updated_ms=now, revision=2)


def test_change_is_later_than_the_one_before_though_the_clock_stands_still(api):
    stored = api.add()

    api.update(stored, touch=True)
    changed = api.update(stored, touch=True)

    assert (changed.updated_ms, changed.revision) == (START_MS + 2, 3)


def test_external_id_is_set_kept_and_cleared(api):
    stored = api.add()

    assert api.update(stored, external_id="x").external_id == "x"
    assert api.update(stored, touch=True).external_id == "x"
    assert api.update(stored, external_id=None).external_id is None


def test_artifact_fields_change_and_clear(store):
    kind = put_type(store, NodeKind.ARTIFACT)
    own = {"uri": "u", "state": ArtifactState.PENDING, "digest": "d", "size_bytes": 1}
    stored = store.artifacts.add([NewArtifact(type_id=kind, **own)])[0]

    change = ArtifactChange(id=stored, uri="v", state=ArtifactState.LIVE, size_bytes=None)
    store.artifacts.update([change])

    found = store.artifacts.get([stored])[0]
    assert (found.uri, found.state, found.digest, found.size_bytes) == ("v", ArtifactState.LIVE, "d", None)


def test_execution_state_changes_and_params_stay(store):
    kind = put_type(store, NodeKind.EXECUTION)
    stored = store.executions.add([NewExecution(type_id=kind, params={"a": 1})])[0]

    store.executions.update([ExecutionChange(id=stored, state=ExecutionState.COMPLETE)])

    found = store.executions.get([stored])[0]
    assert (found.state, found.params, found.revision) == (ExecutionState.COMPLETE, {"a": 1}, 2)


def test_stale_write_is_refused_and_names_both_revisions(api):
    stored = api.add()
    api.update(stored, touch=True, expect_revision=1)

    with pytest.raises(StaleWriteError, match="at revision 2, not 1") as caught:
        api.update(stored, custom_properties={"x": 1}, expect_revision=1)

    assert (caught.value.expected, caught.value.found) == (1, 2)
    assert api.get(stored).custom_properties == {}


def test_update_is_all_or_none(api):
    a, b = api.nodes.add([api.new("a"), api.new("b")])

    with pytest.raises(StaleWriteError):
        api.nodes.update(
            [api.change(a, custom_properties={"x": 1}), api.change(b, touch=True, expect_revision=9)]
        )

    assert api.nodes.get([a, b]) == [api.stored(a, "a"), api.stored(b, "b")]


def test_update_of_an_unknown_node_is_refused(api):
    with pytest.raises(NotFoundError):
        api.nodes.update([api.change(10**9, touch=True)])


@pytest.mark.parametrize("number", [2, 130], ids=["few", "bulk"])
def test_each_of_many_changes_is_kept(api, number):
    ids = api.nodes.add([api.new(f"n{i}", custom_properties={"i": i, "old": 1}) for i in range(number)])

    api.nodes.update(
        [api.change(node, custom_properties={"i": -i, "old": None, "new": "x"}) for i, node in enumerate(ids)]
    )

    found = [(node.name, node.custom_properties, node.revision) for node in api.nodes.get(ids)]
    assert found == [(f"n{i}", {"i": -i, "new": "x"}, 2) for i in range(number)]


def test_update_of_nothing_does_nothing(api):
    assert api.nodes.update([]) is None


def test_two_changes_of_one_node_apply_one_after_the_other(api):
    stored = api.add(external_id="old", custom_properties={"x": 0, "gone": 1})

    api.nodes.update(
        [
            api.change(stored, external_id="new", custom_properties={"x": 1, "gone": None}),
            api.change(stored, external_id="old", custom_properties={"x": 0, "gone": 2}, expect_revision=2),
        ]
    )

    found = api.get(stored)
    assert (found.external_id, found.custom_properties, found.revision) == ("old", {"x": 0, "gone": 2}, 3)


def test_an_external_id_that_one_node_gives_up_is_free_for_the_next(api):
    first, second = api.add("a", external_id="x"), api.add("b", external_id="y", custom_properties={"k": 1})

    api.nodes.update(
        [
            api.change(first, external_id=None),
            api.change(second, external_id="x", custom_properties={"k": 2}),
            api.change(first, external_id="y"),
        ]
    )

    assert [api.get(node).external_id for node in (first, second)] == ["y", "x"]
    assert api.get(second).custom_properties == {"k": 2}


def test_update_to_a_taken_external_id_is_refused(api):
    api.add("a", external_id="x")
    b = api.add("b")

    with pytest.raises(ConflictError, match="external id"):
        api.update(b, external_id="x")

    assert api.get(b) == api.stored(b, "b")


@pytest.mark.parametrize(
    "fields",
    [
        {"properties": {"int": "text"}},
        {"properties": {"undeclared": 1}},
        {"custom_properties": {"x" * 501: 1}},
        {"external_id": "x" * 501},
    ],
    ids=["wrong-kind", "undeclared", "long-key", "long-external-id"],
)
def test_unusable_change_is_refused(api, fields):
    stored = api.add()

    with pytest.raises(InvalidError):
        api.update(stored, touch=True, **fields)

    assert api.get(stored) == api.stored(stored)


def test_deleted_node_is_still_found_by_id_with_its_time(api, clock):
    stored = api.add()
    now = clock.tick()

    api.nodes.delete([stored])

    assert api.get(stored) == api.stored(stored, deleted_ms=now, revision=2)
    assert api.nodes.find(api.type_id, "node").deleted_ms == now


def test_deleting_again_changes_nothing(api, clock):
    stored = api.add()
    api.nodes.delete([stored])
    before = api.get(stored)
    clock.tick()

    api.nodes.delete([stored])

    assert api.get(stored) == before


def test_restore_takes_the_mark_away(api):
    stored = api.add()
    api.nodes.delete([stored])

    api.nodes.restore([stored])

    assert api.get(stored) == api.stored(stored, revision=3)


def test_restoring_what_is_not_deleted_changes_nothing(api):
    stored = api.add()

    api.nodes.restore([stored])

    assert api.get(stored) == api.stored(stored)


def test_name_of_a_deleted_node_stays_taken(api):
    api.nodes.delete([api.add()])

    with pytest.raises(ConflictError):
        api.add()


@pytest.mark.parametrize("verb", ["delete", "restore"])
def test_unknown_nodes_are_refused_and_none_is_changed(api, verb):
    stored = api.add()
    if verb == "restore":
        api.nodes.delete([stored])
    before = api.get(stored)

    with pytest.raises(NotFoundError):
        getattr(api.nodes, verb)([stored, 10**9])

    assert api.get(stored) == before


def test_delete_and_restore_of_nothing_do_nothing(api):
    api.nodes.delete([])
    api.nodes.restore([])

    assert api.all() == []
