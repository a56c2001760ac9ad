"""The real client's models, unchanged, against a server of ours."""

import uuid
from contextlib import ExitStack

import pytest

import headwater as hw
from headwater.model.models import NewVersion
from headwater.model.release import Policy, ReleaseProcess
from tests.compat.mlflow.peer import ClientError
from tests.compat.mlflow.serving import serving

pytestmark = pytest.mark.xdist_group("mlflow")


def fresh(name: str) -> str:
    """Return a name that nobody has used."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request, peer, tmp_path):
    """The client, told to use a server over each database, and that server."""
    with ExitStack() as opened:
        if request.param == "sqlite":
            served = request.getfixturevalue("server")
        else:
            url = request.getfixturevalue("fresh_postgresql_url")()
            served = opened.enter_context(serving(url, tmp_path / "blobs"))
        peer.run("use", url=served.url)
        yield peer, served


def test_a_trained_model_is_registered_loaded_and_seen_natively(anywhere):
    client, server = anywhere
    name = fresh("late")

    found = client.run("train", experiment=fresh("train"), name=name)

    model_id, run_id = found["model_id"], found["run_id"]
    assert found["predicted"] == [[0, 0, 1, 1]] * 6
    assert found["version"] == ["1", run_id, "Production", f"models:/{model_id}"]
    assert (found["status"], found["outputs"], found["inputs"]) == ("READY", [model_id], [model_id])
    assert "MLmodel" in found["files"]
    with hw.connect(server.store_url, blobs=server.blobs_url) as native:
        version = native.models[name]["champion"]
        assert (version.stage, version.metrics["training_accuracy_score"]) == ("production", 1.0)
        assert version.params["C"] == "1.0"
        native.blobs.verify(version.digest)
        upstream = str(native.lineage(f"models/{name}/1").upstream())
        assert f"runs/{run_id[:8]}" in upstream
        assert "data/dataset/" in upstream
        assert len(native.store.links.events_of_artifacts([version.id])) == 2
        assert [(e.action, e.actor) for e in native.models[name].history()] == [
            ("register", "mlflow"),
            ("register", "mlflow"),
            ("alias", "mlflow"),
            ("promote", "mlflow"),
        ]


def test_every_call_on_registered_models(anywhere):
    client, _ = anywhere
    name = fresh("calls")
    found = client.run("every_call", name=name)

    version = {"description": "", "run_id": "", "status": "READY", "aliases": []}
    assert found == {
        "created": [name, "what it does", {"team": "ops"}, {}, []],
        "again": "RESOURCE_ALREADY_EXISTS",
        "uri": "s3://bucket/0",
        "versions": [
            {
                **version,
                "version": "1",
                "stage": "Archived",
                "description": "the first",
                "source": "s3://bucket/0",
                "tags": {"n": "0", "seen": "yes"},
                "aliases": ["b"],
            },
            {
                **version,
                "version": "2",
                "stage": "Archived",
                "source": "s3://bucket/1",
                "tags": {"n": "1"},
                "aliases": ["a"],
            },
            {
                **version,
                "version": "3",
                "stage": "Production",
                "source": "s3://bucket/2",
                "tags": {"n": "2"},
            },
        ],
        "latest": [["2", "Archived"], ["3", "Production"]],
        "of stage": ["2"],
        "renamed": [True, {"team": "ml"}, "better", {"a": "2", "b": "1"}],
        "old name": "RESOURCE_DOES_NOT_EXIST",
        "no alias": "INVALID_PARAMETER_VALUE",
        "deleted": "RESOURCE_DOES_NOT_EXIST",
        "alias went along": {},
        "next": "4",
        "held": "RESOURCE_CONFLICT",
        "gone": "RESOURCE_DOES_NOT_EXIST",
    }


def test_models_are_searched(anywhere):
    client, _ = anywhere

    assert client.run("searched", prefix=fresh("find")) == {
        "all": ["a", "b", "c"],
        "desc": ["c", "b", "a"],
        "pages": [2, ["c"]],
        "tag": ["b"],
        "not": ["a", "c"],
        "in": ["a", "c"],
        "or": ["a", "b"],
        "ilike": ["b"],
        "prompts": ["prompt"],
        "no prompts": ["a", "b", "c"],
        "versions": ["a1", "a2"],
        "default": ["c2", "b2", "a2"],
        "number": ["a2", "b2", "c2"],
        "source": ["b1"],
        "bad": "INVALID_PARAMETER_VALUE",
        "bad order": "INVALID_PARAMETER_VALUE",
        "too many": "INVALID_PARAMETER_VALUE",
    }


def test_mistakes_and_attacks_through_sources_have_the_codes_that_the_client_knows(client):
    bad, missing = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"

    assert client.run("mistakes", name=fresh("wrong")) == {
        "no model": missing,
        "no version": missing,
        "bad version": bad,
        "bad name": bad,
        "blank": bad,
        "reserved": [bad] * 3,
        "alias of nothing": missing,
        "stage": bad,
        "archive": bad,
        "local": bad,
        "file": bad,
        "up": [bad] * 6,
        "of another run": bad,
        "of no run": bad,
        "own": None,
        "runs of another": bad,
        "no logged model": bad,
        "backslash": bad,
    }


def test_logged_models_are_searched(anywhere):
    client, _ = anywhere

    assert client.run("logged", experiment=fresh("logged")) == {
        "first": ["one", "READY", {"more": "yes"}, {"p": "0", "q": "7"}, "agent"],
        "metrics": [["auc", 0.0, 0, None], ["auc", 1.0, 9, "d"]],
        "all": ["three", "two", "one"],
        "ready": ["one"],
        "name": ["three", "two"],
        "metric": ["one", "two"],
        "param": ["three"],
        "tag": ["two"],
        "data": ["three", "two", "one"],
        "no data": [],
        "bad": "INVALID_PARAMETER_VALUE",
        "bad order": "INVALID_PARAMETER_VALUE",
        "deleted": "RESOURCE_DOES_NOT_EXIST",
        "left": 2,
    }


def test_a_native_version_is_downloaded_and_says_that_it_is_no_mlflow_model(client, server, tmp_path):
    name = fresh("native")
    (tmp_path / "m" / "sub").mkdir(parents=True)
    (tmp_path / "m" / "weights").write_text("1 2 3")
    (tmp_path / "m" / "sub" / "card").write_text("a card")
    with hw.connect(server.store_url, blobs=server.blobs_url) as native:
        folder = native.blobs.put_folder(tmp_path / "m")
        version = native.store.models.add_version(
            NewVersion(model=name, digest=folder.digest, size_bytes=folder.size_bytes), actor="ann"
        )

    found = client.run("native", name=name)

    assert found["source"] == f"mlflow-artifacts:/headwater/{version.id}"
    assert found["files"] == {"sub/card": "a card", "weights": "1 2 3"}
    assert "MLmodel" in found["problem"]
    query = {"name": name, "version": "1", "path": "sub/card"}
    assert server.http.get("/model-versions/get-artifact", params=query).text == "a card"
    outside = server.http.get("/model-versions/get-artifact", params={**query, "path": "../../x"})
    assert outside.status_code == 400
    refused = server.http.put(f"/api/2.0/mlflow-artifacts/artifacts/headwater/{version.id}/x", content=b"x")
    assert (refused.status_code, "never change" in refused.json()["message"]) == (400, True)


def test_a_logged_model_that_is_registered_twice_is_two_versions_of_the_same_bytes(client, store):
    names = [fresh("one"), fresh("two")]

    location, expected = client.run("twice", experiment=fresh("twice"), names=names)

    versions = [store.models.version(names[0], 1), *(store.models.version(names[1], n) for n in (1, 2))]
    assert location == expected
    assert len({version.id for version in versions}) == 3
    assert {version.uri for version in versions} == {location}


def test_a_policy_holds_and_its_refusal_says_what_is_missing(client, store):
    name = fresh("strict")
    store.models.add_version(NewVersion(model=name), actor="ann")
    policy = ReleaseProcess(policies={"production": Policy(requires=("bias",), approvals=1)})
    store.releases.set_process(policy, name=name, actor="boss", reason="rules")

    with pytest.raises(ClientError) as refused:
        client.run("move", name=name, version="1", stage="Production")

    assert refused.value.code == "RESOURCE_CONFLICT"
    assert "no verdict of gate 'bias'" in str(refused.value)
    assert "approvals" in str(refused.value)
    assert store.models.version(name, 1).stage == "none"


def test_prompts_are_models_that_searches_hide(client):
    assert client.run("prompts", name=fresh("hello")) == ["Hello {{who}}", 1, "RESOURCE_ALREADY_EXISTS"]
