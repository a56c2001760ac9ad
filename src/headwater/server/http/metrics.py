"""Counters of the server, in Prometheus's terms."""

import os
from functools import lru_cache
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which the processes of one server add up; the client library reads it when it is imported."""

_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_requests: Final = Counter("headwater_http_requests", "Requests.", ("method", "route", "status"))
_durations: Final = Histogram(
    "headwater_http_request_seconds",
    "Time to the end of the answer.",
    ("method", "route"),
    buckets=_BUCKETS_S,
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Note one request; `route` is the route's template, so that there are not more series than routes."""
    requests, durations = _series_of(method, route, status)
    requests.inc()
    durations.observe(seconds)


@lru_cache(maxsize=4096)
def _series_of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # The library looks them up under a lock.
    return _requests.labels(method, route, str(status)), _durations.labels(method, route)


def exposition() -> tuple[bytes, str]:
    """Return all metrics as text, of all processes of this server, and the text's media type."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
