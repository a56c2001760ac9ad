"""The store's own calls: what `headwater.store.remote` asks."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headwater.errors import InvalidError, NotFoundError
from headwater.model.access import Identity, Permission
from headwater.server.http.access import checked_inside, identity_of
from headwater.server.http.backend import Backend
from headwater.server.http.pieces import in_pieces
from headwater.server.http.subjects import require, signed
from headwater.store.calls import MEDIA_TYPE, Call, calls, entity, frame, pack, plain, unpack


def store_router(backend: Backend) -> APIRouter:
    """Return the route of all calls: `POST /store/PART.METHOD`, MessagePack in and out."""
    router = APIRouter()

    @router.post("/store/{name}", include_in_schema=False)
    @checked_inside(Permission.READ)
    async def call(name: str, request: Request, at: int | None = None) -> Response:
        found = calls().get(name)
        if found is None:
            raise NotFoundError("call", name)
        identity = identity_of(request)
        body = await request.body()
        return await run_in_threadpool(_answer, backend, found, body, at, identity)

    return router


def _answer(backend: Backend, call: Call, body: bytes, at: int | None, identity: Identity) -> Response:
    arguments = signed(identity, call, _arguments(call, unpack(body)))
    require(identity, call, arguments, backend.store)
    result = call.run(backend.store_at(at), arguments)
    if call.is_streamed:
        return StreamingResponse(_frames(call, iter(result)), media_type=MEDIA_TYPE)
    return Response(pack(plain(result, call.result)), media_type=MEDIA_TYPE)


def _arguments(call: Call, sent: Any) -> dict[str, Any]:
    if not isinstance(sent, Mapping):
        raise InvalidError(f"{call.name} needs its arguments by name")
    named: Mapping[Any, Any] = sent  # pyright: ignore[reportUnknownVariableType]
    if unknown := named.keys() - call.parameters.keys():
        raise InvalidError(f"{call.name} has no {', '.join(sorted(map(str, unknown)))}")
    return {name: entity(value, call.parameters[name]) for name, value in named.items()}


def _frames(call: Call, items: Iterator[Any]) -> Iterator[bytes]:
    return in_pieces(frame(pack(plain(item, call.result))) for item in items)
