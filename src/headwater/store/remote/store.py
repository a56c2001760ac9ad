"""The `Store` protocol over a server's HTTP API."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from headwater.errors import HeadwaterError, UnavailableError
from headwater.model.protocols import (
    AccessStore,
    ApprovalStore,
    ArtifactStore,
    ContextStore,
    DataStore,
    ExecutionStore,
    LedgerStore,
    LineageStore,
    LinkStore,
    ModelStore,
    ReleaseStore,
    RunStore,
    SeriesStore,
    TransferStore,
    TypeStore,
    UpkeepStore,
    WebhookStore,
)
from headwater.store.calls import MEDIA_TYPE, Call, calls, entity, error_of, framed, pack, plain, unpack
from headwater.transport.address import Address
from headwater.transport.connection import Answer, Connection

PATH: Final = "/api/v1/store/"
_HEADERS: Final = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}


class RemoteStore:
    """A store that a server holds. Its parts take the calls of the protocols and send them."""

    def __init__(
        self,
        url: str,
        *,
        environment: Mapping[str, str] = os.environ,
        open_connection: Callable[[Address], Connection] = Connection,
    ) -> None:
        """Take where the server is, and ask it once.

        Args:
            url: `http[s]://[USER:PASSWORD@]HOST[:PORT]`.
            environment: Where a token is looked for.
            open_connection: Gives the connection; for other time-outs than the usual ones.

        Raises:
            InvalidError: the URL is no such address.
            UnavailableError: nobody answers there, or somebody who is no Headwater server.
            UnauthenticatedError, ForbiddenError: nobody is to know anything without saying who they are, or
                who they are may see nothing.
            SchemaError: the server's database was upgraded or replaced by another version.
        """
        address = Address.of(url, environment)
        self.url = address.url
        self._connection = open_connection(address)
        self._moment_ms: int | None = None
        self._open_parts()
        self.upkeep.check_schema()

    def _open_parts(self) -> None:
        part = self._part
        self.types: TypeStore = part("types")
        self.artifacts: ArtifactStore = part("artifacts")
        self.executions: ExecutionStore = part("executions")
        self.contexts: ContextStore = part("contexts")
        self.links: LinkStore = part("links")
        self.runs: RunStore = part("runs")
        self.series: SeriesStore = part("series")
        self.models: ModelStore = part("models")
        self.releases: ReleaseStore = part("releases")
        self.approvals: ApprovalStore = part("approvals")
        self.data: DataStore = part("data")
        self.lineage: LineageStore = part("lineage")
        self.ledger: LedgerStore = part("ledger")
        self.upkeep: UpkeepStore = part("upkeep")
        self.access: AccessStore = part("access")
        self.transfer: TransferStore = part("transfer")
        self.webhooks: WebhookStore = part("webhooks")

    def _part(self, name: str) -> Any:
        """Return a part; it has what its protocol declares, as the calls are read off the protocols."""
        return _Part(self._send, name)

    def at(self, time_ms: int, /) -> "RemoteStore":
        then = copy(self)
        then._moment_ms = time_ms
        then._open_parts()
        return then

    def close(self) -> None:
        """Give back connections; a closed store is not used again."""
        self._connection.close()

    def _send(self, call: Call, arguments: dict[str, Any]) -> Any:
        if call.has_key and arguments.get("key") is None:
            # So that it can be sent again when nobody knows whether it arrived.
            arguments["key"] = uuid.uuid4().hex
        body = pack({name: plain(value, call.parameters[name]) for name, value in arguments.items()})
        path = PATH + call.name + (f"?at={self._moment_ms}" if self._moment_ms is not None else "")
        if call.is_streamed:
            return self._items(call, path, body)
        is_repeatable = call.is_repeatable or call.has_key
        answer = self._connection.ask("POST", path, body=body, headers=_HEADERS, is_repeatable=is_repeatable)
        return entity(unpack(self._checked(answer).body), call.result)

    def _items(self, call: Call, path: str, body: bytes) -> Iterator[Any]:
        with self._connection.stream("POST", path, body=body, headers=_HEADERS) as (answer, pieces):
            self._checked(answer)
            for item in framed(pieces):
                yield entity(unpack(item), call.result)

    def _checked(self, answer: Answer) -> Answer:
        """Return an answer, unless it tells of an error: then raise that, as the server did."""
        if answer.status == 200 and answer.headers.get("content-type") == MEDIA_TYPE:
            return answer
        raise _error(answer, self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Part:
    """One part of a remote store: its methods are the calls that begin with its name."""

    def __init__(self, send: Callable[[Call, dict[str, Any]], Any], name: str) -> None:
        self._send, self._name = send, name

    def __getattr__(self, method: str) -> Any:
        call = calls().get(f"{self._name}.{method}")
        if call is None:
            raise AttributeError(f"a server answers no {self._name}.{method}")

        def ask(*args: Any, **kwargs: Any) -> Any:
            return self._send(call, call.bind(args, kwargs))

        # From now on it is found without this method.
        self.__dict__[method] = ask
        return ask


def _error(answer: Answer, url: str) -> HeadwaterError:
    try:
        if answer.headers.get("content-type") == MEDIA_TYPE:
            return error_of(unpack(answer.body))
        said = msgspec.json.decode(answer.body)
        return error_of({"code": said["code"], "message": said["message"]})
    except (msgspec.DecodeError, ValueError, KeyError, TypeError):
        text = answer.body[:200].decode(errors="replace")
        return UnavailableError(f"{url} answered {answer.status} as no Headwater server does: {text!r}")
