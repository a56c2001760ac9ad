"""Webhooks: told what happened, signed as MLflow signs, and sent nowhere that is private."""

import base64
import hashlib
import hmac
import json
import queue
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import cast

import pytest

from headwater.blobs import open_blobs
from headwater.compat.mlflow import MlflowError, MlflowService
from headwater.compat.mlflow.answers import encode
from headwater.compat.mlflow.webhook_addresses import WebhookRules, is_public, resolve
from headwater.compat.mlflow.webhook_sending import send
from headwater.errors import InvalidError
from headwater.model.access import Identity, Role
from headwater.store import open_store

OPEN = WebhookRules(allows_private=True)


class Hook(ThreadingHTTPServer):
    """Keeps what it is sent, and answers with the next of `statuses`, then 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.got, self.statuses = queue.Queue(), []


class Receiver(BaseHTTPRequestHandler):
    """Answers for a hook."""

    def do_POST(self):
        hook = cast(Hook, self.server)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        hook.got.put((self.path, dict(self.headers), body))
        status = hook.statuses.pop(0) if hook.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format, *arguments):
        """Say nothing."""


ANN = Identity(name="ann", role=Role.ADMIN)


@pytest.fixture
def receiver():
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def call(tmp_path):
    """Call an endpoint by method and path, with a body."""
    with open_store("memory://") as store:
        service = MlflowService(store, open_blobs(str(tmp_path / "blobs")), webhook_rules=OPEN)
        by_name = {(m, e.path): e for e in service.endpoints for m in e.methods}

        def run(method, path, **body):
            endpoint = by_name[method, f"mlflow/{path}"]
            names = {name: body.pop(name) for name in ("webhook_id",) if name in body}
            request = endpoint.reader.of_body(json.dumps(body).encode(), names)
            return json.loads(encode(service.call(endpoint, request, ANN)))

        yield run
        service.close()


def hook(receiver, *events, **fields):
    pairs = [dict(zip(("entity", "action"), event.split("."), strict=True)) for event in events]
    url = f"http://127.0.0.1:{receiver.server_port}/hook?x=1"
    return {"name": "ops", "url": url, "events": pairs, **fields}


def test_webhooks_are_told_what_they_ask_for_with_a_signature(call, receiver):
    events = ("registered_model.created", "model_version.created", "model_version_alias.created")
    made = call("POST", "webhooks", **hook(receiver, *events, secret="s3cret"))["webhook"]
    call("POST", "registered-models/create", name="late", tags=[{"key": "a", "value": "b"}])
    call("POST", "model-versions/create", name="late", source="s3://x/1")
    call("POST", "model-versions/set-tag", name="late", version="1", key="k", value="v")
    call("POST", "registered-models/alias", name="late", alias="best", version="1")

    got = [receiver.got.get(timeout=10) for _ in range(3)]

    told = {body["entity"]: body for body in (json.loads(body) for _, _, body in got)}
    assert told["registered_model"]["data"] == {"name": "late", "tags": {"a": "b"}, "description": None}
    version = told["model_version"]["data"]
    assert (version["name"], version["version"], version["source"]) == ("late", "1", "s3://x/1")
    assert told["model_version_alias"]["data"] == {"name": "late", "alias": "best", "version": "1"}
    assert "secret" not in made
    path, headers, body = got[0]
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body}".encode()
    digest = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
    assert (path, headers["X-MLflow-Signature"]) == ("/hook?x=1", f"v1,{digest}")
    assert receiver.got.empty()


def test_a_delivery_is_tried_again_and_a_redirect_is_not_followed(call, receiver):
    receiver.statuses = [503, 302]
    made = call("POST", "webhooks", **hook(receiver, "prompt.created"))["webhook"]
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    call("POST", "registered-models/create", name="p", tags=tags)

    paths = [receiver.got.get(timeout=10)[0] for _ in range(2)]
    result = call("POST", "webhooks/{webhook_id}/test", webhook_id=made["webhook_id"])["result"]

    assert paths == ["/hook?x=1"] * 2
    assert (result["success"], result["response_status"], result["response_body"]) == (True, 200, "ok")
    receiver.statuses = [302]
    refused = call("POST", "webhooks/{webhook_id}/test", webhook_id=made["webhook_id"])["result"]
    assert (refused["success"], "redirects are not followed" in refused["error_message"]) == (False, True)


def test_a_disabled_webhook_hears_nothing_and_a_removed_one_is_gone(call, receiver):
    disabled = hook(receiver, "registered_model.created", status="DISABLED")
    made = call("POST", "webhooks", **disabled)["webhook"]
    call("POST", "registered-models/create", name="quiet")
    one = {"webhook_id": made["webhook_id"]}

    assert call("GET", "webhooks")["webhooks"] == [made]
    assert call("PATCH", "webhooks/{webhook_id}", **one, status="ACTIVE")["webhook"]["status"] == "ACTIVE"
    call("POST", "registered-models/create", name="loud")
    assert json.loads(receiver.got.get(timeout=10)[2])["data"]["name"] == "loud"
    call("DELETE", "webhooks/{webhook_id}", **one)
    with pytest.raises(MlflowError, match="not found"):
        call("GET", "webhooks/{webhook_id}", **one)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://0177.0.0.1/x",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::a9fe:a9fe]/x",
        "https://[2002:7f00:1::]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://0.0.0.0/x",
        "https://224.0.0.1/x",
        "https://user@8.8.8.8/x",
        "https://8.8.8.8/a b",
        "http://8.8.8.8/x",
        "file:///etc/passwd",
        "https:///x",
        "https://8.8.8.8:99999/x",
    ],
)
def test_no_private_address_is_reached_in_any_spelling(url):
    with pytest.raises(InvalidError):
        resolve(url, WebhookRules())


def test_public_addresses_are_reached():
    assert resolve("https://8.8.8.8/x?y", WebhookRules()).path == "/x?y"
    assert is_public(ip_address("2001:4860:4860::8888"))


def test_a_host_is_resolved_once_and_that_address_is_connected_to(receiver, monkeypatch):
    """The second answer of a rebinding name server is never asked for."""
    asked = []
    real = socket.getaddrinfo

    def rebinding(host, port, *rest, **fields):
        if host != "rebind.example":
            return real(host, port, *rest, **fields)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "203.0.113.9"
        return real(address, port, *rest, **fields)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    done = send(f"http://rebind.example:{receiver.server_port}/hook", None, "{}", OPEN)

    assert (done.status, asked) == (200, ["rebind.example"])
    assert receiver.got.get(timeout=5)[1]["Host"] == f"rebind.example:{receiver.server_port}"


def test_mistakes_are_refused(call, receiver):
    for fields in ({"name": "-x"}, {"events": []}, {"status": "SLEEPING"}, {"url": "ftp://x"}):
        with pytest.raises(MlflowError) as refused:
            call("POST", "webhooks", **(hook(receiver, "prompt.created") | fields))
        assert refused.value.status == 400
    with pytest.raises(MlflowError, match="Valid actions"):
        call("POST", "webhooks", **hook(receiver, "model_version.deleted"))
