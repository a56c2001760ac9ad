"""Endpoints that change or remove something that is named."""

from collections.abc import Callable

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import Endpoint, R
from headwater.model.access import Permission


def patch(
    path: str,
    request: type[R],
    answer: Callable[[R, str | None], Answer],
    permission: Permission = Permission.WRITE,
) -> Endpoint[R]:
    """Return an endpoint that changes a thing."""
    return Endpoint(methods=("PATCH",), path=path, permission=permission, request=request, answer=answer)


def delete(
    path: str,
    request: type[R],
    answer: Callable[[R, str | None], Answer],
    permission: Permission = Permission.DECIDE,
) -> Endpoint[R]:
    """Return an endpoint that removes a thing."""
    return Endpoint(methods=("DELETE",), path=path, permission=permission, request=request, answer=answer)
