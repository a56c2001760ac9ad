"""A client of the event stream."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: str
    kind: str
    data: Any


@contextmanager
def listening(url: str, topics: str, last_id: str | None = None) -> Generator[Iterator[Event]]:
    """Listen while the block runs; the events end when the server ends the stream."""
    headers = {"Last-Event-ID": last_id} if last_id is not None else {}
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30)) as pool:
        answer = pool.request(
            "GET", f"{url}/api/v1/events", fields={"topics": topics}, headers=headers, preload_content=False
        )
        assert answer.status == 200, answer.data
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        try:
            yield _events(answer)
        finally:
            answer.close()


def _events(answer: urllib3.BaseHTTPResponse) -> Iterator[Event]:
    waiting = b""
    for piece in answer.stream(1):
        waiting += piece
        while b"\n\n" in waiting:
            text, _, waiting = waiting.partition(b"\n\n")
            if not text.startswith(b":"):
                fields = dict(line.split(": ", 1) for line in text.decode().split("\n"))
                yield Event(fields["id"], fields["event"], json.loads(fields["data"]))


def until(events: Iterator[Event], ref: str, field: str) -> Any:
    """Return a field of a thing as soon as it has changed."""
    for event in events:
        for change in event.data.get("changes", ()):
            if change["ref"] == ref and field in change["changed"]:
                return change["changed"][field]
    raise AssertionError(f"the stream ended without {field} of {ref}")
