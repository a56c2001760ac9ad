"""What all of MLflow's routes share: who may, and errors in MLflow's shape."""

import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from headwater.compat.mlflow import MlflowError
from headwater.model.access import Permission
from headwater.server.http.access import authorize

CLAIMED: Final = "mlflow"
"""Whom the ledger names where nobody has to say who they are: MLflow's calls carry nobody's name."""


def admit(request: Request, permission: Permission) -> str:
    """Return the name of who makes a request.

    Raises:
        HeadwaterError: nobody knows them, or they lack what it needs.
    """
    return authorize(request, permission).actor(CLAIMED)


def error_response(error: MlflowError) -> Response:
    """Return an error in MLflow's shape."""
    body = {"error_code": error.error_code, "message": error.message}
    # Not as UTF-8: a message may repeat text that has no place in it.
    return Response(json.dumps(body), error.status, media_type="application/json")
