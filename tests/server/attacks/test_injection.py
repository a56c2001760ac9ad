"""SQL in whatever a request carries is text: nothing changes, and nothing else is found."""

import base64
import json

import pytest

from headwater.store.calls import calls, pack
from tests.server.attacks.victim import PROXY

TEXTS = (
    "'",
    '"',
    "`",
    "\\",
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE execution; --",
    "'; UPDATE registered_model SET name='owned'; --",
    "') UNION SELECT * FROM access_token --",
    "1; ATTACH DATABASE '/tmp/owned.db' AS x",
    "' || (SELECT load_extension('x')) || '",
    "%",
    "_",
    "%' ESCAPE '",
    "\0",
    "$1 ?1 :name %(name)s %s {0}",
    "\U0001f600'",
    "/*",
    "*/ --",
)
FILTERS = (
    "tags.kept = '{}'",
    "tags.\"{}\" = 'x'",
    "tags.`{}` = 'x'",
    "params.kept LIKE '{}'",
    "metrics.`{}` > 0",
    "metrics.kept > {}",
    "attributes.run_id IN ('{}')",
    "run_name ILIKE '{}'",
    "{}",
)


@pytest.fixture(autouse=True)
def unchanged(victim):
    """Check that no row of the store and no file beside it changed."""
    rows, around = victim.rows(), victim.around()
    yield
    assert victim.rows() == rows
    assert victim.around() == around


def test_no_filter_and_no_order_becomes_sql(victim):
    for text in TEXTS:
        for pattern in FILTERS:
            filter_text = pattern.replace("{}", text)
            for where, body in (
                ("runs/search", {"experiment_ids": ["0"]}),
                ("experiments/search", {"max_results": 10}),
                ("logged-models/search", {"experiment_ids": ["0"]}),
            ):
                assert victim.mlflow(where, **body, filter=filter_text).status_code in {200, 400}
        for where in ("registered-models/search", "model-versions/search"):
            for filter_text in (f"name = '{text}'", f"name ILIKE '{text}'", f"tags.`{text}` = 'x'", text):
                found = victim.mlflow(where, "GET", filter=filter_text, order_by=text)
                assert found.status_code in {200, 400}
                assert not found.json().get("registered_models")
        for order in (text, f"metrics.`{text}` DESC", f"name ASC, {text}", f"(SELECT 1){text}"):
            answer = victim.mlflow("runs/search", experiment_ids=["0"], order_by=[order])
            assert answer.status_code in {200, 400}, order


def test_no_name_becomes_sql(victim):
    for text in TEXTS:
        for where, query in (
            ("experiments/get-by-name", {"experiment_name": text}),
            ("experiments/get", {"experiment_id": text}),
            ("runs/get", {"run_id": text}),
            ("metrics/get-history", {"run_id": victim.run, "metric_key": text}),
            ("registered-models/get", {"name": text}),
            ("registered-models/alias", {"name": "kept", "alias": text}),
            ("model-versions/get", {"name": text, "version": "1"}),
            ("model-versions/get", {"name": "kept", "version": f"1{text}"}),
        ):
            answer = victim.mlflow(where, "GET", **query)
            assert answer.status_code in {400, 404} or answer.json() in ({}, {"metrics": []}), (where, text)
        assert victim.mlflow("runs/search", experiment_ids=[text, f"0{text}"]).json().get("runs") is None
        assert victim.ask("GET", PROXY, params={"path": f"0/{text}"}).status_code in {200, 400}


def test_no_page_token_becomes_anything(victim):
    offsets = (
        {"offset": -1},
        {"offset": 10**30},
        {"offset": "0; DROP"},
        {"offset": [1]},
        [],
        "x",
        {"offset": True},
    )
    tokens = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in offsets]
    for token in (*tokens, *TEXTS, "=", "A" * 10_000, base64.b64encode(b"\x80\x04.").decode()):
        for where, body in (
            ("runs/search", {"experiment_ids": ["0"]}),
            ("experiments/search", {"max_results": 10}),
            ("logged-models/search", {"experiment_ids": ["0"]}),
        ):
            assert victim.mlflow(where, **body, page_token=token).status_code in {200, 400}, (where, token)
        for where in ("registered-models/search", "model-versions/search"):
            assert victim.mlflow(where, "GET", page_token=token).status_code in {200, 400}, (where, token)
        query = {"run_id": victim.run, "metric_key": "kept", "max_results": 1, "page_token": token}
        assert victim.mlflow("metrics/get-history", "GET", **query).status_code in {200, 400}, token


def test_no_argument_of_a_call_becomes_sql(victim):
    listings = [name for name, call in calls().items() if "listing" in call.parameters]
    assert "artifacts.page" in listings
    for text in TEXTS:
        for name in listings:
            for listing in (
                {"filter": text},
                {"filter": f"name = '{text}'"},
                {"filter": f"properties.`{text}` = 1"},
                {"order_by": text},
                {"order": text},
                {"sort": text},
                {"page_token": text},
                {"cursor": text},
            ):
                answer = victim.ask("POST", f"/api/v1/store/{name}", content=pack({"listing": listing}))
                assert answer.status_code in {200, 400, 404}, (name, listing)
        for name, arguments in (
            ("models.get", {"name": text}),
            ("runs.get", {"run_ids": [text]}),
            ("runs.with_prefix", {"prefix": text}),
            ("artifacts.by_uris", {"uris": [text]}),
            ("data.version", {"name": text, "version": 1}),
        ):
            assert victim.ask("POST", f"/api/v1/store/{name}", content=pack(arguments)).status_code in {
                200,
                400,
                404,
            }
