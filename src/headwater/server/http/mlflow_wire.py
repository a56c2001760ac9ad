"""What all of MLflow's routes share: who may, and errors in MLflow's shape."""

import json

from starlette.requests import Request
from starlette.responses import Response

from headwater.compat.mlflow import MlflowError
from headwater.model.access import Permission
from headwater.server.http.access import authorize


def admit(request: Request, permission: Permission) -> str | None:
    """Return the name of who makes a request; None where nobody has to say who they are.

    Raises:
        HeadwaterError: nobody knows them, or they lack what it needs.
    """
    identity = authorize(request, permission)
    return identity.name if identity.is_verified else None


def error_response(error: MlflowError) -> Response:
    """Return an error in MLflow's shape."""
    body = {"error_code": error.error_code, "message": error.message}
    # Not as UTF-8: a message may repeat text that has no place in it.
    return Response(json.dumps(body), error.status, media_type="application/json")
