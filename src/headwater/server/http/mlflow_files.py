"""Files of MLflow's clients, streamed: the artifact proxy, and downloads by run."""

import mimetypes
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from headwater.compat.mlflow import MlflowError, MlflowService
from headwater.compat.mlflow.artifacts import Download
from headwater.compat.mlflow.errors import mlflow_error_of
from headwater.compat.mlflow.subjects import Thing
from headwater.errors import HeadwaterError
from headwater.model.access import Permission
from headwater.model.blobs import Blob
from headwater.model.protocols.blobs import BlobStore
from headwater.server.http.access import admitted, checked_inside
from headwater.server.http.downloads import NEVER_RUN
from headwater.server.http.limits import ANY_SIZE
from headwater.server.http.mlflow_wire import error_response

CHUNK_BYTES: Final = 1 << 20
IN_MEMORY_BYTES: Final = 4 << 20
"""Bodies up to this size are put as they come; larger ones lie in a temporary file meanwhile."""
MAX_UPLOAD_BYTES: Final = 10 << 20
"""What the web UI's own upload takes."""

_PROXY: Final = "mlflow-artifacts/artifacts/{path:path}"

Handler = Callable[[Request, str | None], Any]
About = Callable[[Request], Iterable[Thing]]
"""What the files that a request names belong to."""


def file_routes(service: MlflowService, prefixes: tuple[str, ...]) -> list[Route]:
    """Return the routes that carry bytes."""
    files = _Files(service)
    proxied = {
        "GET": files.route_end(files.download, Permission.READ, files.of_path),
        "PUT": files.route_end(files.put, Permission.WRITE, files.of_path),
        "DELETE": files.route_end(files.delete, Permission.DECIDE, files.of_path),
    }
    upload = files.route_end(files.upload, Permission.WRITE, files.of_uuid)
    of_run = files.route_end(files.of_run, Permission.READ, files.of_query)
    of_version = files.route_end(files.of_version, Permission.READ, files.of_name)
    return [
        *(
            Route(f"{prefix}/{_PROXY}", handler, methods=[method], max_body_size=ANY_SIZE)
            for prefix in prefixes
            for method, handler in proxied.items()
        ),
        *(
            Route(f"{prefix}/mlflow/upload-artifact", upload, methods=["POST"])
            for prefix in prefixes
            if "ajax" in prefix
        ),
        Route("/get-artifact", of_run, methods=["GET"]),
        Route("/model-versions/get-artifact", of_version, methods=["GET"]),
    ]


class _Files:
    def __init__(self, service: MlflowService) -> None:
        self._artifacts = service.artifacts
        self._registry = service.registry
        self._subjects = service.subjects
        self._blobs = service.blobs

    def route_end(self, handle: Handler, permission: Permission, about: About) -> Callable[[Request], Any]:
        @checked_inside(permission)
        async def answer(request: Request) -> Response:
            try:
                identity = admitted(request, permission)
                await run_in_threadpool(self._subjects.require, identity, permission, about(request))
                return await handle(request, identity.name if identity.is_verified else None)
            except HeadwaterError as error:
                return error_response(mlflow_error_of(error))

        return answer

    def of_path(self, request: Request) -> Iterable[Thing]:
        return self._subjects.of_file(request.path_params["path"])

    def of_query(self, request: Request) -> Iterable[Thing]:
        return self._subjects.of_run(_run_id(request))

    def of_uuid(self, request: Request) -> Iterable[Thing]:
        return self._subjects.of_run(request.query_params.get("run_uuid", ""))

    def of_name(self, request: Request) -> Iterable[Thing]:
        return self._subjects.of_version(request.query_params.get("name", ""))

    async def download(self, request: Request, _actor: str | None) -> Response:
        return await _sent(self._artifacts.download, request.path_params["path"])

    async def of_run(self, request: Request, _actor: str | None) -> Response:
        path = request.query_params.get("path")
        run_id = _run_id(request)
        if not run_id or not path:
            raise MlflowError("Request must specify run_id and path.")
        return await _sent(self._artifacts.of_run, run_id, path)

    async def of_version(self, request: Request, _actor: str | None) -> Response:
        query = request.query_params
        if not all(query.get(name) for name in ("name", "version", "path")):
            raise MlflowError("Request must specify name, version and path.")
        place = (query["name"], query["version"], query["path"])
        path = await run_in_threadpool(self._registry.file_path, *place)
        return await _sent(self._artifacts.download, path)

    async def put(self, request: Request, _actor: str | None) -> Response:
        put = await run_in_threadpool(self._artifacts.target, request.path_params["path"])
        await run_in_threadpool(put, await received(request, self._blobs))
        return Response(status_code=200)

    async def upload(self, request: Request, _actor: str | None) -> Response:
        query = request.query_params
        for name in ("run_uuid", "path"):
            if not query.get(name):
                raise MlflowError(f"Request must specify {name}.")
        put = await run_in_threadpool(self._artifacts.target_of_run, query["run_uuid"], query["path"])
        blob = await received(request, self._blobs, limit=MAX_UPLOAD_BYTES)
        if not blob.size_bytes:
            raise MlflowError("Request must specify data.")
        await run_in_threadpool(put, blob)
        return Response(media_type="application/json")

    async def delete(self, request: Request, actor: str | None) -> Response:
        await run_in_threadpool(self._artifacts.delete, request.path_params["path"], actor)
        return Response(b"{}", media_type="application/json")


async def received(request: Request, blobs: BlobStore, *, limit: int | None = None) -> Blob:
    """Store a body as bytes, in constant memory.

    Raises:
        MlflowError: it is larger than `limit` bytes.
    """
    head = bytearray()
    spill: Any = None
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if limit is not None and size > limit:
                raise MlflowError(f"Artifact size is too large. Max size is {limit >> 20}MB.")
            head += chunk
            if len(head) >= (CHUNK_BYTES if spill else IN_MEMORY_BYTES):
                spill = spill or await run_in_threadpool(tempfile.NamedTemporaryFile)
                await run_in_threadpool(spill.write, bytes(head))
                head.clear()
        if spill is None:
            return await run_in_threadpool(blobs.put_bytes, bytes(head))
        return await run_in_threadpool(_put_spilled, spill, bytes(head), blobs)
    finally:
        if spill is not None:
            await run_in_threadpool(spill.close)


def attachment(download: Download, source: BinaryIO) -> Response:
    """Return a response that streams a file, to be saved and not shown."""
    kind = mimetypes.guess_type(download.name)[0] or "application/octet-stream"
    plain = download.name.encode("ascii", "replace").decode().replace("\\", "_").replace('"', "_")
    name = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download.name, safe='')}"
    headers = {**NEVER_RUN, "Content-Disposition": name, "Content-Length": str(download.size_bytes)}
    return StreamingResponse(_chunks(source), media_type=kind, headers=headers)


def _run_id(request: Request) -> str:
    query = request.query_params
    return query.get("run_id") or query.get("run_uuid") or ""


async def _sent(find: Callable[..., Download], *place: str) -> Response:
    download = await run_in_threadpool(find, *place)
    return attachment(download, await run_in_threadpool(download.open))


def _put_spilled(spill: Any, rest: bytes, blobs: BlobStore) -> Blob:
    spill.write(rest)
    spill.flush()
    return blobs.put_file(Path(spill.name))


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    with source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
