"""An identity provider: where its people sign in, and whether what it signed is genuine (OpenID Connect)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from headwater.errors import InvalidError, MissingDependencyError, UnauthenticatedError, UnavailableError
from headwater.model.access import Role
from headwater.model.address import is_loopback

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a key that only the provider has: never `none`, never one with a shared secret."""
LEEWAY_S: Final = 30
DISCOVERY_S: Final = 3600.0
KEYS_S: Final = 60.0
"""The provider's keys are asked for again at most once in this time, whatever keys tokens name."""
TIMEOUT_S: Final = 10.0

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """How this server knows its identity provider, and what it makes of its people.

    Attributes:
        issuer: URL of the provider, exactly as it names itself.
        client_id: What this server is called there.
        client_secret: None for a public client, which PKCE protects.
        public_url: How browsers reach this server, without a slash at the end.
        audience: Who tokens of programs have to be meant for.
        name_claim: The claim that becomes the name of an account.
        role_claim: The claim, a text or a list, that `roles` is about.
        roles: Role by a value of that claim, the widest counts; empty: roles are set here.
        default_role: Of whoever has no such value; None: whoever has no account here stays out.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    public_url: str
    audience: str = ""
    name_claim: str = "preferred_username"
    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    default_role: Role | None = None
    scope: str = "openid profile email"

    def __post_init__(self) -> None:
        for what, url in (("issuer", self.issuer), ("public URL", self.public_url)):
            parts = urlsplit(url)
            is_plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
            if not (parts.scheme == "https" or is_plain) or not parts.hostname:
                raise InvalidError(f"the {what} {url!r} has to be an https:// address")


class Provider:
    """Talks to one identity provider.

    Source:
        OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE); RFC 7519 and RFC 8725 (JWT).
    """

    def __init__(
        self,
        settings: OidcSettings,
        *,
        clock_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises MissingDependencyError without the `server` extra."""
        try:
            import authlib  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]  # noqa: F401
        except ImportError as missing:
            raise MissingDependencyError("authlib", "server", "signing in at a provider") from missing
        self.settings = settings
        self._clock_s, self._monotonic_s = clock_s, monotonic_s
        self._discovered: tuple[Claims, float] | None = None
        self._keys: tuple[Any, float] | None = None

    @property
    def callback(self) -> str:
        """Where the provider sends browsers back to."""
        return f"{self.settings.public_url}/login/callback"

    def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return where a browser goes to sign in."""
        from authlib.common.urls import add_params_to_uri
        from authlib.oauth2.rfc7636 import (
            create_s256_code_challenge,  # pyright: ignore[reportUnknownVariableType]
        )

        challenge = str(create_s256_code_challenge(verifier))  # pyright: ignore[reportUnknownArgumentType]
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.callback,
            "scope": self.settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(add_params_to_uri(self._endpoint("authorization_endpoint"), [*asked.items()]))

    def exchange(self, code: str, *, verifier: str, nonce: str) -> Claims:
        """Return the claims of the ID token that a code stands for.

        Raises:
            UnauthenticatedError: the provider refuses the code, or its token is not genuine.
            UnavailableError: the provider does not answer.
        """
        found = self._redeem(code, verifier)
        claims = self._verified(str(found.get("id_token", "")), self.settings.client_id)
        if claims.get("nonce") != nonce:
            raise UnauthenticatedError("the ID token belongs to another login")
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise UnauthenticatedError("the ID token was made for another client")
        return claims

    def bearer_claims(self, token: str) -> Claims:
        """Return the claims of a token that a program shows.

        Raises:
            UnauthenticatedError: it is not genuine, has expired, or is meant for somebody else.
            UnavailableError: the provider's keys cannot be had.
        """
        return self._verified(token, self.settings.audience or self.settings.client_id)

    def _redeem(self, code: str, verifier: str) -> Claims:
        import httpx

        mine, secret = self.settings.client_id, self.settings.client_secret
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": verifier,
        }
        # RFC 6749, section 2.3.1: the two are form-encoded before they become name and password.
        account = None if secret is None else (quote_plus(mine), quote_plus(secret))
        url = self._endpoint("token_endpoint")
        try:
            answer = httpx.post(
                url,
                data=sent if account else sent | {"client_id": mine},
                auth=account,
                timeout=TIMEOUT_S,
                follow_redirects=False,
            )
            if answer.is_client_error:
                raise UnauthenticatedError("the identity provider refuses the login")
            return dict(answer.raise_for_status().json())
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise UnavailableError(f"the identity provider does not answer at {url}: {error}") from error

    def _verified(self, token: str, audience: str) -> Claims:
        from joserfc import jwt
        from joserfc.errors import JoseError

        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock_s()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            found = jwt.decode(token, self._key_for, algorithms=[*ALGORITHMS])
            registry.validate(found.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise UnauthenticatedError(f"the token is not valid: {type(error).__name__}") from error
        return found.claims

    def _key_for(self, token: Any) -> Any:
        named = token.headers().get("kid")
        keys = self._key_set()
        if not any(key.kid == named for key in keys) and self._may_ask_again():
            self._keys = None
            keys = self._key_set()
        candidates = [key for key in keys if named is None or key.kid == named]
        if len(candidates) != 1:
            raise UnauthenticatedError("the token was signed with a key that the provider does not name")
        return candidates[0]

    def _key_set(self) -> Any:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        if self._keys is None or self._monotonic_s() - self._keys[1] > DISCOVERY_S:
            try:
                keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))
            except (JoseError, KeyError, TypeError, ValueError) as error:
                raise UnavailableError(f"the identity provider's keys make no sense: {error}") from error
            self._keys = keys, self._monotonic_s()
        return self._keys[0]

    def _may_ask_again(self) -> bool:
        return self._keys is not None and self._monotonic_s() - self._keys[1] >= KEYS_S

    def _endpoint(self, name: str) -> str:
        if self._discovered is None or self._monotonic_s() - self._discovered[1] > DISCOVERY_S:
            url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = self._get(url)
            if found.get("issuer") != self.settings.issuer:
                name = found.get("issuer")
                raise UnavailableError(f"the provider calls itself {name!r}, not {self.settings.issuer!r}")
            self._discovered = found, self._monotonic_s()
        endpoint = self._discovered[0].get(name)
        if not isinstance(endpoint, str):
            raise UnavailableError(f"the identity provider names no {name}")
        return endpoint

    def _get(self, url: str) -> Any:
        import httpx

        try:
            return httpx.get(url, timeout=TIMEOUT_S, follow_redirects=False).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"the identity provider does not answer at {url}: {error}") from error
