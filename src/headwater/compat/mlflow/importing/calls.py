"""MLflow's REST API, asked page by page."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from headwater.errors import HeadwaterError, InvalidError, NotFoundError, RefusedError, UnauthenticatedError
from headwater.transport.address import TOKEN_VARIABLE, Address, basic_authorization
from headwater.transport.connection import Answer, Connection

API: Final = "/api/2.0/mlflow/"
PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts"


def address_of(url: str, environment: Mapping[str, str]) -> Address:
    """Read the URL of MLflow's server, and who asks it.

    Args:
        url: `http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH]`.
        environment: Where the URL names no account, `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`
            are used, or else `MLFLOW_TRACKING_TOKEN`, as MLflow's own client does.

    Raises:
        InvalidError: the URL is no such address.
    """
    address = Address.of(url, {})
    if address.authorization is not None:
        return address
    user = environment.get("MLFLOW_TRACKING_USERNAME", "")
    password = environment.get("MLFLOW_TRACKING_PASSWORD", "")
    if user and password:
        return replace(address, authorization=basic_authorization(user, password))
    # A token of Headwater's own is nobody else's business.
    return Address.of(url, {TOKEN_VARIABLE: environment.get("MLFLOW_TRACKING_TOKEN", "")})


class Calls:
    """Asks one server."""

    def __init__(self, address: Address) -> None:
        """Take where to ask; nothing is sent yet."""
        self.url = address.url
        self.no_mlflow = f"the server at {self.url} is no MLflow server"
        self._connection = Connection(address)

    def get(self, endpoint: str, /, **query: Any) -> dict[str, Any]:
        """Ask an endpoint below `/api/2.0/mlflow/`.

        Raises:
            NotFoundError: the server does not have what was asked for.
            UnauthenticatedError, RefusedError: the server does not let the caller in.
            InvalidError: the server is no MLflow server, or refuses the request.
            UnavailableError: the server cannot be reached.
        """
        return self._read(self._connection.ask("GET", _with(API + endpoint, query), is_repeatable=True))

    def post(self, endpoint: str, /, **fields: Any) -> dict[str, Any]:
        """Ask an endpoint that only reads, though it takes its fields in a body; raises as `get` does."""
        body = json.dumps(fields).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._connection.ask("POST", API + endpoint, body=body, headers=headers, is_repeatable=True)
        return self._read(answer)

    def pages(self, method: str, endpoint: str, items: str, /, **fields: Any) -> Iterator[dict[str, Any]]:
        """Yield what is listed on all pages of a search; raises as `get` does.

        Args:
            method: `GET` or `POST`.
            endpoint: Below `/api/2.0/mlflow/`.
            items: The field of the answer that lists them.
            fields: Of the request.
        """
        ask = self.get if method == "GET" else self.post
        token: str | None = ""
        while token is not None:
            page = ask(endpoint, **fields, **({"page_token": token} if token else {}))
            yield from page.get(items, [])
            after = page.get("next_page_token") or None
            if after is not None and after == token:
                raise InvalidError(f"the server at {self.url} gives the same page of {endpoint} for ever")
            token = after

    def listed(self, path: str) -> list[dict[str, Any]]:
        """List a folder of the server's artifact proxy; empty where there is none."""
        answer = self._connection.ask("GET", _with(PROXY, {"path": path}), is_repeatable=True)
        return self._read(answer).get("files", [])

    def fetched(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file from the server's artifact proxy, in pieces; raises as `get` does."""
        with self._connection.stream("GET", f"{PROXY}/{quote(path)}") as (answer, pieces):
            if answer.status != 200:
                raise self._refusal(answer)
            yield from pieces

    def close(self) -> None:
        """Give back the connections."""
        self._connection.close()

    def _read(self, answer: Answer) -> dict[str, Any]:
        if answer.status != 200:
            raise self._refusal(answer)
        fields = _json(answer.body)
        if fields is None:
            raise InvalidError(f"{self.no_mlflow}: it does not answer in JSON")
        return fields

    def _refusal(self, answer: Answer) -> HeadwaterError:
        fields = _json(answer.body) or {}
        code, message = fields.get("error_code"), fields.get("message") or f"status {answer.status}"
        if answer.status == 401:
            return UnauthenticatedError(
                f"the server at {self.url} asks who you are: set MLFLOW_TRACKING_TOKEN, or "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        if answer.status == 403:
            return RefusedError(f"the server at {self.url} lets this account not read everything: {message}")
        if answer.status == 404:
            return NotFoundError("answer", self.url, gone=str(message))
        if code is None:
            return InvalidError(f"{self.no_mlflow}: it answers {answer.status} to what MLflow is asked")
        return InvalidError(f"the server at {self.url} refuses: {message}")


def _with(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        fields: object = json.loads(body)
    except ValueError:
        return None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else None
