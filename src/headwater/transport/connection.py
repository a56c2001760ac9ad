"""One server, asked over and over through kept connections."""

import os
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from headwater.errors import UnavailableError
from headwater.transport.address import Address
from headwater.version import VERSION

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0
_POOL: Final = 16
_TRIES: Final = 6
_BUSY: Final = frozenset({429, 502, 503, 504})
"""Statuses that say: not now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Asks one server. Safe to use from several threads, and in forked children."""

    def __init__(
        self,
        address: Address,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        tries: int = _TRIES,
    ) -> None:
        """Take where to ask; nothing is sent yet.

        Args:
            address: Of the server.
            connect_timeout_s: Longest wait for a connection.
            read_timeout_s: Longest silence of the server in an answer.
            tries: How often a request is sent at most; the waits between grow to 2 s.
        """
        self.url = address.url
        self._headers = {"User-Agent": f"headwater/{VERSION}"}
        if address.authorization:
            self._headers["Authorization"] = address.authorization
        self._timeout = urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s)
        self._tries = tries
        self._lock = threading.Lock()
        self._process, self._kept = os.getpid(), self._new_pool()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = False,
    ) -> Answer:
        """Send a request and read the whole answer, whatever its status.

        A request that did not arrive is sent again, and one that may have arrived if it `is_repeatable`.

        Raises:
            UnavailableError: the server cannot be reached, or does not answer.
        """
        response = self._send(method, path, body, headers, is_repeatable=is_repeatable, is_streamed=False)
        return Answer(response.status, _lower(response.headers), response.data)

    @contextmanager
    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Generator[tuple[Answer, Iterator[bytes]]]:
        """Send a request and hand out its answer in pieces; the `Answer` has a body only if it is an error.

        Raises:
            UnavailableError: the server cannot be reached, or falls silent half way.
        """
        response = self._send(method, path, body, headers, is_repeatable=True, is_streamed=True)
        try:
            is_fault = response.status >= 400
            answer = Answer(response.status, _lower(response.headers), response.read() if is_fault else b"")
            yield answer, self._pieces(response)
        finally:
            response.close()

    def close(self) -> None:
        """Give back the connections."""
        self._pool().clear()

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None,
        headers: Mapping[str, str] | None,
        *,
        is_repeatable: bool,
        is_streamed: bool,
    ) -> urllib3.BaseHTTPResponse:
        # A body that is read from a file is gone once it was sent.
        may_repeat = is_repeatable and not hasattr(body, "read")
        retries = urllib3.Retry(
            total=self._tries - 1,
            connect=self._tries - 1,
            read=self._tries - 1 if may_repeat else 0,
            other=0,
            redirect=False,
            allowed_methods=None,
            status_forcelist=_BUSY if may_repeat else (),
            # Without this, an answer with Retry-After would be reason enough to ask again.
            respect_retry_after_header=may_repeat,
            backoff_factor=0.2,
            backoff_max=2.0,
            backoff_jitter=0.1,
            raise_on_status=False,
            retry_after_max=10,
        )
        try:
            return self._pool().request(
                method,
                self.url + path,
                body=body,
                headers={**self._headers, **(headers or {})},
                retries=retries,
                timeout=self._timeout,
                preload_content=not is_streamed,
                decode_content=True,
            )
        except HTTPError as error:
            raise UnavailableError(self._trouble(error, may_repeat=may_repeat)) from error

    def _pieces(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from response.stream(2**20)
        except HTTPError as error:
            raise UnavailableError(f"the server at {self.url} fell silent: {error}") from error

    def _trouble(self, error: HTTPError, *, may_repeat: bool) -> str:
        cause = getattr(error, "reason", None) or error
        if isinstance(cause, (NewConnectionError, ConnectTimeoutError, NameResolutionError)):
            return f"the server at {self.url} cannot be reached: {cause}"
        lost = "" if may_repeat else "; what was asked may be done or not: look before you ask again"
        return f"the server at {self.url} did not answer: {cause}{lost}"

    def _pool(self) -> urllib3.PoolManager:
        """Return this process's own connections: a child must not talk on those of its parent."""
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._kept, self._process = self._new_pool(), os.getpid()
        return self._kept

    def _new_pool(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(num_pools=1, maxsize=_POOL, block=False)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
