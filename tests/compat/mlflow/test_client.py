"""The real client, unchanged, against a server of ours."""

import uuid
from contextlib import ExitStack

import pytest

from headwater.model.graph import EventType
from headwater.model.ids import RunId
from headwater.model.runs import RunStatus
from tests.compat.mlflow.differences import DIFFERENCES
from tests.compat.mlflow.serving import ROOT, serving
from tests.docs.examples import python_blocks

pytestmark = pytest.mark.xdist_group("mlflow")


def fresh(name: str) -> str:
    """Return a name that nobody has used."""
    return f"{name} {uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def anywhere(request, peer, tmp_path):
    """The client, told to use a server over each database."""
    with ExitStack() as opened:
        if request.param == "sqlite":
            served = request.getfixturevalue("server")
        else:
            url = request.getfixturevalue(f"fresh_{request.param}_url")()
            served = opened.enter_context(serving(url, tmp_path / "blobs"))
        peer.run("use", url=served.url)
        yield peer


def test_fluent_runs_are_what_the_client_reads_back(anywhere):
    client = anywhere
    made = client.run("fluent", experiment=fresh("fluent"))

    outer, inner = (client.run("show_run", run_id=made[name]) for name in ("outer", "inner"))

    assert outer["params"] == {"lr": "0.1", "depth": "3", "long": "x" * 5000}
    assert outer["metrics"] == {"loss": "0.2", "auc": "0.75", "nan": "nan", "inf": "1.7976931348623157e+308"}
    assert outer["tags"] | {"team": "ops", "note": "hello", "mlflow.runName": "outer"} == outer["tags"]
    (data,) = outer["datasets"]
    assert (data["name"], data["tags"]) == ("flights", {"mlflow.data.context": "training"})
    assert outer["info"] | {"run_name": "outer", "status": "FINISHED", "has_ended": True} == outer["info"]
    assert inner["tags"]["mlflow.parentRunId"] == made["outer"]
    assert client.run("history", run_id=made["outer"], key="loss") == [[s, 1 / (s + 1)] for s in range(5)]
    assert client.run("files", run_id=made["outer"]) == [["config.json", False, 29], ["notes", True, None]]
    found = client.run("overwrite_and_delete", run_id=made["inner"])
    assert found["before"] == "second"
    assert found["listed"] == {
        "": [["note.txt", False, 6], ["tree", True, None]],
        "tree": [["tree/a.txt", False, 1], ["tree/deep", True, None]],
        "tree/deep": [["tree/deep/er", True, None]],
        "nowhere": [],
    }
    assert (found["left"], found["root"]) == (["tree/a.txt"], [["tree", True, None]])


def test_what_the_client_logs_is_a_native_run_with_lineage(client, store):
    made = client.run("fluent", experiment=fresh("native"))

    outer, inner = store.runs.get([RunId(made["outer"]), RunId(made["inner"])])

    assert (outer.name, outer.status, inner.parent_id) == ("outer", RunStatus.FINISHED, outer.id)
    assert outer.params["lr"] == "0.1"
    assert outer.metrics["loss"].step == 4
    assert outer.metrics["inf"].value == float("inf")
    events = store.links.events_of_executions([outer.id])
    read = [event for event in events if event.type is EventType.INPUT]
    (data,) = store.data.by_artifact_ids([event.artifact_id for event in read])
    assert (data.name, [event.path for event in read]) == ("flights", [("training",)])
    written = {event.path[0] for event in events if event.type is EventType.OUTPUT}
    assert written == {"config.json", "notes/a.txt"}


def test_a_history_comes_in_pages(client):
    assert client.run("long_history", experiment=fresh("history"), points=26_000) == [
        26_000,
        0.0,
        25_999.0,
        True,
    ]


def test_a_large_file_is_streamed_in_constant_memory(client, server):
    client.run("large_file", experiment=fresh("small"), megabytes=8)
    before = server.peak_bytes()

    size, is_same = client.run("large_file", experiment=fresh("large"), megabytes=100)

    assert (size, is_same) == (100 << 20, True)
    assert server.peak_bytes() - before < 32 << 20


FILTERS = {
    "": "012345",
    "metrics.`m/a-b` > 0.25": "03",
    'metrics."m/a-b" >= 0.25': "023",
    "metric.`m/a-b` < 0": "5",
    "metrics.`m/a-b` <= 0.25": "25",
    "metrics.`m/a-b` = 0.5": "0",
    "metrics.`m/a-b` != 0.5": "235",
    "params.lr = '0.2'": "2",
    'parameters.lr != "0.2"': "0145",
    "params.lr LIKE '0.%'": "01245",
    "param.lr ILIKE '0.1'": "1",
    "params.lr IS NULL": "3",
    "params.lr IS NOT NULL": "01245",
    "tags.parity = 'e'": "024",
    "tag.parity != 'e'": "135",
    "tags.none IS NULL": "012345",
    "tags.`mlflow.runName` = 'Run_1'": "1",
    "attributes.run_name LIKE 'Run_%'": "012345",
    "run_name LIKE 'run_%'": "",
    "run_name ILIKE 'run_4'": "4",
    "attr.status = 'FAILED'": "5",
    "status != 'FAILED'": "01234",
    "run.start_time >= 1003": "345",
    "created < 1001 and tags.parity = 'e'": "0",
    "end_time = 5000": "5",
    "status LIKE 'FIN%'": "0",
    "datasets.name = 'numbers'": "0",
    "dataset.name ILIKE 'NUM%'": "0",
    "datasets.context = 'valid'": "0",
    "datasets.context IN ('train', 'valid')": "0",
    "datasets.name NOT IN ('numbers')": "",
    # Beyond MLflow's grammar.
    "params.lr = '0.1' OR metrics.`m/a-b` = -1": "15",
    "NOT (tags.parity = 'e' OR params.lr IN ('0.1', '0.5'))": "3",
    "tags.parity IN ('o', 'x') and run_name NOT LIKE '%5'": "13",
}
REFUSED = [
    "metrics.a > '1'",
    "metrics.a LIKE '1'",
    "params.lr > '1'",
    "params.lr = 1",
    "nothing.a = 'b'",
    "nothing = 'b'",
    "params.lr",
    "params.lr = '0.1' AND",
    "params.lr = '0.1",
    "datasets.size = '1'",
    "params.lr = '1'; DROP TABLE run",
]


def test_searches_with_every_operator(client):
    made = client.run("searchable", experiment=fresh("search"))

    found = client.run("search_all_ways", experiment_id=made["experiment"], filters=[*FILTERS, *REFUSED])

    expected = {text: [f"Run_{digit}" for digit in digits] for text, digits in FILTERS.items()}
    assert found == expected | dict.fromkeys(REFUSED, "INVALID_PARAMETER_VALUE")
    first = made["runs"][0]
    uri = f"mlflow-artifacts:/{made['experiment']}/{first}/artifacts"
    texts = [f"run_id IN ('{first}')", f"artifact_uri = '{uri}'", f"attributes.run_id != '{first}'"]
    by_id = client.run("search_all_ways", experiment_id=made["experiment"], filters=texts)
    assert [[name[-1] for name in names] for names in by_id.values()] == [["0"], ["0"], [*"12345"]]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([], "543210"),
        (["metrics.`m/a-b` DESC"], "302514"),
        (["metrics.`m/a-b` ASC"], "520314"),
        (["params.lr"], "012453"),
        (["tags.parity DESC", "attributes.start_time ASC"], "135024"),
        (["end_time", "start_time DESC"], "504321"),
    ],
)
def test_searches_are_ordered_and_paged(client, order_by, expected):
    made = client.run("searchable", experiment=fresh("order"))
    asked = {"experiment_ids": [made["experiment"]], "order_by": order_by}

    pages = client.run("search", **asked, max_results=4)

    assert [len(page) for page in pages] == [4, 2]
    assert "".join(name[-1] for page in pages for name in page) == expected


def test_an_experiment_takes_its_runs_along(client):
    found = client.run("experiment_life", name=fresh("life"))

    assert found == {
        "deleted": ["deleted", "deleted"],
        "refused": "INVALID_PARAMETER_VALUE",
        "taken": "RESOURCE_ALREADY_EXISTS",
        "restored": ["active", "active"],
        "tags": {"b": "2"},
        "default": "Default",
    }


def test_experiments_are_searched(client):
    prefix = uuid.uuid4().hex[:8]
    for name in ("a", "b", "c"):
        client.run("experiment_life", name=f"{prefix} {name}")

    def names(**asked):
        return [name for page in client.run("experiments", **asked) for name in page]

    assert names(filter=f"name LIKE '{prefix}%'") == [f"{prefix} {name} 2" for name in "cba"]
    assert names(filter=f"name ILIKE '{prefix.upper()} a%'") == [f"{prefix} a 2"]
    assert names(filter=f"tags.b = '2' and name = '{prefix} b 2'") == [f"{prefix} b 2"]
    ordered = client.run("experiments", filter=f"name LIKE '{prefix}%'", order_by=["name ASC"], max_results=2)
    assert ordered == [[f"{prefix} a 2", f"{prefix} b 2"], [f"{prefix} c 2"]]
    assert "Default" in names(view="ALL")


def test_a_deleted_run_takes_nothing(client):
    assert client.run("run_life", experiment=fresh("deleted")) == {
        "renamed": "renamed",
        "refused": ["INVALID_PARAMETER_VALUE"] * 4,
        "name": "again",
    }


def test_mistakes_have_the_codes_that_the_client_knows(client):
    assert client.run("errors") == {
        "no experiment": "RESOURCE_DOES_NOT_EXIST",
        "bad experiment id": "INVALID_PARAMETER_VALUE",
        "no run": "RESOURCE_DOES_NOT_EXIST",
        "experiment is there": "RESOURCE_ALREADY_EXISTS",
        "param changed": "INVALID_PARAMETER_VALUE",
        "no tag": "RESOURCE_DOES_NOT_EXIST",
        "bad filter": "INVALID_PARAMETER_VALUE",
        "bad page": "INVALID_PARAMETER_VALUE",
        "too many results": "INVALID_PARAMETER_VALUE",
        "no file": "RESOURCE_DOES_NOT_EXIST",
        "path out of the run": "INVALID_PARAMETER_VALUE",
    }


def test_automatic_logging_works(client):
    found = client.run("autolog", experiment=fresh("autolog"))

    assert found["C"] == "0.5"
    assert "training_accuracy_score" in found["metrics"]
    assert "estimator.html" in found["files"]
    assert found["contexts"] == ["train"]


def test_the_examples_of_the_page_run(client, server):
    page = (ROOT / "docs/mlflow.md").read_text(encoding="utf-8")
    blocks = [block.replace("http://127.0.0.1:5151", server.url) for block in python_blocks(page)]

    client.run("examples", blocks=["import mlflow\n" + block for block in blocks])

    assert len(blocks) == 2


def test_the_page_tells_of_each_difference():
    page = (ROOT / "docs/mlflow.md").read_text(encoding="utf-8")

    assert [difference for difference in DIFFERENCES if difference not in page] == []
