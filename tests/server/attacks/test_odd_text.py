"""Text that is no UTF-8."""

import json

JSON = {"Content-Type": "application/json"}


def test_half_a_surrogate_pair_hurts_nobody(victim):
    """It is no UTF-8: written once, it must not keep others from reading."""
    half, run = "\ud800", victim.new_run()
    for where, body in (
        ("experiments/create", {"name": half}),
        ("runs/create", {"experiment_id": "0", "run_name": half}),
        ("runs/set-tag", {"run_id": run, "key": "odd", "value": half}),
        ("runs/log-parameter", {"run_id": run, "key": "odd", "value": half}),
        ("runs/log-parameter", {"run_id": half, "key": half, "value": half}),
        ("registered-models/create", {"name": f"{half}/"}),
        ("registered-models/create", {"name": f"a{half}"}),
        ("model-versions/create", {"name": "kept", "source": f"file:///{half}"}),
        ("runs/search", {"experiment_ids": [half]}),
        ("runs/search", {"experiment_ids": ["0"], "filter": half, "order_by": [half], "page_token": half}),
    ):
        answer = victim.ask("POST", f"/api/2.0/mlflow/{where}", content=json.dumps(body), headers=JSON)
        assert answer.status_code in {200, 400, 404}, (where, body)

    found = victim.mlflow("runs/get", "GET", run_id=run)
    assert {"key": "odd", "value": half} in found.json()["run"]["data"]["tags"]
    for where, body in (
        ("runs/search", {"experiment_ids": ["0"]}),
        ("experiments/search", {"max_results": 100}),
    ):
        assert victim.mlflow(where, **body).status_code == 200
