"""Signing in at a real provider in a process of its own; its tokens, forged in every way."""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from headwater.errors import InvalidError, UnavailableError
from headwater.model.access import OidcSubject, Role, TokenKind
from headwater.server.auth import OidcGuard, OidcSettings, Provider
from headwater.server.http.access import Identify, undeclared
from headwater.server.http.login import login_router
from tests.server.auth.provider import CLIENT_ID, CLIENT_SECRET
from tests.server.auth.test_guards import bearer
from tests.server.http.conftest import make_app, refuse

ROOT = Path(__file__).parents[3]
ANN = {"sub": "00u1", "preferred_username": "Ann@Example.org", "roles": ["staff", "ml-editors"]}


@pytest.fixture(scope="module")
def issuer():
    """The provider, running; its URL."""
    command = [sys.executable, "-m", "tests.server.auth.provider"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture
def clock():
    """The provider's clock is the real one."""
    return lambda: time.time_ns() // 1_000_000


def settings_of(issuer, **more):
    fields = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "public_url": "http://localhost",
        "roles": {"ml-editors": Role.EDITOR, "ml-admins": Role.ADMIN},
    }
    return OidcSettings(issuer=issuer, **(fields | more))


class Site:
    """This server with the provider behind it."""

    def __init__(self, access, issuer, clock, seconds, **settings) -> None:
        self.access, self.issuer = access, issuer
        provider = Provider(settings_of(issuer, **settings), monotonic_s=seconds)
        self.guard = OidcGuard(access, provider, clock_ms=clock, monotonic_s=seconds)
        self.app = make_app(self.guard)
        self.app.include_router(login_router(provider, access, self.guard, clock_ms=clock))


def sign_in(client, issuer, person=ANN, path="/login?next=/read"):
    """Do what a browser does, up to the answer of the callback."""
    httpx.put(f"{issuer}/person", json=person)
    begun = client.get(path)
    assert begun.status_code == 302, begun.text
    back = httpx.get(begun.headers["location"]).headers["location"]
    return client.get(urlsplit(back).path + "?" + urlsplit(back).query), back


@pytest.fixture
def site(people, issuer, clock, seconds):
    return Site(people.access, issuer, clock, seconds)


@pytest.fixture
def browser(site, connect):
    return browser_of(site.app, connect)


def browser_of(app, connect):
    """A client that keeps cookies for the name that it uses."""
    client = connect(app)
    client.event_hooks = {
        "request": [lambda r: r.headers.update({"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())})],
        "response": [lambda r: jar.update(r.cookies.items())],
    }
    jar: dict[str, str] = {}
    client.jar = jar
    return client


def claims_of(issuer, **more):
    now = int(time.time())
    return {"iss": issuer, "aud": CLIENT_ID, "exp": now + 300, "iat": now, **ANN, **more}


def signed(issuer, **more):
    return httpx.post(f"{issuer}/sign", json=claims_of(issuer, **more)).json()["token"]


def test_a_browser_signs_in_and_out(site, browser, people):
    answer, _ = sign_in(browser, site.issuer)

    assert (answer.status_code, answer.headers["location"]) == (303, "/read")
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith("headwater_session=hws_")]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} == attributes
    ann = people.access.get("ann@example.org")
    assert (ann.role, ann.oidc) == (Role.EDITOR, OidcSubject(issuer=site.issuer, subject="00u1"))
    assert browser.post("/write").status_code == 200
    assert browser.post("/admin").status_code == 403
    assert browser.post("/write", headers={"Origin": "http://evil.example"}).status_code == 403

    stolen = dict(browser.jar)
    assert browser.post("/logout").status_code == 204
    browser.jar.update(stolen)
    assert browser.post("/write").status_code == 401
    assert people.access.tokens() == []


def test_cookies_need_tls_unless_the_browser_is_on_this_machine(people, issuer, clock, seconds, connect):
    site = Site(people.access, issuer, clock, seconds, public_url="https://hw.example")
    app = FastAPI()
    provider_routes = site.app.routes
    app.router.routes.extend(provider_routes)
    app.add_middleware(Identify, guard=site.guard, refuse=refuse)

    answer = connect(app, "hw.example").get("/login")

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-headwater_login=")
    assert {"httponly", "secure", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://hw.example/login/callback"]


def test_a_login_ends_once_and_in_the_browser_that_began_it(site, browser, connect, people):
    _, back = sign_in(browser, site.issuer)
    path = urlsplit(back).path + "?" + urlsplit(back).query
    kept = dict(browser.jar)

    assert browser.get(path).status_code == 401
    begun = browser.get("/login")
    browser.jar.update({k: v for k, v in kept.items() if "login" in k})
    elsewhere = httpx.get(begun.headers["location"]).headers["location"]
    other = browser_of(site.app, connect)
    assert other.get(urlsplit(elsewhere).path + "?" + urlsplit(elsewhere).query).status_code == 401
    for query in ("", "?state=x&code=y", "?code=y", "?error=access_denied&state=x"):
        assert browser.get(f"/login/callback{query}").status_code == 401
    assert len(people.access.tokens()) == 1


def test_a_state_of_one_login_does_not_carry_the_code_of_another(site, browser, people):
    httpx.put(f"{site.issuer}/person", json=ANN)
    first = httpx.get(browser.get("/login").headers["location"]).headers["location"]
    second = browser.get("/login").headers["location"]
    state = parse_qs(urlsplit(second).query)["state"][0]
    code = parse_qs(urlsplit(first).query)["code"][0]

    assert browser.get(f"/login/callback?state={state}&code={code}").status_code == 401
    assert people.access.is_empty()


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/%5Cevil.example", "/%0d%0aX: y", "javascript:1", ""]
)
def test_a_login_leads_nowhere_else(site, browser, path):
    answer, _ = sign_in(browser, site.issuer, path=f"/login?next={path}")

    assert answer.headers["location"] == "/"


def test_roles_follow_the_provider(site, browser, people):
    people.add("root", Role.ADMIN)
    sign_in(browser, site.issuer)
    sign_in(browser, site.issuer, ANN | {"roles": "ml-admins"})
    assert people.access.get("ann@example.org").role is Role.ADMIN
    sign_in(browser, site.issuer, ANN | {"roles": ["staff"]})
    assert people.access.get("ann@example.org").role is None

    actions = [(e.actor, e.action) for e in people.store.ledger.entries(subject="accounts/ann@example.org")]
    assert actions == [("oidc", "add-account"), ("oidc", "change-role"), ("oidc", "change-role")]


@pytest.mark.parametrize(
    "person",
    [
        ANN | {"roles": []},
        ANN | {"roles": None},
        ANN | {"roles": [["ml-admins"], {"ml-admins": 1}, 4]},
        ANN | {"roles": "ml-admins,ml-editors"},
        ANN | {"preferred_username": "taken"},
        ANN | {"preferred_username": "a b"},
        ANN | {"preferred_username": "anonymous"},
        {"sub": "00u1", "roles": ["ml-admins"]},
        ANN | {"sub": ""},
        ANN | {"nonce": "another"},
        ANN | {"aud": "another"},
        ANN | {"aud": ["another", CLIENT_ID], "azp": "another"},
        ANN | {"iss": "https://another.example"},
        ANN | {"exp": 1},
    ],
)
def test_nobody_else_signs_in(site, browser, people, person):
    people.add("taken")

    answer, _ = sign_in(browser, site.issuer, person)

    assert answer.status_code == 401
    assert [account.name for account in people.access.all()] == ["taken"]
    assert people.access.tokens() == []


def test_a_program_shows_a_token_of_the_provider(site, connect, people):
    client = connect(site.app)
    token = signed(site.issuer)

    assert client.post("/write", headers={"Authorization": bearer(token)}).status_code == 200
    assert client.post("/admin", headers={"Authorization": bearer(token)}).status_code == 403
    own, _ = people.token("ann@example.org")
    assert client.post("/write", headers={"Authorization": bearer(own)}).status_code == 200


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(issuer):
    claims = claims_of(issuer)
    good = signed(issuer)
    header, body, signature = good.split(".")
    public = httpx.get(f"{issuer}/keys").json()["keys"][0]
    other = RSAKey.generate_key(2048, {"kid": "one"})
    admin = part(claims | {"roles": ["ml-admins"]})
    secret = OctKey.import_key(json.dumps(public).encode() * 2)
    yield "alg none", f"{part({'alg': 'none'})}.{body}."
    yield "alg None", f"{part({'alg': 'None', 'kid': 'one'})}.{body}.{signature}"
    yield "no signature", f"{header}.{body}."
    yield "other claims", f"{header}.{admin}.{signature}"
    yield "wrong key", jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)
    yield "unknown key", jwt.encode({"alg": "RS256", "kid": "two"}, claims, other)
    yield "own key", jwt.encode({"alg": "RS256", "jwk": other.as_dict(private=False)}, claims, other)
    yield "public key as secret", jwt.encode({"alg": "HS256", "kid": "one"}, claims, secret)
    yield "wrong audience", signed(issuer, aud="another")
    yield "no audience", signed(issuer, aud=[])
    yield "wrong issuer", signed(issuer, iss="https://another.example")
    yield "expired", signed(issuer, exp=int(time.time()) - 31)
    yield "never expires", signed(issuer, exp=None)
    yield "expires in words", signed(issuer, exp="tomorrow")
    yield "not yet", signed(issuer, nbf=int(time.time()) + 600)
    yield "nobody", signed(issuer, sub=None)
    yield "no JWT", "a.b.c"
    yield "encrypted", "a.b.c.d.e"
    yield "half", good[: len(good) // 2]
    yield "too deep", f"{header}.{base64.urlsafe_b64encode(b'[' * 4000).decode().rstrip('=')}.{signature}"


def test_no_forged_token_gets_in(site, connect, people, seconds):
    client = connect(site.app)
    for name, token in forgeries(site.issuer):
        # Before the limit on failures comes.
        seconds.tick(10)
        assert client.get("/read", headers={"Authorization": bearer(token)}).status_code == 401, name
    assert people.access.is_empty()


def test_a_provider_that_does_not_answer_lets_nobody_in(people, clock, seconds):
    site = Site(people.access, "http://127.0.0.1:9", clock, seconds)

    with pytest.raises(UnavailableError, match="does not answer"):
        site.guard.identify(bearer(part({"alg": "RS256"}) + ".e30.x"))


def test_a_provider_is_who_it_says_it_is(people, issuer, clock, seconds):
    site = Site(people.access, issuer + "/", clock, seconds)

    with pytest.raises(UnavailableError, match="calls itself"):
        site.guard.identify(bearer(signed(issuer)))


@pytest.mark.parametrize("url", ["http://id.example", "id.example", "ftp://id.example", "", "https://"])
def test_a_provider_is_asked_over_tls(url):
    with pytest.raises(InvalidError, match="https"):
        settings_of(url)
    with pytest.raises(InvalidError, match="https"):
        settings_of("https://id.example", public_url=url)


def test_a_session_ends_by_itself(site, browser, people):
    sign_in(browser, site.issuer)

    [session] = people.access.tokens()

    assert session.kind is TokenKind.SESSION
    assert session.expires_ms - session.created_ms == pytest.approx(12 * 3600 * 1000, abs=5000)


def test_the_way_in_is_declared_public(site):
    assert undeclared(site.app) == []
