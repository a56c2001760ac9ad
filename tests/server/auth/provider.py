"""A small OpenID provider, run as a process: `python -m tests.server.auth.provider` prints its issuer.

It signs in whoever `PUT /person` named last without asking, and signs any claims for `POST /sign`.
"""

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "headwater", "a secret between two servers"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Handler(BaseHTTPRequestHandler):
    """Discovery, keys, authorization with PKCE, and tokens."""

    codes: ClassVar[dict[str, dict]] = {}
    person: ClassVar[dict] = {}

    def do_GET(self):
        url = urlsplit(self.path)
        match url.path:
            case "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
                self.answer({"issuer": issuer(self)} | {n: f"{issuer(self)}/{p}" for n, p in names.items()})
            case "/keys":
                self.answer({"keys": [KEY.as_dict(private=False)]})
            case "/authorize":
                self.authorize(dict(parse_qsl(url.query)))
            case _:
                self.answer({}, 404)

    def authorize(self, asked):
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"]
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked | {"person": self.person}
        self.send_response(302)
        query = urlencode({"code": code, "state": asked["state"]})
        self.send_header("Location", f"{asked['redirect_uri']}?{query}")
        self.end_headers()

    def do_PUT(self):
        Handler.person = json.loads(self.body())
        self.answer({})

    def do_POST(self):
        if self.path == "/sign":
            self.answer({"token": jwt.encode({"alg": "RS256", "kid": "one"}, json.loads(self.body()), KEY)})
        else:
            self.exchange({n: v[0] for n, v in parse_qs(self.body()).items()})

    def exchange(self, said):
        asked = self.codes.pop(said.get("code", ""), None)
        expected = base64.b64encode(f"{CLIENT_ID}:{quote_plus(CLIENT_SECRET)}".encode()).decode()
        if asked is None or self.headers["Authorization"] != f"Basic {expected}":
            return self.answer({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(said["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (challenge, said["redirect_uri"]) != (asked["code_challenge"], asked["redirect_uri"]):
            return self.answer({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": issuer(self),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims | asked["person"], KEY)
        return self.answer({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"])).decode()

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Say nothing."""


def issuer(handler):
    return f"http://127.0.0.1:{handler.server.server_address[1]}"


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
