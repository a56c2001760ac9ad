"""What becomes of a provider's people here: accounts, with the roles that their claims give them."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

from headwater.errors import ConflictError, InvalidError, UnauthenticatedError
from headwater.model.access import TOKEN_PREFIX, Account, Identity, NewAccount, OidcSubject, Role
from headwater.model.protocols import AccessStore
from headwater.model.times import now_ms
from headwater.server.auth.guards import TokenGuard, identity_of
from headwater.server.auth.oidc import Claims, OidcSettings, Provider

ACTOR: Final = "oidc"
"""Whom the ledger names for what the provider decides."""


class OidcGuard(TokenGuard):
    """Asks for a token of the provider, or of this store; browsers sign in there and get a session."""

    def __init__(
        self,
        access: AccessStore,
        provider: Provider,
        *,
        clock_ms: Callable[[], int] = now_ms,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask a store and a provider who is who."""
        super().__init__(access, clock_ms=clock_ms, monotonic_s=monotonic_s)
        self._provider = provider

    def _by_bearer(self, secret: str) -> tuple[Identity, float | None]:
        if secret.startswith(TOKEN_PREFIX):
            return super()._by_bearer(secret)
        claims = self._provider.bearer_claims(secret)
        account = admit(self._access, self._provider.settings, claims)
        return identity_of(account), max(0.0, float(claims["exp"]) - self._clock_ms() / 1000)


def admit(access: AccessStore, settings: OidcSettings, claims: Claims) -> Account:
    """Return the account of somebody whom the provider vouches for; made now when they come first.

    Raises:
        UnauthenticatedError: no role is given to them, or their name is somebody else's here.
    """
    who = OidcSubject(issuer=str(claims["iss"]), subject=str(claims["sub"]))
    role = role_of(settings, claims)
    account = access.by_oidc(who)
    if account is None:
        return _add(access, settings, claims, who, role)
    if settings.roles and account.role != role:
        return access.set_role(account.name, role, actor=ACTOR, reason=_because(settings))
    return account


def role_of(settings: OidcSettings, claims: Claims) -> Role | None:
    """Return the widest role that the claims give, else the default."""
    said: Any = claims.get(settings.role_claim, ())
    values = [said] if isinstance(said, str) else cast("list[Any]", said) if isinstance(said, list) else []
    given = [settings.roles[value] for value in values if isinstance(value, str) and value in settings.roles]
    return max(given, default=settings.default_role)


def _add(
    access: AccessStore, settings: OidcSettings, claims: Claims, who: OidcSubject, role: Role | None
) -> Account:
    if role is None:
        raise UnauthenticatedError("the identity provider gives you no role here: ask an administrator")
    name = str(claims.get(settings.name_claim, "")).lower()
    try:
        new = NewAccount(name=name, role=role)
        return access.add(new, oidc=who, actor=ACTOR, reason=_because(settings))
    except ConflictError as error:
        # Another request of the same person may have been first; a namesake is somebody else.
        if (there := access.by_oidc(who)) is not None:
            return there
        raise UnauthenticatedError(f"{name!r} is somebody else's account here") from error
    except InvalidError as error:
        raise UnauthenticatedError(
            f"the provider's {settings.name_claim} makes no account: {error}"
        ) from error


def _because(settings: OidcSettings) -> str:
    return f"{settings.role_claim} at {settings.issuer}"
