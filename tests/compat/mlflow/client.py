"""MLflow's own client, in its environment: runs the functions of `scenarios.py` that it is asked for."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import os
import sys
import traceback
from pathlib import Path

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_ALLOW_FILE_STORE="true",
    GIT_PYTHON_REFRESH="quiet",
)
# Whatever a library prints goes elsewhere: stdout is for answers.
answers, sys.stdout = sys.stdout, sys.stderr
sys.path.insert(0, str(Path(__file__).parent))

import registry_scenarios  # noqa: E402
import scenarios  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402


def find(name):
    """Return the function of this name."""
    return getattr(registry_scenarios, name, None) or getattr(scenarios, name)


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"value": find(asked["name"])(**asked["arguments"])}
    except MlflowException as error:
        answer = {"code": error.error_code, "message": error.message}
    except Exception:  # noqa: BLE001  # told to the test
        answer = {"code": "", "message": traceback.format_exc()}
    print(json.dumps(answer), file=answers, flush=True)
