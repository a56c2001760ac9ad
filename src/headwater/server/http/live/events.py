"""`GET /events`: server-sent events."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from headwater.model.access import Permission
from headwater.server.http.access import authorize, checked_inside, identity_of
from headwater.server.http.backend import Backend
from headwater.server.http.json_values import json_bytes
from headwater.server.http.live.listeners import PERIOD_S, Listeners
from headwater.server.http.live.topics import GRAMMAR, News, Topic, topics_of
from headwater.server.http.live.watching import Position

HEARTBEAT_S: Final = 15.0
LONGEST_S: Final = 3600.0
"""Then a stream ends and its client comes again, so that who may no longer listen does not for ever."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_router(backend: Backend) -> APIRouter:
    """Return the route of changes as they happen."""
    router = APIRouter(tags=["events"])
    listeners = Listeners(backend.store)

    @router.get(
        "/events",
        summary="Tell what changes, as server-sent events.",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    @checked_inside(Permission.READ)
    async def stream_events(
        topics: Annotated[str, Query(max_length=10_000, description=f"Parted by commas: {GRAMMAR}.")],
        request: Request,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=64)] = None,
    ) -> StreamingResponse:
        # Raises where nobody is known, before the store is asked.
        identity_of(request)
        chosen = await run_in_threadpool(topics_of, backend.store, topics)
        for topic in chosen:
            authorize(request, Permission.READ, topic.about)
        stream = _stream(backend, listeners, chosen, last_event_id)
        return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)

    return router


async def _stream(
    backend: Backend, listeners: Listeners, topics: list[Topic], last_id: str | None
) -> AsyncIterator[bytes]:
    watcher = await listeners.watcher()
    with listeners.listening(watcher, topics) as listener:
        # Listening already, so that nothing falls between what was missed and what comes.
        position = watcher.position
        yield _event("open", {"topics": [topic.text for topic in topics]}, position)
        if last_id is not None:
            missed = await run_in_threadpool(watcher.missed, topics, Position.of(last_id))
            yield b"".join(_events(missed, position))
        began_s = said_s = time.monotonic()
        while not backend.stopping.is_set() and time.monotonic() - began_s < LONGEST_S:
            found = await listener.news(PERIOD_S)
            if found:
                yield b"".join(_events(found, watcher.position))
            elif time.monotonic() - said_s >= HEARTBEAT_S:
                yield b": alive\n\n"
            else:
                continue
            said_s = time.monotonic()


def _events(found: Mapping[Topic, News], position: Position) -> list[bytes]:
    return [_news(topic, news, position) for topic, news in found.items()]


def _news(topic: Topic, news: News, position: Position) -> bytes:
    if news.is_reset:
        return _event("reset", {"topic": topic.text}, position)
    changes = [{"ref": ref, "changed": fields} for ref, fields in news.changes.items()]
    return _event("change", {"topic": topic.text, "changes": changes}, position)


def _event(kind: str, data: Any, position: Position) -> bytes:
    # JSON of one line: a line feed would end the field.
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(position).encode(), kind.encode(), json_bytes(data))
