"""One request to a webhook: to the address that was checked, signed, and with an end."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from headwater.compat.mlflow.webhook_addresses import Target, WebhookRules, resolve
from headwater.compat.mlflow.webhook_events import Announcement
from headwater.errors import InvalidError

TIMEOUT_S: Final = 10.0
"""Longest time that one request may take, from the first packet to the last."""
MAX_ANSWER_BYTES: Final = 4096
"""How much of an answer is read."""
SIGNATURE: Final = "X-MLflow-Signature"
TIMESTAMP: Final = "X-MLflow-Timestamp"
DELIVERY_ID: Final = "X-MLflow-Delivery-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one request.

    Attributes:
        status: The HTTP status, if there was an answer.
        body: The beginning of the answer.
        problem: Why there was none, or why it does not count.
    """

    status: int | None = None
    body: str = ""
    problem: str = ""

    @property
    def is_worth_another_try(self) -> bool:
        """True when the other side may take it later."""
        return self.status is None or self.status == 429 or self.status >= 500


def body_of(happened: Announcement) -> str:
    """Return what is sent."""
    return json.dumps(
        {
            "entity": happened.entity,
            "action": happened.action,
            "timestamp": datetime.now(UTC).isoformat(),
            "data": dict(happened.data),
        }
    )


def signature_of(secret: str, delivery_id: str, timestamp: str, body: str) -> str:
    """Return the signature of a delivery: HMAC-SHA256 over id, time and body.

    Source:
        The header that MLflow's receivers check: `v1,` and base64 over `id.timestamp.body`.
    """
    signed = f"{delivery_id}.{timestamp}.{body}".encode()
    return f"v1,{base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()}"


def send(url: str, secret: str | None, body: str, rules: WebhookRules) -> Delivery:
    """Send a body once; redirects are not followed."""
    try:
        target = resolve(url, rules)
        return _request(target, body.encode(), _headers(target, secret, body))
    except InvalidError as error:
        return Delivery(status=400, problem=str(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Delivery(problem=f"{type(error).__name__}: {error}")


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was checked; the host's name is only for TLS and the Host header."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_S)
        self._target = target

    def connect(self) -> None:
        sock = socket.create_connection((self._target.address, self._target.port), TIMEOUT_S)
        if self._target.is_secure:
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=self._target.host)
        self.sock = sock

    def cut(self) -> None:
        """End a request that takes too long, from another thread."""
        # A closed file number may be somebody else's by now: a socket that is shut down keeps its own.
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _request(target: Target, body: bytes, headers: dict[str, str]) -> Delivery:
    connection = _Connection(target)
    watch = threading.Timer(TIMEOUT_S, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body, headers)
        answer = connection.getresponse()
        text = answer.read(MAX_ANSWER_BYTES).decode(errors="replace")
    finally:
        watch.cancel()
        connection.close()
    if 300 <= answer.status < 400:
        return Delivery(status=400, problem=f"it answers {answer.status}: redirects are not followed")
    return Delivery(status=answer.status, body=text)


def _headers(target: Target, secret: str | None, body: str) -> dict[str, str]:
    delivery_id, timestamp = str(uuid.uuid4()), str(int(time.time()))
    host = f"[{target.host}]" if ":" in target.host else target.host
    is_default = target.port == (443 if target.is_secure else 80)
    headers = {
        "Host": host if is_default else f"{host}:{target.port}",
        "Content-Type": "application/json",
        DELIVERY_ID: delivery_id,
        TIMESTAMP: timestamp,
    }
    if secret:
        headers[SIGNATURE] = signature_of(secret, delivery_id, timestamp, body)
    return headers
