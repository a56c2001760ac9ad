"""Who is calling? Guards find out, from a header or a browser's session, and fail closed."""

import time
from collections.abc import Callable
from hmac import compare_digest
from typing import Final, Protocol

from headwater.errors import InvalidError, UnauthenticatedError
from headwater.model.access import (
    ANONYMOUS,
    SESSION_PREFIX,
    TOKEN_PREFIX,
    Account,
    Identity,
    Role,
    Token,
    TokenKind,
    check_account_name,
    secret_digest,
)
from headwater.model.protocols import AccessStore
from headwater.model.times import now_ms
from headwater.server.auth.headers import Basic, Bearer, parse_authorization
from headwater.server.auth.passwords import Passwords
from headwater.server.auth.remembering import Remembered
from headwater.server.auth.throttle import Throttle, address_key

REMEMBERED_S: Final = 5.0
"""How long an identity is taken from memory: what is revoked or changed works at most so long."""
PROVEN_S: Final = 600.0
"""How long a password that was right need not be hashed again, while the account keeps its hash."""
USE_NOTED_MS: Final = 60_000
"""The use of a token is noted at most once in this time."""


class Guard(Protocol):
    """Finds out who is calling."""

    @property
    def challenge(self) -> str | None:
        """What `WWW-Authenticate` asks for; None where nobody has to say who they are."""
        ...

    def identify(
        self, authorization: str | None, *, session: str | None = None, address: str = ""
    ) -> Identity:
        """Find out who is calling; may read the store and hash a password, so call it in a thread.

        Args:
            authorization: Value of the `Authorization` header; wins over the session.
            session: Secret of a browser's session, from its cookie.
            address: Where the call comes from; failures are limited by it.

        Raises:
            UnauthenticatedError: they do not say who they are, or cannot prove it.
            ThrottledError: too many have failed from there, or at that account.
            UnavailableError: the store cannot be asked.
        """
        ...

    def remembered(self, authorization: str | None, *, session: str | None = None) -> Identity | None:
        """Return who is calling when that is known from a moment ago; None: ask `identify`."""
        ...


class OpenGuard:
    """Nobody has to say who they are, and everybody may do everything."""

    challenge = None

    def __init__(self) -> None:
        self._anybody = Identity(name=ANONYMOUS, role=Role.ADMIN, is_verified=False)

    def identify(
        self,
        authorization: str | None,  # noqa: ARG002
        *,
        session: str | None = None,  # noqa: ARG002
        address: str = "",  # noqa: ARG002
    ) -> Identity:
        """Return the one identity that there is; the ledger names who a caller says to be."""
        return self._anybody

    def remembered(self, authorization: str | None, *, session: str | None = None) -> Identity | None:  # noqa: ARG002
        """Return the same."""
        return self._anybody


class TokenGuard:
    """Asks for a token of this store: as `Bearer`, as the password of `Basic`, or as a browser's session."""

    challenge: str | None = 'Bearer realm="headwater"'

    def __init__(
        self,
        access: AccessStore,
        *,
        clock_ms: Callable[[], int] = now_ms,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask a store who is who.

        Args:
            access: Its accounts and tokens.
            clock_ms: Time of day, which tokens expire by.
            monotonic_s: Time that never steps back, which limits and memory go by.
        """
        self._access = access
        self._clock_ms = clock_ms
        self._known = Remembered[Identity](REMEMBERED_S, monotonic_s=monotonic_s)
        # A token cannot be guessed; the limit is there for whoever tries anyhow, and for programs that
        # go on for ever with one that was revoked.
        self._by_address = Throttle(burst=20, each_s=3.0, monotonic_s=monotonic_s)

    def identify(
        self, authorization: str | None, *, session: str | None = None, address: str = ""
    ) -> Identity:
        """See `Guard.identify`."""
        secret = _credential(authorization, session)
        if secret is None:
            raise UnauthenticatedError(
                "this server asks who you are: send a token, `Authorization: Bearer hw_…`"
            )
        if (known := self._known.get(secret)) is not None:
            return known
        try:
            identity, at_most_s = self._prove(authorization, session, address_key(address))
        except UnauthenticatedError:
            self._by_address.spend(address_key(address))
            raise
        self._known.put(secret, identity, at_most_s=at_most_s)
        return identity

    def remembered(self, authorization: str | None, *, session: str | None = None) -> Identity | None:
        """See `Guard.remembered`."""
        secret = _credential(authorization, session)
        return None if secret is None else self._known.get(secret)

    def forget(self, *, session: str) -> None:
        """Forget a session that has ended, before its few seconds are over."""
        self._known.forget(_session_key(session))

    def _prove(
        self, authorization: str | None, session: str | None, address: str
    ) -> tuple[Identity, float | None]:
        """Return who it is, and for how many seconds at the most that may be remembered."""
        if authorization is None:
            return self._by_token(session or "", TokenKind.SESSION)
        match parse_authorization(authorization):
            case Bearer(secret):
                return self._by_bearer(secret)
            case Basic(name, password):
                return self._by_basic(name, password, address)

    def _by_bearer(self, secret: str) -> tuple[Identity, float | None]:
        return self._by_token(secret, TokenKind.PROGRAM)

    def _by_basic(self, name: str, password: str, address: str) -> tuple[Identity, float | None]:  # noqa: ARG002
        found = self._by_token(password, TokenKind.PROGRAM)
        if not compare_digest(found[0].name.encode(), name.encode("utf-8", "surrogatepass")):
            raise UnauthenticatedError("the token belongs to another account")
        return found

    def _by_token(self, secret: str, kind: TokenKind) -> tuple[Identity, float | None]:
        prefix = SESSION_PREFIX if kind is TokenKind.SESSION else TOKEN_PREFIX
        found = self._access.by_token(secret_digest(secret)) if secret.startswith(prefix) else None
        if found is None or found[1].kind is not kind:
            raise UnauthenticatedError("the token is unknown, has expired or was revoked")
        account, token = found
        now_ms = self._clock_ms()
        self._note_use(token, now_ms)
        left_s = None if token.expires_ms is None else (token.expires_ms - now_ms) / 1000
        return identity_of(account, token), left_s

    def _note_use(self, token: Token, now_ms: int) -> None:
        if token.last_used_ms is None or now_ms - token.last_used_ms >= USE_NOTED_MS:
            self._access.note_use({token.id: now_ms})


class BasicGuard(TokenGuard):
    """Asks for a name and a password; takes tokens, too."""

    challenge = 'Basic realm="headwater", charset="UTF-8"'

    def __init__(
        self,
        access: AccessStore,
        *,
        passwords: Passwords | None = None,
        clock_ms: Callable[[], int] = now_ms,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask a store who is who; arguments as those of `TokenGuard`."""
        super().__init__(access, clock_ms=clock_ms, monotonic_s=monotonic_s)
        self._passwords = passwords or Passwords()
        self._proven = Remembered[str](PROVEN_S, monotonic_s=monotonic_s)
        self._by_account = Throttle(burst=10, each_s=6.0, monotonic_s=monotonic_s)

    def _by_basic(self, name: str, password: str, address: str) -> tuple[Identity, float | None]:
        if password.startswith(TOKEN_PREFIX):
            return super()._by_basic(name, password, address)
        credentials = self._access.credentials(name) if _is_name(name) else None
        stored = credentials and credentials.password_hash
        said = f"{name}:{password}"
        if credentials is None or stored is None or self._proven.get(said) != stored:
            self._hash(name, password, stored, address)
        if credentials is None or stored is None:
            raise UnauthenticatedError(_WRONG)
        self._proven.put(said, stored)
        return identity_of(credentials.account), None

    def _hash(self, name: str, password: str, stored: str | None, address: str) -> None:
        # Before the work: whoever has failed too often gets none of it, right or not.
        self._by_address.check(address)
        # Counted as a failure until it is none: many that come at once count, too.
        self._by_account.spend(name)
        if not self._passwords.is_right(password, stored):
            raise UnauthenticatedError(_WRONG)
        self._by_account.refund(name)


def identity_of(account: Account, token: Token | None = None) -> Identity:
    """Return what an account may do, through a token if it came by one."""
    return Identity(
        name=account.name,
        role=account.role,
        grants=account.grants,
        limit=token and token.limit,
        token_id=token and token.id,
    )


_WRONG: Final = "the name or the password is wrong"


def _credential(authorization: str | None, session: str | None) -> str | None:
    # Each says what it is, so that neither is ever taken for the other.
    if authorization is not None:
        return f"authorization {authorization}"
    return None if session is None else _session_key(session)


def _session_key(session: str) -> str:
    return f"session {session}"


def _is_name(name: str) -> bool:
    try:
        check_account_name(name)
    except InvalidError:
        return False
    return True
