"""Routes, attacked: nobody, the wrong somebody, and headers that are not what they seem."""

import pytest
from fastapi import APIRouter, FastAPI

from headwater.errors import HeadwaterError
from headwater.model.access import Permission, Role, TokenKind
from headwater.server.auth import OpenGuard
from headwater.server.http.access import Identify, declarations, needs, public, undeclared
from tests.server.auth.test_guards import PASSWORD, WRONG, basic, bearer
from tests.server.http.conftest import make_app, refuse
from tests.server.http.serving import exchange, served

ROUTES = {
    Permission.READ: ("GET", "/read"),
    Permission.WRITE: ("POST", "/write"),
    Permission.DECIDE: ("POST", "/decide"),
    Permission.ADMIN: ("POST", "/admin"),
}


def status(client, permission, authorization=None):
    method, path = ROUTES[permission]
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.request(method, path, headers=headers).status_code


def raw(port, *headers, method="GET", path="/read", body=b""):
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *headers]
    return exchange(port, b"\r\n".join(lines) + b"\r\n\r\n" + body)


def test_nobody_reaches_more_than_public_routes(client):
    assert client.get("/health").json() == "OK"
    for method, path in [*ROUTES.values(), ("POST", "/models/m"), ("POST", "/plain")]:
        answer = client.request(method, path, json={"subject": "models/m"})
        assert (answer.status_code, answer.json()) == (401, {"code": "unauthenticated"})
        assert answer.headers["www-authenticate"] == 'Basic realm="headwater", charset="UTF-8"'


@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_what_it_may(people, client, role):
    people.add("ann", role)
    secret, _ = people.token("ann")

    found = {permission: status(client, permission, bearer(secret)) for permission in Permission}

    assert found == {permission: 200 if role >= permission else 403 for permission in Permission}


def test_a_grant_opens_its_subject_and_no_other(people, client):
    people.add("ann", None, grants=[("models/late*", Role.EDITOR)])
    secret, _ = people.token("ann")
    client.headers["Authorization"] = bearer(secret)

    assert client.post("/models/late-flights").json() == "ann"
    assert client.post("/plain", json={"subject": "models/late"}).json() == "ann"
    assert client.post("/models/other").status_code == 403
    assert client.post("/models/%6Cate").json() == "ann"
    assert client.post("/models/other%2F..%2Flate").status_code in {403, 404}
    assert client.post("/plain", json={"subject": "experiments/late"}).status_code == 403
    assert status(client, Permission.READ, bearer(secret)) == 403


def test_a_session_in_a_cookie_is_as_good_as_a_token(people, client):
    people.add("ann")
    session, _ = people.token("ann", kind=TokenKind.SESSION)
    token, _ = people.token("ann")

    def with_cookie(value, name="headwater_session"):
        return client.post("/write", headers={"Cookie": f"{name}={value}"}).status_code

    assert with_cookie(session) == 200
    for tampered in (session[:-1], session + "A", session.upper(), token, "", "hws_", f"{session}%00", "{}"):
        assert with_cookie(tampered) == 401
    assert with_cookie(session, "__Host-headwater_session") == 401
    answer = client.post("/write", headers={"Cookie": f"headwater_session={session}", "Authorization": "x"})
    assert answer.status_code == 401


def test_behind_tls_only_a_cookie_that_no_other_host_can_set_counts(people, basic_guard, connect):
    people.add("ann")
    session, _ = people.token("ann", kind=TokenKind.SESSION)
    client = connect(make_app(basic_guard, hosts=["hw.example"]), "hw.example")

    def with_cookie(name):
        return client.get("/read", headers={"Cookie": f"{name}={session}"}).status_code

    assert (with_cookie("__Host-headwater_session"), with_cookie("headwater_session")) == (200, 401)


def test_guessing_is_answered_with_how_long_to_wait(people, client):
    people.add("ann", password=PASSWORD)
    for number in range(10):
        assert status(client, Permission.READ, basic("ann", f"{WRONG}{number}")) == 401

    answer = client.get("/read", headers={"Authorization": basic("ann", PASSWORD)})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "6")
    assert client.get("/health").status_code == 200


def test_headers_that_say_two_things_say_nothing(people, app):
    people.add("ann", Role.ADMIN)
    secret, _ = people.token("ann")
    right, wrong = f"Authorization: Bearer {secret}".encode(), b"Authorization: Bearer hw_wrong"

    with served(app) as port:
        answers = {
            "right": raw(port, right),
            "twice": raw(port, right, right),
            "two": raw(port, wrong, right),
            "two the other way": raw(port, right, wrong),
            "folded": raw(port, b"Authorization: Bearer", f" {secret}".encode()),
            "NUL": raw(port, right + b"\0"),
            "huge": raw(port, b"Authorization: Bearer hw_" + b"A" * 20_000),
            "blank before the colon": raw(port, f"Authorization : Bearer {secret}".encode()),
            "underscore": raw(port, f"Authorization_: Bearer {secret}".encode()),
            "in the path": raw(port, path=f"/read?Authorization=Bearer%20{secret}&access_token={secret}"),
            "not ASCII": raw(port, b"Authorization: Bearer \xff\xfe"),
        }

    codes = {name: answer.split(b" ", 2)[1] for name, answer in answers.items()}
    assert codes.pop("right") == b"200"
    assert set(codes.values()) <= {b"400", b"401"}, codes
    assert codes["twice"] == codes["two"] == codes["two the other way"] == b"401"


def test_a_large_body_is_not_read_from_somebody_unknown(app):
    with served(app) as port:
        large = raw(port, b"Content-Length: 90000", method="POST", path="/plain")
        chunked = raw(port, b"Transfer-Encoding: chunked", method="POST", path="/plain")

    # Both were answered although nothing of the body was ever sent.
    assert large.startswith(b"HTTP/1.1 401")
    assert chunked.startswith(b"HTTP/1.1 401")


def test_without_the_middleware_nobody_gets_in(connect):
    app = FastAPI()
    app.get("/read", dependencies=[needs(Permission.READ)])(lambda: "done")
    app.add_exception_handler(HeadwaterError, refuse)

    assert connect(app).get("/read").status_code == 401


def test_without_auth_everybody_may_do_everything(connect):
    client = connect(make_app(OpenGuard()))

    assert [status(client, permission) for permission in Permission] == [200] * 4
    assert client.post("/plain", json={"subject": None}).json() == "root"


def test_a_route_without_a_declaration_is_found(app):
    assert undeclared(app) == []
    assert declarations(app)["GET /health"].permission is None
    assert declarations(app)["POST /models/{name}"].permission is Permission.WRITE
    assert declarations(app)["POST /plain"].permission is Permission.WRITE

    router, declared = APIRouter(), APIRouter(dependencies=[needs(Permission.READ)])
    for each in (router, declared):
        each.get("/late")(lambda: "done")
        each.websocket("/stream")(lambda websocket: None)
    app.include_router(router, prefix="/open")
    app.include_router(declared, prefix="/closed")
    app.include_router(router, prefix="/inherits", dependencies=[public()])
    app.mount("/files", FastAPI())
    app.add_route("/starlette", lambda request: None)

    assert undeclared(app) == [
        "GET /open/late",
        "ANY /open/stream",
        "ANY /files",
        "GET /starlette",
        "HEAD /starlette",
    ]


def test_the_identity_is_found_once_for_each_request(people, basic_guard, passwords, connect):
    people.add("ann", password=PASSWORD)
    app = FastAPI(dependencies=[needs(Permission.READ)])
    app.get("/read", dependencies=[needs(Permission.WRITE)])(lambda: "done")
    app.add_middleware(Identify, guard=basic_guard, refuse=refuse)

    assert connect(app).get("/read", headers={"Authorization": basic("ann", PASSWORD)}).json() == "done"
    assert passwords.checks == 1
