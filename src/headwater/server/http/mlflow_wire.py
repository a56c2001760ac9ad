"""What all of MLflow's routes share: who asks, and errors in MLflow's shape."""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse

from headwater.compat.mlflow import MlflowError

ActorOf: TypeAlias = Callable[[Request], str | None]
"""Tells who makes a request."""


def actor_of(request: Request) -> str | None:
    """Return who makes a request, as whoever checked it has noted."""
    return getattr(request.state, "actor", None)


def error_response(error: MlflowError) -> JSONResponse:
    """Return an error in MLflow's shape."""
    return JSONResponse({"error_code": error.error_code, "message": error.message}, error.status)
