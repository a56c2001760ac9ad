"""MLflow's own client, in its environment: runs the functions of `scenarios.py` that it is asked for, one by line."""

import json
import os
import sys
import traceback

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    GIT_PYTHON_REFRESH="quiet",
)
# Whatever a library prints goes elsewhere: stdout is for answers.
answers, sys.stdout = sys.stdout, sys.stderr
sys.path.insert(0, os.path.dirname(__file__))

import scenarios  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"value": getattr(scenarios, asked["name"])(**asked["arguments"])}
    except MlflowException as error:
        answer = {"code": error.error_code, "message": error.message}
    except Exception:
        answer = {"code": "", "message": traceback.format_exc()}
    print(json.dumps(answer), file=answers, flush=True)
