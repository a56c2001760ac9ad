import pytest

from headwater.model.data import NewDataVersion
from headwater.model.graph import Event, EventType
from headwater.model.models import NewVersion, Transition
from headwater.model.runs import NewRun
from tests.contract.builders import new_run_id
from tests.server.http.rest import Rest

RUN = "a" * 32


@pytest.fixture
def story(rest: Rest) -> Rest:
    """Data, a run that read it, and the model that the run made, in production."""
    store = rest.store
    data = store.data.add_version(NewDataVersion(name="flights", digest="d1", properties={"row_count": 3}))
    run = store.runs.start(NewRun(run_id=RUN, experiment="train", name="amber"))
    store.links.add_events([Event(artifact_id=data.id, execution_id=run.id, type=EventType.INPUT)])
    new = NewVersion(model="late", uri="u", metrics={"auc": 0.6}, execution_id=run.id)
    store.models.add_version(new, actor="ann")
    return rest


def test_lineage_goes_both_ways_and_the_nearest_come_first(story: Rest):
    found = story.get(f"/lineage/runs/{RUN[:8]}")
    labels = [node["label"] for node in found["nodes"]]

    assert [node["hops"] for node in found["nodes"]] == [0, -1, 1]
    assert labels[1:] == ["data/flights/1 (3 rows)", "models/late/1 (auc=0.6)"]
    assert {(edge["source"], edge["target"]) for edge in found["edges"]} == {
        (found["nodes"][1]["ref"], found["nodes"][0]["ref"]),
        (found["nodes"][0]["ref"], found["nodes"][2]["ref"]),
    }
    assert len(story.get("/lineage/models/late/1", up=1, down=0)["nodes"]) == 2


def test_a_path_is_shown_in_its_order_with_the_number_of_others(story: Rest):
    found = story.get("/lineage/path", **{"from": "data/flights/1", "to": "models/late/1"})

    assert [node["kind"] for node in found["nodes"]] == ["artifact", "execution", "artifact"]
    assert (found["shortest_count"], found["count"]) == (1, 1)
    story.store.data.add_version(NewDataVersion(name="other", digest="d2"))
    assert story.get("/lineage/path", **{"from": "data/other", "to": "models/late/1"})["nodes"] == []


def test_a_card_explains_a_version_now_and_then(story: Rest):
    found = story.get("/lineage/card/models/late/1")
    fault = story.fault("GET", "/lineage/card/data/flights/1")

    assert found["ref"] == "models/late/1"
    assert found["markdown"].startswith("# late, version 1\n\n" + found["sentence"])
    assert (fault["status"], fault["code"]) == (400, "invalid")
    story.store.models.transition(
        Transition(model="late", version=1, to="production", reason="r", actor="ann")
    )
    assert "in production since" in story.get("/lineage/card/models/late/1")["sentence"]


def test_impact_difference_and_gaps_are_those_of_the_sdk(story: Rest):
    run = story.store.runs.start(NewRun(run_id=new_run_id(), experiment="train"))
    story.store.models.add_version(NewVersion(model="late", execution_id=run.id), actor="ann")

    impact = story.get("/lineage/impact/data/flights/1")
    difference = story.get("/lineage/diff", a="models/late/1", b="models/late/2")
    missing = story.get("/lineage/missing/models/late/2")

    assert impact["counts"] == {"model": 1, "run": 1, "data": 0, "artifact": 0}
    assert difference["different"] == ["data", "metrics"]
    assert (missing["ref"], missing["score"] < 1) == ("models/late/2", True)


def test_what_is_no_reference_is_refused_with_the_grammar(story: Rest):
    assert "models/NAME" in story.fault("GET", "/lineage/nonsense")["message"]
    assert story.fault("GET", "/lineage/models/late/9")["status"] == 404


def test_data_sets_and_versions_are_listed_and_read(story: Rest):
    for number in range(3):
        story.post("/data/flights/train/versions", {"digest": f"x{number}"}, 201)
    again = story.post("/data/flights/train/versions", {"digest": "x1"}, 201)

    assert again["version"] == 2
    assert [each["name"] for each in story.get("/data")["items"]] == ["flights", "flights/train"]
    assert story.get("/data", limit=1)["next"] == "flights"
    assert story.get("/data", cursor="flights")["items"][0]["version_count"] == 3
    assert story.get("/data/flights/train")["ref"] == "data/flights/train"
    assert story.get("/data/flights/versions/1")["properties"] == {"row_count": 3}
    page = story.get("/data/flights/train/versions", limit=2)
    rest_of_it = story.get("/data/flights/train/versions", cursor=page["next"])
    assert [v["version"] for v in page["items"] + rest_of_it["items"]] == [1, 2, 3]
    assert story.fault("GET", "/data/flihts")["near"][0] == "flights"


def test_a_deleted_data_version_is_listed_no_more(story: Rest):
    assert story.ask("DELETE", "/data/flights/versions/1", reason="a test").status == 204

    assert story.get("/data/flights")["version_count"] in {0, 1}
    assert story.get("/data/flights/versions/1")["deleted_ms"] is not None
    assert story.store.ledger.entries(action="delete")[0].subject == "data/flights/1"


def test_the_ledger_is_paged_filtered_and_checked(story: Rest):
    for number in range(4):
        story.ask("PUT", "/models/late/aliases/a", {"version": 1, "reason": f"r{number}", "actor": "bob"})

    first = story.get("/ledger", limit=3)
    rest_of_it = story.get("/ledger", limit=3, cursor=first["next"])

    assert [e["seq"] for e in first["items"] + rest_of_it["items"]] == [1, 2, 3, 4, 5]
    assert (first["total"], rest_of_it["next"]) == ({"count": 5, "exact": True}, None)
    assert [e["seq"] for e in story.get("/ledger", newest=1, limit=2)["items"]] == [4, 5]
    assert {e["action"] for e in story.get("/ledger", actor="bob", subject="models/late")["items"]} == {
        "alias"
    }
    assert story.get("/ledger/2") == first["items"][1]
    assert story.get("/ledger/head")["hash"] == rest_of_it["items"][-1]["hash"]
    assert story.get("/ledger/verification")["is_intact"] is True
    assert story.fault("GET", "/ledger/99")["status"] == 404


@pytest.mark.parametrize(
    ("text", "ref", "by"),
    [
        ("models/late/1", "models/late/1", "reference"),
        (RUN[:6], f"runs/{RUN}", "id"),
        (f"runs/{RUN[:6]}", f"runs/{RUN}", "reference"),
        ("lat", "models/late", "name"),
        ("fli", "data/flights", "name"),
        ("amb", f"runs/{RUN}", "name"),
        ("d1", "artifacts/1", "digest"),
    ],
)
def test_search_finds_by_whatever_is_typed(story: Rest, text: str, ref: str, by: str):
    found = story.get("/search", q=text)["items"]

    assert (found[0]["ref"], found[0]["by"]) == (ref, by)


def test_search_is_bound_to_kinds_and_a_number(story: Rest):
    assert story.get("/search", q="l", kinds="data")["items"] == []
    assert len(story.get("/search", q="1", limit=1)["items"]) == 1
    assert story.fault("GET", "/search", q="x", kinds="cats")["status"] == 400
