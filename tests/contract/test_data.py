"""Data sets and their versions."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.data import DataSet, DataVersion, NewDataVersion
from headwater.model.graph import ArtifactState, Attribution
from tests.contract.builders import START_MS, add_artifacts, add_versions


def add(store, name="d", digest="x", **fields):
    """Record a data version."""
    return store.data.add_version(NewDataVersion(name=name, digest=digest, **fields))


def test_add_version_stores_every_field(store):
    facts = {"format": "csv", "row_count": 3, "schema": {"a": "int"}}

    version = add(store, uri="file:///d", size_bytes=9, properties=facts)

    assert version == DataVersion(
        id=version.id,
        dataset_id=version.dataset_id,
        name="d",
        version=1,
        digest="x",
        uri="file:///d",
        size_bytes=9,
        properties=facts,
        created_ms=START_MS,
    )
    assert store.data.version("d", 1) == version


def test_version_is_a_live_artifact_of_its_data_set(store):
    version = add(store)

    artifact = store.artifacts.get([version.id])[0]
    assert (artifact.type_name, artifact.state, artifact.digest) == (
        builtin.DATASET.name,
        ArtifactState.LIVE,
        "x",
    )
    assert store.links.contexts_of_artifacts([version.id]) == [Attribution(version.dataset_id, version.id)]


def test_same_content_again_is_the_stored_version(store, clock):
    first = add(store, uri="one")
    clock.tick()

    assert add(store, uri="two", properties={"row_count": 1}) == first
    assert store.data.versions("d") == [first]


def test_content_is_told_apart_by_every_letter(store):
    digests = ["x", "X", "x ", "xx", "é", "e\u0301"]

    assert [add(store, digest=d).version for d in digests] == [1, 2, 3, 4, 5, 6]


def test_same_content_under_another_name_is_another_version(store):
    assert add(store, "a").id != add(store, "b").id


def test_same_content_after_other_content_is_the_old_version(store):
    first = add(store, digest="1")
    add(store, digest="2")

    assert add(store, digest="1") == first
    assert store.data.version("d").version == 2


def test_newest_version_is_the_default(store):
    versions = [add(store, digest=str(i)) for i in range(3)]

    assert store.data.version("d") == versions[2]
    assert store.data.version("d", 2) == versions[1]
    assert store.data.versions("d") == versions


@pytest.mark.parametrize("number", [0, 2, -1], ids=str)
def test_unknown_version_is_refused(store, number):
    add(store)

    with pytest.raises(NotFoundError, match="no data version"):
        store.data.version("d", number)


def test_unknown_data_set_is_refused_with_near_names(store):
    add(store, "flights/train")

    with pytest.raises(NotFoundError, match="did you mean flights/train"):
        store.data.version("flights/trian")

    assert store.data.versions("nobody") == []


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "/a", "a/", "x" * 251, "a\x00", "%" * 200],
    ids=[
        "empty",
        "leading-space",
        "trailing-space",
        "leading-slash",
        "trailing-slash",
        "long",
        "nul",
        "escapes",
    ],
)
def test_unusable_names_are_refused(store, name):
    with pytest.raises(InvalidError):
        add(store, name)

    assert store.data.all() == []


@pytest.mark.parametrize(
    "fields",
    [{"digest": "x" * 501}, {"digest": ""}, {"properties": {"undeclared": 1}}, {"size_bytes": -1}],
    ids=["long-digest", "no-digest", "undeclared-property", "negative-size"],
)
def test_unusable_version_is_refused_with_its_data_set(store, fields):
    with pytest.raises(InvalidError):
        add(store, **fields)

    assert store.data.all() == []


def test_all_data_sets_are_by_name_with_their_counts(store):
    add(store, "b")
    add(store, "B")
    a = add(store, "a", "1")
    add(store, "a", "2")

    found = store.data.all()

    assert found[1] == DataSet(
        id=a.dataset_id, name="a", version_count=2, created_ms=START_MS, updated_ms=START_MS
    )
    assert [(d.name, d.version_count) for d in found] == [("B", 1), ("a", 2), ("b", 1)]


def test_deleted_data_set_is_left_out_and_not_written_to(store):
    version = add(store)
    store.contexts.delete([version.dataset_id])

    assert store.data.all() == store.data.versions("d") == []
    with pytest.raises(ConflictError, match="deleted"):
        add(store, digest="new")
    assert store.data.by_artifact_ids([version.id]) == [version]


def test_versions_are_found_by_artifact_in_order(store):
    one, two = add(store, digest="1"), add(store, digest="2")
    [other] = add_artifacts(store)
    [model] = add_versions(store)

    assert store.data.by_artifact_ids([two.id, other, model.id, one.id]) == [two, one]
    assert store.data.by_artifact_ids([]) == []


def test_decisions_on_data_leave_the_ledger_alone(store):
    add(store)

    assert store.ledger.entries() == []
