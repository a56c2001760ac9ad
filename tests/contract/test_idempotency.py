"""Idempotency keys: a request that is sent again changes nothing and gets the first answer."""

import pytest

from headwater.errors import ConflictError, InvalidError
from headwater.model.graph import NewExecution, NodeKind, Publication
from headwater.model.models import NewVersion
from tests.contract.builders import put_type


def test_add_again_returns_the_first_ids(api):
    new = [api.new("a"), api.new("b", custom_properties={"x": float("nan")})]
    first = api.nodes.add(new, key="k")

    assert api.nodes.add(new, key="k") == first
    assert [n.id for n in api.all()] == first


def test_update_again_changes_nothing(api):
    stored = api.add()
    change = [api.change(stored, touch=True, expect_revision=1)]
    api.nodes.update(change, key="k")

    api.nodes.update(change, key="k")

    assert api.get(stored).revision == 2


def test_publish_again_returns_the_first_answer(store):
    kind = put_type(store, NodeKind.EXECUTION)
    publication = Publication(execution=NewExecution(type_id=kind))
    first = store.links.publish(publication, key="k")

    assert store.links.publish(publication, key="k") == first
    assert len(store.executions.page().items) == 1


def test_version_again_is_the_first_version(store):
    new = NewVersion(model="m", digest="d")
    first = store.models.add_version(new, actor="ann", key="k")

    assert store.models.add_version(new, actor="ann", key="k") == first
    assert (store.models.get("m").version_count, len(store.ledger.entries())) == (1, 1)


def test_key_of_another_request_is_refused(api):
    api.nodes.add([api.new("a")], key="k")

    with pytest.raises(ConflictError, match="another request"):
        api.nodes.add([api.new("b")], key="k")

    assert [n.name for n in api.all()] == ["a"]


def test_key_of_another_method_is_refused(api):
    stored = api.nodes.add([api.new("a")], key="k")[0]

    with pytest.raises(ConflictError, match="another request"):
        api.nodes.update([api.change(stored, touch=True)], key="k")


def test_key_of_a_failed_request_can_be_used_again(api):
    taken = api.add("taken")
    with pytest.raises(ConflictError, match="name"):
        api.nodes.add([api.new("taken")], key="k")

    assert api.nodes.add([api.new("free")], key="k") != [taken]


def test_requests_without_key_are_all_different(store):
    kind = put_type(store, NodeKind.EXECUTION)
    new = [NewExecution(type_id=kind)]

    assert store.executions.add(new) != store.executions.add(new)


@pytest.mark.parametrize(
    "key", ["x" * 500, "\x00", "a ", "\ud800"], ids=["longest", "nul", "space", "surrogate"]
)
def test_odd_keys_are_keys(api, key):
    first = api.nodes.add([api.new("a")], key=key)

    assert api.nodes.add([api.new("a")], key=key) == first


def test_keys_differ_by_case_and_trailing_space(api):
    for i, key in enumerate(["k", "K", "k "]):
        api.nodes.add([api.new(str(i))], key=key)

    assert [n.name for n in api.all()] == ["0", "1", "2"]


@pytest.mark.parametrize("key", ["", "x" * 501], ids=["empty", "too-long"])
def test_unusable_keys_are_refused(api, key):
    with pytest.raises(InvalidError, match="idempotency key"):
        api.nodes.add([api.new("a")], key=key)

    assert api.all() == []


def test_key_survives_reopening(store, api, open_again, backend):
    if backend == "memory":
        pytest.skip("a store in memory is gone when it closes")
    first = api.nodes.add([api.new("a")], key="k")

    again = {NodeKind.ARTIFACT: "artifacts", NodeKind.EXECUTION: "executions", NodeKind.CONTEXT: "contexts"}
    assert getattr(open_again(), again[api.kind]).add([api.new("a")], key="k") == first
