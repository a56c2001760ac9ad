"""What all of MLflow's routes share: who may, and errors in MLflow's shape."""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse

from headwater.compat.mlflow import MlflowError
from headwater.model.access import Permission

Admit: TypeAlias = Callable[[Request, Permission], str | None]
"""Returns the name of who makes a request, or raises when they lack what it needs."""


def admit_anybody(_request: Request, _permission: Permission) -> str | None:
    """Let everybody do everything, without a name."""
    return None


def error_response(error: MlflowError) -> JSONResponse:
    """Return an error in MLflow's shape."""
    return JSONResponse({"error_code": error.error_code, "message": error.message}, error.status)
