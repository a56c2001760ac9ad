"""MLflow's endpoints on FastAPI: a service's table as routes, with the rules of MLflow's wire."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headwater.compat.mlflow import MlflowError, MlflowService
from headwater.compat.mlflow.answers import encode
from headwater.compat.mlflow.endpoints import AnyEndpoint
from headwater.compat.mlflow.errors import ENDPOINT_NOT_FOUND, mlflow_error_of
from headwater.errors import HeadwaterError
from headwater.model.access import Permission
from headwater.server.http.access import admitted, checked_inside, open_to_all
from headwater.server.http.mlflow_files import file_routes
from headwater.server.http.mlflow_wire import error_response
from headwater.server.http.tables import Table
from headwater.server.http.turns import Turns

PREFIXES: Final = ("/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0")
"""Before the path of every endpoint."""

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def mlflow_routes(service: MlflowService, *, is_embedded: bool = False) -> Table:
    """Return the routes of a service's endpoints; who calls is asked before anything of a request is read.

    Args:
        service: What answers.
        is_embedded: The database works in this process, where eight searches one after the other take two
            thirds of the processor time of eight at once: SQLite lets go of the interpreter at every row.
            Behind a server's database one search works while another waits; of four at once each takes
            some 5 % longer.
    """
    routes: list[Route] = []
    turns = Turns(1 if is_embedded else 2)
    for endpoint in service.endpoints:
        is_search = endpoint.permission is Permission.READ and endpoint.methods == ("POST",)
        handler = _handler(service, endpoint, turns.one if is_search else nullcontext)
        routes += [
            Route(f"{prefix}/{endpoint.path}", handler, methods=[*endpoint.methods]) for prefix in PREFIXES
        ]
    routes += file_routes(service, PREFIXES)
    for prefix in PREFIXES:
        for family in ("mlflow", "mlflow-artifacts"):
            routes.append(Route(f"{prefix}/{family}/{{rest:path}}", _unknown, methods=_METHODS))
    return Table(routes)


def _handler(
    service: MlflowService, endpoint: AnyEndpoint, turn: Callable[[], AbstractAsyncContextManager[None]]
) -> Callable[[Request], Any]:
    @checked_inside(endpoint.permission)
    async def handle(request: Request) -> Response:
        try:
            identity = admitted(request, endpoint.permission)
            wanted = await _read(endpoint, request)
            async with turn():
                answer = await run_in_threadpool(service.call, endpoint, wanted, identity)
        except HeadwaterError as error:
            return error_response(mlflow_error_of(error))
        return Response(encode(answer), media_type="application/json")

    return handle


async def _read(endpoint: AnyEndpoint, request: Request) -> Any:
    path = request.path_params
    if request.method in {"GET", "HEAD"} and request.query_params:
        return endpoint.reader.of_query(request.query_params.multi_items(), path)
    if request.method not in {"GET", "HEAD"}:
        _check_content_type(request)
    return endpoint.reader.of_body(await request.body(), path)


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type")
    if given is None and request.method == "DELETE":
        # Clients send no body with some; a page of another origin cannot send it without being asked first.
        return
    if given is None:
        raise MlflowError("Bad Request. Content-Type header is missing.")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise MlflowError("Bad Request. Content-Type must be one of ['application/json'].")


@open_to_all
async def _unknown(request: Request) -> Response:
    return error_response(
        MlflowError(f"{request.method} {request.url.path} is no endpoint of this server", ENDPOINT_NOT_FOUND)
    )
