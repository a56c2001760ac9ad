"""Bodies that are sent shorter than they are: gzip and zstd, both ways."""

import zlib
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final, Protocol

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES: Final = 1024
"""Shorter answers gain nothing."""
PIECE_BYTES: Final = 2**16
"""A body is unpacked in pieces of about this size, so that one that explodes is noticed at once."""
MOST_WINDOW: Final = 2**23
"""Memory that a packed body may ask for; RFC 9659 has this number for zstd."""
_STEP: Final = 256
"""Bytes of zstd that are unpacked at once: a block of four bytes can make 128 KiB."""
_LEVEL: Final = 3
_GZIP: Final = 16 + zlib.MAX_WBITS
_COMPRESSIBLE: Final = (
    "application/json",
    "application/msgpack",
    "application/x-ndjson",
    "text/",
)
_NEVER: Final = "text/event-stream"
_UNFIT: Final = frozenset({204, 206, 304})
"""Statuses without a body, or with a part of one whose bytes the client has counted."""


class Packer(Protocol):
    """What compresses a body bit by bit."""

    def compress(self, data: bytes, /) -> bytes:
        """Take more of it; returns what can be sent already."""
        ...

    def flush(self) -> bytes:
        """End it."""
        ...


PACKERS: Final[dict[str, Callable[[], Packer]]] = {
    "zstd": lambda: zstandard.ZstdCompressor(level=_LEVEL).compressobj(),
    "gzip": lambda: zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP),
}
"""By name; of those that a client accepts the first is used."""


class Compression:
    """Middleware that unpacks compressed bodies, and packs answers for those who accept it.

    What a body is unpacked to is bound by the limit of its route, whatever it was packed to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        coding = headers.get("content-encoding", "").strip().lower()
        if coding not in {"", "identity"}:
            # What the routes see is the body itself. Changed in place: middleware outside looks at it, too.
            names = {b"content-encoding", b"content-length"}
            scope["headers"] = [pair for pair in scope["headers"] if pair[0].lower() not in names]
            receive = _Unpacking(scope, receive, coding).receive
        accepted = _accepted(headers.get("accept-encoding", ""))
        return await self._app(scope, receive, _Packing(send, accepted).send)


class _Unpacking:
    """A body that is unpacked while it comes."""

    def __init__(self, scope: Scope, receive: Receive, coding: str) -> None:
        self._scope, self._receive, self._coding = scope, receive, coding
        self._size = 0
        self._unpacker: _Unpacker | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        unpacker = self._unpacker = self._unpacker or _unpacker(self._coding)
        try:
            body = b"".join(self._bounded(unpacker.feed(message.get("body", b""))))
        except (zlib.error, zstandard.ZstdError) as error:
            raise HTTPException(400, f"the body is no {self._coding}: {error}") from error
        if not message.get("more_body", False) and not unpacker.is_at_end:
            raise HTTPException(400, f"the body ends in the middle of its {self._coding}")
        return {**message, "body": body}

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        # Not earlier: it is the route that knows how large a body may be.
        most: int | None = self._scope.get(MAX_BODY_SIZE_SCOPE_KEY)
        for piece in pieces:
            self._size += len(piece)
            if most is not None and self._size > most:
                raise HTTPException(413, f"unpacked, the body has more than {most:,} bytes")
            yield piece


class _Unpacker(Protocol):
    @property
    def is_at_end(self) -> bool: ...

    def feed(self, data: bytes, /) -> Iterator[bytes]: ...


def _unpacker(coding: str) -> _Unpacker:
    match coding:
        case "gzip" | "x-gzip":
            return _Gunzip()
        case "zstd":
            return _Unzstd()
        case _:
            raise HTTPException(415, f"the encoding {coding[:40]!r} is unknown here: send gzip or zstd")


class _Gunzip:
    """Unpacks gzip: never more than a piece at once, however much is packed into a few bytes."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP)
        self._has_begun = False

    @property
    def is_at_end(self) -> bool:
        return self._inner.eof or not self._has_begun

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        self._has_begun = self._has_begun or bool(data)
        while data:
            if self._inner.eof:
                # Several files one after another are one, says RFC 1952.
                self._inner = zlib.decompressobj(_GZIP)
            yield self._inner.decompress(data, PIECE_BYTES)
            data = self._inner.unused_data or self._inner.unconsumed_tail


class _Unzstd:
    """Unpacks zstd. A frame that wants more memory than `MOST_WINDOW` is refused."""

    def __init__(self) -> None:
        self._reader = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        self._inner = self._reader.decompressobj()
        self._has_begun = False

    @property
    def is_at_end(self) -> bool:
        return self._inner.eof or not self._has_begun

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        self._has_begun = self._has_begun or bool(data)
        for start in range(0, len(data), _STEP):
            rest = data[start : start + _STEP]
            while rest:
                if self._inner.eof:
                    self._inner = self._reader.decompressobj()
                yield self._inner.decompress(rest)
                rest = self._inner.unused_data


class _Packing:
    """An answer that is packed while it goes."""

    def __init__(self, send: Send, coding: str | None) -> None:
        self._send, self._coding = send, coding
        self._packer: Packer | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Accept-Encoding")
            if self._coding is not None and _is_fit(message["status"], headers):
                self._packer = PACKERS[self._coding]()
                _mark(headers, self._coding)
        elif message["type"] == "http.response.body" and self._packer is not None:
            body = self._packer.compress(message.get("body", b""))
            if not message.get("more_body", False):
                body += self._packer.flush()
            message = {**message, "body": body}
        await self._send(message)


def _is_fit(status: int, headers: Headers) -> bool:
    kind = headers.get("content-type", "")
    length = headers.get("content-length", "")
    is_short = length.isdecimal() and int(length) < LEAST_BYTES
    # Files go as they are: their readers count bytes, for ranges and for progress.
    is_file = "accept-ranges" in headers or "content-disposition" in headers
    is_whole = status not in _UNFIT and not is_file
    return (
        is_whole
        and not is_short
        and "content-encoding" not in headers
        and kind.startswith(_COMPRESSIBLE)
        and not kind.startswith(_NEVER)
    )


def _mark(headers: MutableHeaders, coding: str) -> None:
    headers["Content-Encoding"] = coding
    if "content-length" in headers:
        del headers["content-length"]
    tag = headers.get("etag")
    if tag is not None and not tag.startswith("W/"):
        # Other bytes, the same content.
        headers["ETag"] = f"W/{tag}"


def _accepted(header: str) -> str | None:
    """Return the encoding to use, None for none."""
    wanted: set[str] = set()
    for each in header.lower().split(","):
        name, _, weight = each.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            wanted.add(name.strip())
    return next((name for name in PACKERS if name in wanted), None)
