"""What all of MLflow's routes share: errors in MLflow's shape."""

import json

from starlette.responses import Response

from headwater.compat.mlflow import MlflowError


def error_response(error: MlflowError) -> Response:
    """Return an error in MLflow's shape."""
    body = {"error_code": error.error_code, "message": error.message}
    # Not as UTF-8: a message may repeat text that has no place in it.
    return Response(json.dumps(body), error.status, media_type="application/json")
