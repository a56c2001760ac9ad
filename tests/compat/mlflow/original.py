"""MLflow's own server in its environment, without a socket: answers one request for each line."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import os
import sys
import tempfile

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true", GIT_PYTHON_REFRESH="quiet", MLFLOW_LOGGING_LEVEL="CRITICAL"
)
answers, sys.stdout = sys.stdout, sys.stderr

with tempfile.TemporaryDirectory() as folder:
    os.environ.update(
        _MLFLOW_SERVER_FILE_STORE=f"sqlite:///{folder}/original.db",
        _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/",
        _MLFLOW_SERVER_ARTIFACT_DESTINATION=f"{folder}/artifacts",
        _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
    )
    from mlflow.server import app

    asks = app.test_client()
    for line in sys.stdin:
        method, path, body = json.loads(line)
        if method == "GET":
            answer = asks.get(path, query_string=body)
        else:
            answer = asks.open(path, method=method, json=body)
        print(
            json.dumps([answer.status_code, answer.get_json(force=True, silent=True)]),
            file=answers,
            flush=True,
        )
