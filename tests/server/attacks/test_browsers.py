"""A page elsewhere, and a page that somebody uploaded, make no browser do anything here."""

import pytest

from headwater.blobs.digests import bytes_digest
from tests.server.attacks.victim import PROXY

SCRIPT = b"<script xmlns='http://www.w3.org/1999/xhtml'>fetch('/api/2.0/mlflow/experiments/create')</script>"
PAGES = {
    "page.html": b"<html>%s</html>" % SCRIPT,
    "page.htm": SCRIPT,
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'>%s</html>" % SCRIPT,
    "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'>%s</svg>" % SCRIPT,
    "formula.mml": b"<math><mtext>%s</mtext></math>" % SCRIPT,
    "sheet.xml": b"<?xml version='1.0'?><?xml-stylesheet href='x.xsl'?><a>%s</a>" % SCRIPT,
    "page.pdf": b"%PDF-1.7",
    "code.js": b"alert(1)",
    "code.wasm": b"\0asm",
    "no extension": SCRIPT,
    "MLmodel": b"flavors: !!python/object/apply:os.system ['true']",
    "a.txt\r\nX-Owned: 1": SCRIPT,
    'quote".html; filename=x': SCRIPT,
    "new\u2028line.html": SCRIPT,
}
FORMS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "*/*",
    "",
)


def test_what_was_uploaded_is_saved_and_never_shown(victim):
    run = victim.new_run()
    for name, page in PAGES.items():
        where = {"run_uuid": run, "path": name}
        if (
            victim.ask("POST", "/ajax-api/2.0/mlflow/upload-artifact", params=where, content=page).status_code
            != 200
        ):
            assert "\r" in name
            continue
        _check_harmless(victim.ask("GET", "/get-artifact", params={"run_id": run, "path": name}), page)
        _check_harmless(victim.ask("GET", f"{PROXY}/0/{run}/artifacts/{name}"), page)
        digest = bytes_digest(page)
        _check_harmless(victim.ask("GET", f"/api/v1/blobs/{digest}"), page)


def test_what_a_request_says_is_not_given_back_as_a_page(victim):
    script = "<script>alert(1)</script>"
    for method, path, query in (
        ("GET", f"/{script}", {}),
        ("GET", f"/api/2.0/mlflow/{script}", {}),
        ("GET", f"/api/v1/blobs/{script}", {}),
        ("GET", "/api/2.0/mlflow/experiments/get-by-name", {"experiment_name": script}),
        ("GET", "/get-artifact", {"run_id": script, "path": script}),
        ("POST", f"/api/v1/store/{script}", {"at": script}),
    ):
        answer = victim.ask(
            method, path, params=query, headers={"Content-Type": "text/html", "Accept": "text/html"}
        )
        assert answer.headers["content-type"].partition(";")[0] in {"application/json", "text/plain"}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert script not in str(answer.headers)


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"localhost@evil.example",
        b"evil.example:80#localhost",
        b"evil.example/localhost",
        b"localhost:80:80",
        b"localhost evil.example",
        b"169.254.169.254",
        b"0x7f.1.evil.example",
        b"",
    ],
)
def test_a_name_that_was_bound_anew_reaches_nothing(victim, host):
    for target in (b"/api/2.0/mlflow/experiments/get?experiment_id=0", b"/health", b"/api/v1/blobs"):
        head = b"GET %s HTTP/1.1\r\nConnection: close\r\nHost: %s\r\n\r\n" % (target, host)
        assert victim.status_of(victim.exchange(head)) in {0, 400, 403}


def test_two_hosts_none_and_one_in_the_target_reach_nothing(victim):
    for lines in (
        b"GET /health HTTP/1.1\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        b"GET /health HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n",
        b"GET /health HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=localhost\r\n",
        b"GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n",
    ):
        assert victim.status_of(victim.exchange(lines + b"Connection: close\r\n\r\n")) in {0, 400, 403}, lines


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://", "x"]
)
def test_no_page_elsewhere_changes_anything(victim, origin):
    rows = victim.rows()
    for kind in (*FORMS, "application/json"):
        headers = {"Origin": origin, "Content-Type": kind}
        for method, path in (
            ("POST", "/api/2.0/mlflow/experiments/create"),
            ("POST", "/api/v1/store/models.register"),
            ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={victim.run}&path=kept.txt"),
            ("POST", "/api/v1/uploads"),
            ("PUT", f"{PROXY}/0/{victim.run}/artifacts/kept.txt"),
            ("DELETE", f"{PROXY}/0/{victim.run}/artifacts/kept.txt"),
            ("DELETE", "/api/2.0/mlflow/registered-models/delete"),
        ):
            answer = victim.ask(method, path, content=b'{"name":"forged"}', headers=headers)
            assert (answer.status_code, answer.text) == (403, "Cross-origin request blocked"), (
                method,
                path,
                kind,
            )
            assert "access-control-allow-origin" not in answer.headers
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    assert "access-control-allow-origin" not in victim.ask("OPTIONS", PROXY, headers=asked).headers
    assert victim.rows() == rows


def test_a_form_is_no_request_of_mlflow_even_without_an_origin(victim):
    rows = victim.rows()
    for kind in FORMS:
        for where in ("experiments/create", "runs/create", "registered-models/create", "webhooks"):
            headers = {"Content-Type": kind} if kind else {}
            body = b'{"name":"forged","experiment_id":"0"}'
            assert (
                victim.ask("POST", f"/api/2.0/mlflow/{where}", content=body, headers=headers).status_code
                == 400
            )
    assert victim.rows() == rows


def _check_harmless(answer, page):
    assert (answer.status_code, answer.content) == (200, page)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "x-owned" not in answer.headers
