"""Whoever has no right to something does not get it: every route, every call, every kind of proof."""

import re
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.model.access import Role
from headwater.server.http.access import declarations, undeclared
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store import open_store
from headwater.store.calls import calls, pack
from headwater.store.calls.rights import NEVER_SERVED
from tests.server.http.serving import exchange

WRONG = f"hw_{'0' * 64}"
PUBLIC = re.compile(
    r"\w+ (/health(/\w+)?|/version|/api/v1/version|/api/v1/openapi.json"
    r"|/(ajax-)?api/[23]\.0/mlflow(-artifacts)?/\{rest:path\})"
)


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    """What each route of the application declares."""
    folder = tmp_path_factory.mktemp("routes")
    with open_store("memory://") as store:
        backend = Backend(store=store, blobs=open_blobs(str(folder)), spool=Path(folder))
        app = create_app(backend)
        assert undeclared(app) == []
        yield declarations(app)
        app.state.mlflow.close()


def test_only_what_tells_nothing_is_public(routes):
    assert [
        name for name, access in routes.items() if access.permission is None and not PUBLIC.fullmatch(name)
    ] == []


@pytest.mark.parametrize(
    "spelling", ["as it is", "in capitals", "with a slash at its end", "with two at its start"]
)
def test_every_route_turns_away_who_proves_nothing(guarded, routes, spelling):
    victim, rows = guarded.victim, guarded.victim.rows()
    for method, path in _guarded(routes):
        target = {
            "as it is": path,
            "in capitals": path.upper(),
            "with a slash at its end": f"{path}/",
            "with two at its start": f"/{path}",
        }[spelling]
        status = victim.raw(target, method, b"Content-Type: application/json\r\n", b"{}")
        expected = {401} if spelling == "as it is" else {401, 404, 405, 307}
        assert status in expected, (method, target)
    assert victim.rows() == rows


def test_no_wrong_proof_opens_a_route(guarded, routes):
    victim = guarded.victim
    admin = guarded.tokens[Role.ADMIN]
    for method, path in _guarded(routes):
        assert victim.ask(method, path, token=WRONG, json={}).status_code in {401, 429}, (method, path)
    for said in (
        "Bearer",
        "Bearer ",
        f"Bearer {admin[:-1]}",
        f"Bearer {admin.upper()}",
        f"Bearer {admin}\x00",
        f"Digest {admin}",
        "Basic Og==",
        "Basic YWRtaW46",
        "Basic !!!!",
        f"Bearer {admin}, Bearer {admin}",
        "Bearer " + "x" * 60_000,
        "Bearer null",
        "Bearer hw_",
    ):
        head = (
            f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {said}\r\n\r\n"
        )
        status = victim.status_of(exchange(victim.port, head.encode("latin-1")))
        assert status in {0, 400, 401, 429, 431}, said[:50]
    for name in (
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
    ):
        status = victim.raw("/metrics", headers=f"{name}: /health\r\n".encode())
        assert status == 401, name


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.APPROVER])
def test_no_role_does_what_needs_a_wider_one(guarded, routes, role):
    victim, token, rows = guarded.victim, guarded.tokens[role], guarded.victim.rows()
    for method, path in _guarded(routes, above=role):
        assert victim.ask(method, path, token=token, json={}).status_code == 403, (method, path)
    for name, call in calls().items():
        if call.permission > role:
            sent = victim.ask("POST", f"/api/v1/store/{name}", token=token, content=pack({}))
            assert sent.status_code == 403, name
    assert _without_uses(victim.rows()) == _without_uses(rows)


def test_what_proves_who_somebody_is_is_served_to_nobody(guarded):
    for name in (
        *NEVER_SERVED,
        "access.__class__",
        "access._database",
        "__init__.x",
        "at",
        "close.x",
        "access.by_token.x",
    ):
        sent = guarded.victim.ask("POST", f"/api/v1/store/{name}", content=pack({}))
        assert sent.status_code == 404, name
    for row in guarded.victim.ask("POST", "/api/v1/store/access.tokens", content=pack({})).content.split(
        b"hw_"
    ):
        assert not any(secret[3:].encode() in row for secret in guarded.tokens.values())


def test_somebody_unknown_has_no_large_body_read(guarded):
    for length in (b"Content-Length: 1000000\r\n", b"Transfer-Encoding: chunked\r\nX-Content-Length: 0\r\n"):
        for target, method in (
            ("/api/v1/blobs/blake3:0", "PUT"),
            ("/api/2.0/mlflow-artifacts/artifacts/0/x", "PUT"),
        ):
            # Nothing of the body is sent: whoever waited for it would not answer.
            assert guarded.victim.raw(target, method, length) == 401


def _guarded(routes, above=0):
    """Yield method and path of each route that needs more than a role has."""
    for name, access in routes.items():
        method, path = name.split(" ")
        needed = access.permission
        if needed is not None and needed > above:
            yield method, re.sub(r"\{[^}]*\}", "models.get" if "/store/" in path else "kept", path)


def _without_uses(rows):
    """Return all rows but those of tokens: when each was used last is noted."""
    return {table: found for table, found in rows.items() if "token" not in table}
