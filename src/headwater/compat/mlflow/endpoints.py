"""Endpoints as values: where a call is reached, who may make it, what it reads, and what answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.requests import Reader, Request
from headwater.model.access import Permission

R = TypeVar("R", bound=Request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[R]):
    """One call.

    Attributes:
        methods: HTTP methods; GET reads the query, all others a JSON body.
        path: Below `/api/2.0`, such as `mlflow/runs/create`; `{name}` stands for a field of the request.
        permission: What the caller needs.
        request: The class of its requests.
        answer: Takes a request and the caller's name.
        reader: Reads the requests.
    """

    methods: tuple[str, ...]
    path: str
    permission: Permission
    request: type[R]
    answer: Callable[[R, str | None], Answer]
    reader: Reader[R] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reader", Reader(self.request))


AnyEndpoint = Endpoint[Any]


def get(path: str, request: type[R], answer: Callable[[R, str | None], Answer]) -> Endpoint[R]:
    """Return an endpoint that only reads."""
    return Endpoint(methods=("GET",), path=path, permission=Permission.READ, request=request, answer=answer)


def post(
    path: str,
    request: type[R],
    answer: Callable[[R, str | None], Answer],
    permission: Permission = Permission.WRITE,
) -> Endpoint[R]:
    """Return an endpoint that writes, unless its permission says otherwise."""
    return Endpoint(methods=("POST",), path=path, permission=permission, request=request, answer=answer)
