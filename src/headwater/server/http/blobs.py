"""Bytes over HTTP: up and down in pieces, with ranges, and uploads that go on after a break."""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headwater.blobs.manifests import encode_manifest
from headwater.model.access import Permission
from headwater.model.blobs import FOLDER_SCHEME
from headwater.model.protocols import BlobStore
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.downloads import NEVER_RUN
from headwater.server.http.limits import ANY_SIZE
from headwater.server.http.pieces import PIECE_BYTES, in_pieces
from headwater.server.http.ranges import wanted_range
from headwater.server.http.uploads import Uploads, keep_verified

_FOR_EVER: Final = "private, max-age=31536000, immutable"


def blob_router(backend: Backend) -> APIRouter:
    """Return the routes of `/blobs` and `/uploads`."""
    router = APIRouter(tags=["blobs"])
    reads, writes, removes = ([needs(p)] for p in (Permission.READ, Permission.WRITE, Permission.ADMIN))
    blobs, uploads = backend.blobs, Uploads(backend.spool)

    @router.get("/blobs", dependencies=reads, response_class=StreamingResponse)
    def list_blobs() -> StreamingResponse:
        """List all that is stored, one JSON object a line: digest, size_bytes, modified_ms."""
        lines = (msgspec.json.encode(each) + b"\n" for each in blobs.stored())
        return StreamingResponse(in_pieces(lines), media_type="application/x-ndjson")

    @router.head("/blobs/{digest}", dependencies=reads, include_in_schema=False)
    @router.get("/blobs/{digest}", dependencies=reads, response_class=StreamingResponse)
    def get_blob(digest: str, request: Request) -> Response:
        """Return a file's bytes, or the manifest of a folder; takes `Range` and `If-None-Match`."""
        headers = {
            "ETag": f'"{digest}"',
            "Cache-Control": _FOR_EVER,
            **NEVER_RUN,
        }
        size_bytes = _size(blobs, digest)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        first, last = wanted_range(request.headers.get("range"), size_bytes)
        headers |= {"Content-Length": str(last - first + 1), "Accept-Ranges": "bytes"}
        is_part = "range" in request.headers
        if is_part:
            headers["Content-Range"] = f"bytes {first}-{last}/{size_bytes}"
        status = 206 if is_part else 200
        if request.method == "HEAD":
            return Response(None, status, headers, "application/octet-stream")
        pieces = _pieces(_open(blobs, digest), first, last)
        return StreamingResponse(pieces, status, headers, "application/octet-stream")

    @router.put("/blobs/{digest}", dependencies=writes, max_body_size=ANY_SIZE)
    async def put_blob(digest: str, request: Request, upload: str | None = None) -> dict[str, int | str]:
        """Store bytes under their digest: those of the body, or of a finished upload."""
        if upload is None:
            path = await uploads.spool(request.stream())
        else:
            path = uploads.path(upload)
        stored = await run_in_threadpool(keep_verified, blobs, digest, path)
        return {"digest": stored.digest, "size_bytes": stored.size_bytes}

    @router.post("/blobs/{digest}/touch", dependencies=writes)
    def touch_blob(digest: str) -> dict[str, bool]:
        """Make bytes as new as if they were stored now, so that nobody removes them; false: store them."""
        return {"is_there": blobs.touch(digest)}

    @router.delete("/blobs/{digest}", dependencies=removes)
    def delete_blob(digest: str, unless_newer_than: int | None = None) -> dict[str, bool]:
        """Remove bytes, or only those that were not stored after a moment (milliseconds)."""
        if unless_newer_than is not None:
            return {"removed": blobs.delete_unless_newer(digest, unless_newer_than)}
        blobs.delete(digest)
        return {"removed": True}

    _add_uploads(router, uploads)

    return router


def _add_uploads(router: APIRouter, uploads: Uploads) -> None:
    """Add the routes of `/uploads`."""
    writes = [needs(Permission.WRITE)]

    @router.post("/uploads", status_code=201, dependencies=writes)
    def start_upload() -> dict[str, int | str]:
        """Begin an upload that can be taken up again after a break."""
        return {"id": uploads.start(), "size_bytes": 0}

    @router.get("/uploads/{upload}", dependencies=writes)
    def get_upload(upload: str) -> dict[str, int | str]:
        """Tell how far an upload has come."""
        return {"id": upload, "size_bytes": uploads.size_bytes(upload)}

    @router.patch("/uploads/{upload}", dependencies=writes, max_body_size=ANY_SIZE)
    async def continue_upload(upload: str, request: Request) -> dict[str, int | str]:
        """Add the body to an upload; `Upload-Offset` says where it belongs."""
        offset = request.headers.get("upload-offset")
        size_bytes = await uploads.add(upload, offset, request.stream())
        return {"id": upload, "size_bytes": size_bytes}

    @router.delete("/uploads/{upload}", dependencies=writes)
    def drop_upload(upload: str) -> dict[str, bool]:
        """Give up an upload."""
        return {"removed": uploads.drop(upload)}


def _size(blobs: BlobStore, digest: str) -> int:
    entries = blobs.manifest(digest)
    return len(encode_manifest(entries)) if _is_folder(digest) else entries[0].size_bytes


def _open(blobs: BlobStore, digest: str) -> BinaryIO:
    return io.BytesIO(encode_manifest(blobs.manifest(digest))) if _is_folder(digest) else blobs.open(digest)


def _is_folder(digest: str) -> bool:
    return digest.startswith(f"{FOLDER_SCHEME}:")


def _pieces(file: BinaryIO, first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (piece := file.read(min(left, PIECE_BYTES))):
            left -= len(piece)
            yield piece
