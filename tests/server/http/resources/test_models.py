import threading
from pathlib import Path

from headwater.model.data import NewDataVersion
from headwater.model.release import Policy, ReleaseProcess
from tests.server.http.rest import Rest


def register(rest: Rest, name: str = "late", number: int = 2) -> str:
    """Register versions of a model and return its path."""
    for _ in range(number):
        rest.post(
            f"/models/{name}/versions", {"uri": "s3://b/m", "metrics": {"auc": 0.6}, "actor": "ann"}, 201
        )
    return f"/models/{name}"


def promote(rest: Rest, path: str, version: int, seen: str | None = None, **more):
    """Move a version to production; `seen` is the ETag of the model, by default the present one."""
    seen = rest.ask("GET", path).etag if seen is None else seen
    body = {"version": version, "reason": "better", "actor": "ann", **more}
    return rest.ask("POST", f"{path}/transitions", body, headers={"If-Match": seen})


def test_models_and_versions_are_registered_listed_and_read(rest: Rest):
    [model] = rest.post("/models", [{"name": "late", "owner": "ann", "actor": "ann"}], 201)
    path = register(rest)

    assert rest.get(path) == model | {"version_count": 2}
    assert [m["name"] for m in rest.get("/models", q="name = 'late'")["items"]] == ["late"]
    versions = rest.get(f"{path}/versions", sort="version desc", q="metrics.auc > 0.5")
    assert [v["ref"] for v in versions["items"]] == ["models/late/2", "models/late/1"]
    assert (versions["total"]["count"], rest.get("/versions")["total"]["count"]) == (2, 2)
    assert rest.get("/versions", fields="ref", limit=1)["items"] == [{"ref": "models/late/1"}]


def test_a_model_that_is_not_there_has_near_names(rest: Rest):
    register(rest)

    fault = rest.fault("GET", "/models/lats")

    assert (fault["status"], fault["near"], fault["fix"]) == (404, ["late"], "did you mean late?")
    assert rest.fault("GET", "/models/lats/versions")["status"] == 404


def test_a_name_may_hold_slashes(rest: Rest):
    path = register(rest, "flights/late", 1)

    assert rest.get(path)["name"] == "flights/late"
    assert rest.get(f"{path}/versions/1")["version"]["ref"] == "models/flights/late/1"


def test_a_version_tells_where_it_stands(rest: Rest):
    path = register(rest)
    data = rest.store.data.add_version(NewDataVersion(name="flights", digest="blake3:1"))
    roc = {"name": "roc", "digest": "blake3:aa", "size_bytes": 3}
    evidence = {"facts": {"gain": 0.02}, "baseline": 1, "data": [data.ref], "exhibits": [roc]}
    verdict = {"gate": "model", "outcome": "pass", "actor": "gate", **evidence}
    rest.post(f"{path}/versions/2/verdicts", verdict, 201)
    promote(rest, path, 2)
    rest.post(f"{path}/deployments", {"target": "eu-1", "version": 1, "actor": "ops"}, 201)

    found = rest.get(f"{path}/versions/production")

    assert found["version"]["version"] == 2
    (told,) = found["verdicts"]
    assert {key: told[key] for key in verdict} == verdict
    assert found["disagreements"] == ["models/late/2 is in production, but version 1 runs at eu-1"]
    assert [d["target"] for d in rest.get(f"{path}/deployments")["items"]] == ["eu-1"]


def test_a_dry_run_tells_what_a_move_lacks_and_moves_nothing(rest: Rest):
    path = register(rest)
    rest.store.releases.set_process(
        ReleaseProcess(policies={"production": Policy(requires=("model",), approvals=1)}),
        actor="ann",
        reason="safety",
    )
    move = {"version": 2, "reason": "r", "actor": "ann"}

    found = rest.post(f"{path}/transitions?dry_run=1", move)
    refused = promote(rest, path, 2)

    assert [need["kind"] for need in found["missing"]] == ["verdict", "approval"]
    assert (refused.status, refused.json["code"]) == (409, "unmet")
    assert "verdict" in refused.json["fix"]
    assert rest.get(path)["stages"] == {}
    assert rest.get(f"{path}/process")["policies"]["production"]["requires"] == ["model"]


def test_a_promotion_says_what_it_has_seen(rest: Rest):
    path = register(rest)
    move = {"version": 1, "reason": "r", "actor": "ann"}
    seen = rest.ask("GET", path).etag

    blind = rest.fault("POST", f"{path}/transitions", move)
    first = promote(rest, path, 1, seen)
    late = promote(rest, path, 2, seen)

    assert (blind["status"], blind["code"]) == (428, "precondition_required")
    assert (first.status, first.json["moved"]) == (200, True)
    assert (late.status, late.json["code"]) == (412, "stale")
    assert rest.get(path)["stages"] == {"production": 1}


def test_of_those_who_saw_the_same_one_promotes(rest: Rest):
    path = register(rest, number=4)
    seen = rest.ask("GET", path).etag
    statuses = []
    go = threading.Barrier(4)

    def decide(version: int) -> None:
        go.wait(10)
        statuses.append(promote(rest, path, version, seen).status)

    people = [threading.Thread(target=decide, args=(version,)) for version in (1, 2, 3, 4)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)

    assert sorted(statuses) == [200, 412, 412, 412]
    assert [entry.action for entry in rest.store.ledger.entries(action="promote")] == ["promote"]


def test_a_rollback_puts_back_what_was_there(rest: Rest):
    path = register(rest)
    for version in (1, 2):
        promote(rest, path, version)
    wanted = {"reason": "worse", "actor": "bob"}

    blind = rest.fault("POST", f"{path}/rollback", wanted)
    back = rest.ask("POST", f"{path}/rollback", wanted, headers={"If-Match": rest.ask("GET", path).etag})
    no_further = rest.fault("POST", f"{path}/rollback", wanted, headers={"If-Match": "*"})

    assert blind["status"] == 428
    assert (back.status, back.json["version"]) == (200, 1)
    assert (no_further["status"], no_further["code"]) == (409, "refused")
    assert [(e.action, e.actor) for e in rest.store.ledger.entries(newest=True, limit=1)] == [
        ("rollback", "bob")
    ]


def test_approvals_are_asked_for_voted_on_and_withdrawn(rest: Rest):
    path = register(rest)
    request = {"version": 2, "reason": "please", "actor": "ann"}

    asked = rest.post(f"{path}/approvals", request, 201)
    voted = rest.post(f"{path}/approvals/votes", {**request, "actor": "bob", "approves": True})
    listed = rest.get(f"{path}/approvals")["items"]
    taken = rest.post(f"{path}/approvals/votes", {**request, "actor": "bob", "approves": None})
    rest.post(f"{path}/approvals/withdrawal", request)

    assert (asked["state"], [vote["actor"] for vote in voted["votes"]]) == ("granted", ["bob"])
    assert listed == [voted]
    assert taken["votes"] == []
    assert rest.get(f"{path}/approvals")["items"] == []
    assert [each["state"] for each in rest.get(f"{path}/approvals", open=0)["items"]] == ["withdrawn"]


def test_descriptions_aliases_and_deprecations(rest: Rest):
    path = register(rest)
    seen = rest.ask("GET", path).etag

    described = rest.ask("PATCH", path, {"description": "late flights", "owner": "ann", "tags": {"a": 1}})
    cleared = rest.ask("PATCH", path, {"owner": None}).json
    stale = rest.fault("PATCH", path, {"owner": "eve"}, headers={"If-Match": seen})
    rest.ask("PATCH", f"{path}/versions/1", {"description": "first"})
    aliased = rest.ask("PUT", f"{path}/aliases/champion", {"version": 1, "reason": "best"}).json
    deprecated = rest.post(f"{path}/versions/1/deprecation", {"reason": "old", "actor": "ann"})

    assert (described.json["owner"], cleared["owner"], cleared["description"]) == (
        "ann",
        None,
        "late flights",
    )
    assert stale["status"] == 412
    assert aliased["aliases"] == {"champion": 1}
    assert rest.get(f"{path}/versions/champion")["version"]["description"] == "first"
    assert deprecated["deprecation"]["reason"] == "old"
    assert rest.ask("DELETE", f"{path}/versions/1/deprecation", reason="no").json["deprecation"] is None
    assert rest.ask("DELETE", f"{path}/aliases/champion").status == 204


def test_what_is_deleted_can_be_restored(rest: Rest):
    path = register(rest)

    assert rest.ask("DELETE", f"{path}/versions/1", reason="a test").status == 204
    assert [v["version"] for v in rest.get(f"{path}/versions")["items"]] == [2]
    assert rest.post(f"{path}/versions/1/restore", {"reason": "no"})["deleted_ms"] is None
    assert rest.ask("DELETE", path, reason="a test").status == 204
    assert rest.get("/models")["items"] == []
    assert rest.post(f"{path}/restore", {"reason": "no"})["version_count"] == 2
    assert rest.fault("DELETE", path)["status"] == 400


def test_a_version_that_is_sent_again_is_registered_once(rest: Rest):
    for _ in range(2):
        rest.post("/models/late/versions", {"uri": "u", "actor": "ann"}, 201, Idempotency_Key="k")

    assert rest.get("/models/late")["version_count"] == 1


def test_a_promotion_reads_the_bytes_and_loads_nothing(rest: Rest, tmp_path: Path):
    code = f"cposix\nsystem\n(S'touch {tmp_path}/loaded'\ntR.".encode()
    digest = rest.backend.blobs.put_bytes(code).digest
    rest.post(
        "/models/late/versions", {"digest": digest, "properties": {"format": "pickle"}, "actor": "ann"}, 201
    )
    assert promote(rest, "/models/late", 1).status == 200
    assert not (tmp_path / "loaded").exists()

    rest.backend.blobs.delete(digest)
    rest.post(
        "/models/late/versions", {"digest": digest, "properties": {"format": "pickle"}, "actor": "ann"}, 201
    )
    assert promote(rest, "/models/late", 2).json["code"] == "not_found"
