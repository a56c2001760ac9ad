"""Registered models, their versions and aliases."""

import math

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.data import NewDataVersion
from headwater.model.graph import ArtifactState, Attribution, EventType, NewArtifact, NodeKind
from headwater.model.models import Deprecation, ModelVersion, NewVersion, RegisteredModel
from headwater.model.refs import ModelRef, parse_ref
from tests.contract.builders import START_MS, add_artifacts, add_executions, add_versions, event, move

NAMES = ["flights/late", "a@b", "50%", "a/3", "models/x/1", "%2F", "😀 é", "a b"]
UNUSABLE = ["", "x" * 251, " a", "a ", "/a", "a/", "a\nb", "a\x00b", "\ud800", "%" * 200]
UNUSABLE_IDS = [
    "empty",
    "long",
    "leading-space",
    "trailing-space",
    "leading-slash",
    "trailing-slash",
    "newline",
    "nul",
    "surrogate",
    "long-when-quoted",
]


def set_alias(store, alias, version, model="m"):
    """Move an alias."""
    store.models.set_alias(model, alias, version, actor="ann", reason="because")


def test_register_stores_every_field(store):
    model = store.models.register("m", description="what it does", tags={"team": "x", "n": 1})

    assert model == RegisteredModel(
        id=model.id,
        name="m",
        description="what it does",
        tags={"team": "x", "n": 1},
        created_ms=START_MS,
        updated_ms=START_MS,
    )
    assert store.models.get("m") == model
    assert store.contexts.get([model.id])[0].type_name == builtin.REGISTERED_MODEL.name


def test_register_again_returns_what_is_there(store):
    first = store.models.register("m", description="first")

    assert store.models.register("m", description="second", tags={"a": 1}) == first


@pytest.mark.parametrize("name", UNUSABLE, ids=UNUSABLE_IDS)
def test_unusable_names_are_refused(store, name):
    with pytest.raises(InvalidError):
        store.models.register(name)
    with pytest.raises(InvalidError):
        store.models.add_version(NewVersion(model=name), actor="ann")

    assert store.contexts.page().items == ()


def test_a_model_that_has_to_be_new_is_not_there_yet(store):
    model = store.models.register("m", actor="ann", is_new=True)

    assert model.name == "m"
    with pytest.raises(ConflictError, match="already"):
        store.models.register("m", is_new=True)
    store.models.delete("m", actor="ann", reason="")
    with pytest.raises(ConflictError, match="deleted"):
        store.models.register("m", is_new=True)


def test_deleted_model_is_not_registered_anew(store):
    model = store.models.register("m")
    store.contexts.delete([model.id])

    with pytest.raises(ConflictError, match="deleted"):
        store.models.register("m")
    with pytest.raises(ConflictError, match="deleted"):
        add_versions(store)
    with pytest.raises(NotFoundError):
        store.models.get("m")


def test_unknown_model_is_refused_with_near_names(store):
    for name in ("late-flights", "early-flights", "other"):
        store.models.register(name)

    with pytest.raises(NotFoundError) as caught:
        store.models.get("late-flight")

    assert caught.value.near[0] == "late-flights"
    assert "other" not in caught.value.near


def test_names_differ_by_case_and_accent(store):
    ids = [store.models.register(name).id for name in ("m", "M", "é", "e")]

    assert [store.models.get(name).id for name in ("m", "M", "é", "e")] == ids


def test_add_version_stores_every_field(store):
    [run] = add_executions(store)
    new = NewVersion(
        model="m",
        uri="s3://b/m",
        digest="d",
        size_bytes=7,
        description="trained on all",
        properties={"format": "skops", "is_safe": True, "signature": {"in": ["x"]}},
        metrics={"auc": 0.5, "loss": math.inf, "n": 3},
        params={"lr": 0.1},
        tags={"t": 1},
        execution_id=run,
    )

    version = store.models.add_version(new, actor="ann")

    assert version == ModelVersion(
        id=version.id,
        model_id=store.models.get("m").id,
        model="m",
        version=1,
        stage="none",
        description="trained on all",
        uri="s3://b/m",
        digest="d",
        size_bytes=7,
        properties={**new.properties, "description": "trained on all"},
        metrics={"auc": 0.5, "loss": math.inf, "n": 3.0},
        params={"lr": 0.1},
        tags={"t": 1},
        execution_id=run,
        created_ms=START_MS,
        updated_ms=START_MS,
    )
    assert store.models.version("m", 1) == version


def test_version_is_a_live_artifact_of_the_model_and_output_of_the_run(store):
    [run] = add_executions(store)

    version = store.models.add_version(NewVersion(model="m", execution_id=run), actor="ann")

    artifact = store.artifacts.get([version.id])[0]
    assert (artifact.type_name, artifact.state) == (builtin.MODEL.name, ArtifactState.LIVE)
    assert store.links.contexts_of_artifacts([version.id]) == [Attribution(version.model_id, version.id)]
    assert store.links.events_of_artifacts([version.id]) == [
        event(version.id, run, EventType.OUTPUT, time_ms=START_MS)
    ]


def test_versions_are_numbered_per_model(store):
    assert [v.version for v in add_versions(store, "a", 3)] == [1, 2, 3]
    assert [v.version for v in add_versions(store, "b", 2)] == [1, 2]
    assert store.models.get("a").version_count == 3


def test_number_of_a_deleted_version_is_not_used_again(store):
    [version] = add_versions(store)
    store.artifacts.delete([version.id])

    assert add_versions(store)[0].version == 2
    assert store.models.version("m", 1).deleted_ms == START_MS


def test_stored_artifact_can_become_a_version(store):
    store.models.register("m")
    add_versions(store)
    kind = store.types.find(NodeKind.ARTIFACT, builtin.MODEL.name).id
    stored = store.artifacts.add([NewArtifact(type_id=kind, uri="u", digest="d")])[0]

    new = NewVersion(model="m", artifact_id=stored, metrics={"auc": 1.0}, tags={"t": 1}, description="x")
    version = store.models.add_version(new, actor="ann")

    assert (version.id, version.version, version.uri, version.digest) == (stored, 2, "u", "d")
    assert (version.metrics, version.tags, version.description) == ({"auc": 1.0}, {"t": 1}, "x")


def test_artifact_becomes_a_version_only_once(store):
    [version] = add_versions(store)

    with pytest.raises(ConflictError):
        store.models.add_version(NewVersion(model="other", artifact_id=version.id), actor="ann")

    assert store.models.version("m", 1) == version


def test_artifact_of_another_type_is_no_version(store):
    [stored] = add_artifacts(store)

    with pytest.raises(InvalidError, match=builtin.MODEL.name):
        store.models.add_version(NewVersion(model="m", artifact_id=stored), actor="ann")

    assert store.ledger.entries() == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"execution_id": 10**9}, NotFoundError),
        ({"artifact_id": 10**9}, NotFoundError),
        ({"properties": {"undeclared": 1}}, InvalidError),
        ({"metrics": {"x" * 501: 1.0}}, InvalidError),
        ({"digest": "x" * 501}, InvalidError),
    ],
    ids=["unknown-run", "unknown-artifact", "undeclared-property", "long-metric", "long-digest"],
)
def test_fault_registers_nothing(store, fields, error):
    with pytest.raises(error):
        store.models.add_version(NewVersion(model="m", **fields), actor="ann")

    assert (store.contexts.page().items, store.artifacts.page().items, store.ledger.entries()) == ((), (), [])


@pytest.mark.parametrize("actor", ["", "x" * 501], ids=["empty", "long"])
def test_unusable_actor_is_refused(store, actor):
    with pytest.raises(InvalidError, match="actor"):
        store.models.add_version(NewVersion(model="m"), actor=actor)


@pytest.mark.parametrize("number", [0, -1, 2, 2**40], ids=str)
def test_unknown_version_is_refused(store, number):
    add_versions(store)

    with pytest.raises(NotFoundError, match="no model version"):
        store.models.version("m", number)


def test_versions_are_found_by_artifact_in_order(store):
    one, two = add_versions(store, number=2)
    [other] = add_artifacts(store)

    assert store.models.by_artifact_ids([two.id, other, one.id]) == [two, one]
    assert store.models.by_artifact_ids([]) == []


def test_data_versions_are_no_model_versions(store):
    data = store.data.add_version(NewDataVersion(name="m", digest="d"))

    assert store.models.by_artifact_ids([data.id]) == []


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_work_everywhere(store, name):
    for n in ("a", "models/x"):
        add_versions(store, n, 3)
        move(store, 3, model=n)
    add_versions(store, name, 2)

    move(store, 1, model=name)
    move(store, 2, model=name)
    set_alias(store, "champion", 1, name)

    assert store.models.previous_holder(name, "production").ref == str(ModelRef(name, 1))
    assert parse_ref(store.models.resolve(name, "champion").ref) == ModelRef(name, 1)
    assert len(store.ledger.entries(subject=str(ModelRef(name)))) == 5
    assert len(store.ledger.entries(subject=str(ModelRef(name, 2)))) == 2


def test_alias_names_one_version_and_moves(store):
    one, two = add_versions(store, number=2)
    set_alias(store, "champion", 1)
    set_alias(store, "b", 1)

    assert store.models.resolve("m", "champion").aliases == ("b", "champion")
    set_alias(store, "champion", 2)

    assert store.models.resolve("m", "champion").version == two.version
    assert store.models.get("m").aliases == {"b": one.version, "champion": two.version}
    assert store.models.version("m", 1).aliases == ("b",)


def test_alias_can_be_removed(store):
    add_versions(store)
    set_alias(store, "champion", 1)

    set_alias(store, "champion", None)

    assert store.models.get("m").aliases == {}
    with pytest.raises(NotFoundError):
        store.models.resolve("m", "champion")


def test_removing_an_alias_that_is_not_there_is_refused(store):
    add_versions(store)

    with pytest.raises(NotFoundError, match="alias"):
        set_alias(store, "champion", None)

    assert len(store.ledger.entries()) == 1


def test_alias_to_an_unknown_version_is_refused_and_stays(store):
    add_versions(store)
    set_alias(store, "champion", 1)

    with pytest.raises(NotFoundError, match="model version"):
        set_alias(store, "champion", 9)

    assert store.models.get("m").aliases == {"champion": 1}


@pytest.mark.parametrize(
    "alias", ["", "1", "v1", "latest", "production", "none", "a b", "a/b", "a@b", "x" * 129, "a\n"]
)
def test_unusable_alias_is_refused(store, alias):
    add_versions(store)

    with pytest.raises(InvalidError):
        set_alias(store, alias, 1)

    assert store.models.get("m").aliases == {}


def test_alias_is_noted_in_the_ledger(store):
    add_versions(store, number=2)
    set_alias(store, "champion", 1)
    set_alias(store, "champion", 2)

    entry = store.ledger.entries()[-1]

    assert (entry.action, entry.subject, entry.reason) == ("alias", "models/m", "because")
    assert entry.details == {"alias": "champion", "from": 1, "to": 2}


def test_latest_is_the_greatest_number(store):
    add_versions(store, number=3)
    move(store, 1)

    assert store.models.resolve("m", "latest").version == 3


def test_stage_resolves_to_the_newest_version_in_it(store):
    add_versions(store, number=3)
    for number in (2, 1):
        move(store, number, "staging")

    assert store.models.resolve("m", "staging").version == 2
    assert store.models.get("m").stages == {"staging": 2}


def test_newest_are_those_of_each_stage_without_deleted_ones(store):
    add_versions(store, number=5)
    add_versions(store, "other")
    store.models.register("empty")
    for number in (3, 2):
        move(store, number, "staging")
    store.models.delete("m", 5, actor="ann", reason="because")
    models = [store.models.get(name) for name in ("other", "m", "empty")]

    found = store.models.newest([*(model.id for model in models), 10**9])

    assert found == [
        store.models.version("m", 3),
        store.models.version("m", 4),
        store.models.version("other", 1),
    ]
    assert store.models.newest([]) == []


def test_facts_of_a_version_are_the_same_by_whichever_way_it_is_found(store):
    made = add_versions(store, number=2)[1]
    run = add_executions(store)[0]
    store.links.add_events([event(made.id, run, EventType.OUTPUT)])
    set_alias(store, "b", 2)
    set_alias(store, "a", 2)
    store.models.deprecate("m", 2, actor="é", reason="because")
    found = store.models.version("m", 2)

    assert (found.aliases, found.execution_id) == (("a", "b"), run)
    assert found.deprecation == Deprecation(reason="because", actor="é", time_ms=START_MS)
    assert store.models.resolve("m", "a") == store.models.resolve("m", "latest") == found
    assert store.models.by_artifact_ids([made.id]) == [found]
    assert store.models.newest([made.model_id]) == [found]


@pytest.mark.parametrize("label", ["production", "champion", "none", "", "no such"])
def test_label_that_no_version_has_is_refused(store, label):
    add_versions(store)

    with pytest.raises(NotFoundError, match="no model version"):
        store.models.resolve("m", label)


def test_latest_of_a_model_without_versions_is_refused(store):
    store.models.register("m")

    with pytest.raises(NotFoundError, match="no model version"):
        store.models.resolve("m", "latest")


@pytest.mark.parametrize(
    "call",
    [
        lambda models: models.version("no", 1),
        lambda models: models.resolve("no", "latest"),
        lambda models: models.previous_holder("no", "production"),
        lambda models: models.set_alias("no", "champion", 1, actor="a", reason="r"),
    ],
    ids=["version", "resolve", "previous-holder", "set-alias"],
)
def test_unknown_model_is_refused_by(store, call):
    with pytest.raises(NotFoundError, match="no registered model 'no'"):
        call(store.models)
