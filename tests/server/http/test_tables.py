"""A table finds the route that a list of them would."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route, Router

from headwater.server.http.tables import Table, flat

ROUTES = [
    Route(path, lambda request: PlainTextResponse(request.scope["route"].path), methods=methods)
    for path, methods in (
        ("/a/1/x", ["GET"]),
        ("/a/1/x", ["POST"]),
        ("/a/1/y/z", ["GET"]),
        ("/a/1/y/{name}", ["POST"]),
        ("/a/2/{rest:path}", ["GET", "POST"]),
        ("/plain", ["GET"]),
    )
]


@given(
    path=st.lists(st.sampled_from(["a", "1", "2", "x", "y", "z", "plain", ""]), max_size=4).map("/".join),
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD"]),
    root=st.sampled_from(["", "/root"]),
)
def test_it_finds_what_trying_one_after_the_other_finds(path, method, root):
    scope = {"type": "http", "path": f"{root}/{path}", "root_path": root, "method": method}
    expected = next((r for r in ROUTES if r.matches(scope)[0] is Match.FULL), None)
    halfway = next((r for r in ROUTES if r.matches(scope)[0] is Match.PARTIAL), None)

    match, child_scope = Table(ROUTES).matches(scope)

    assert child_scope.get("route") is (expected or halfway)
    assert match is (Match.FULL if expected else Match.PARTIAL if halfway else Match.NONE)


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/a/1/x", 200, "/a/1/x"),
        ("POST", "/a/1/y/me", 200, "/a/1/y/{name}"),
        ("GET", "/a/2/deep/down", 200, "/a/2/{rest:path}"),
        ("DELETE", "/plain", 405, "Method Not Allowed"),
        ("GET", "/elsewhere", 404, "Not Found"),
    ],
)
def test_the_found_route_answers(method, path, status, text):
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Router([Table(ROUTES)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path)

    answer = asyncio.run(ask())

    assert (answer.status_code, answer.text) == (status, text)


def test_routes_of_tables_are_seen_one_by_one():
    other = Route("/other", ROUTES[0].endpoint)

    assert [*flat([other, Table(ROUTES)])] == [other, *ROUTES]
