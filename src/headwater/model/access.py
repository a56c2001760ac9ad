"""Who may do what: permissions, the roles that carry them, accounts, tokens and grants."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal, NewType, TypeAlias

from headwater.errors import ForbiddenError, InvalidError, UnauthenticatedError

TokenId = NewType("TokenId", int)
SubjectKind: TypeAlias = Literal["experiments", "models", "data"]

SUBJECT_KINDS: Final[tuple[SubjectKind, ...]] = ("experiments", "models", "data")
MAX_ACCOUNT_CHARS: Final = 128
MAX_SUBJECT_CHARS: Final = 500
TOKEN_PREFIX: Final = "hw_"
"""How every token begins, so that scanners of leaked secrets can tell one."""
SESSION_PREFIX: Final = "hws_"
ANONYMOUS: Final = "anonymous"
"""Whom the ledger names where nobody has to say who they are, and nobody does."""

# No upper case, so that no two accounts look alike; no colon, which parts name and password in Basic auth.
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]*")


class Permission(IntEnum):
    """What a call needs; each one includes those before it."""

    READ = 1
    WRITE = 2
    """Log, upload, register, tag: whatever adds to the record."""
    DECIDE = 3
    """Promote, roll back, approve, delete: whatever the ledger keeps as a decision."""
    ADMIN = 4
    """Accounts, tokens, release processes, upkeep."""


class Role(IntEnum):
    """What an account may do, by the permission that its role goes up to."""

    VIEWER = Permission.READ
    EDITOR = Permission.WRITE
    APPROVER = Permission.DECIDE
    ADMIN = Permission.ADMIN

    @property
    def word(self) -> str:
        """Its name as people write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """Return the role of this name.

        Raises:
            InvalidError: there is none.
        """
        try:
            return cls[word.upper()]
        except KeyError:
            raise InvalidError(f"no role {word!r}; the roles are {', '.join(r.word for r in cls)}") from None


class TokenKind(IntEnum):
    """What a token is for."""

    PROGRAM = 1
    SESSION = 2
    """A browser's: in a cookie, after a login."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """More than its role, for an account, on some subjects.

    Attributes:
        subject: `experiments/NAME`, `models/NAME` or `data/NAME`; a `*` at its end stands for any rest.
    """

    subject: str
    role: Role

    def covers(self, subject: str) -> bool:
        """Tell whether this is about a subject.

        Example:
            >>> Grant(subject="experiments/flights/*", role=Role.EDITOR).covers("experiments/flights/train")
            True
        """
        if self.subject.endswith("*"):
            return subject.startswith(self.subject[:-1])
        return subject == self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to add.

    Attributes:
        name: Lower case; letters, digits and `._@+-`.
        role: None for an account that may do nothing but what its grants say.
        password_hash: Argon2; None for an account that signs in otherwise.
    """

    name: str
    role: Role | None
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSubject:
    """Who an account is at an identity provider: its `iss` and `sub`, which never change."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person or a program that may do something here.

    Attributes:
        grants: By subject.
        oidc: Who it is at the identity provider, once it has signed in from there.
    """

    name: str
    role: Role | None
    created_ms: int
    has_password: bool = False
    grants: tuple[Grant, ...] = ()
    oidc: OidcSubject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An account with what its password is checked against."""

    account: Account
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token to add.

    Attributes:
        name: What it is for, in its owner's words.
        digest: Hex SHA-256 of the secret, which is kept nowhere.
        limit: It carries at most this role, whatever its account may; None for no limit.
        expires_ms: None for a token that stays until it is revoked.
    """

    account: str
    name: str
    digest: str = field(repr=False)
    kind: TokenKind = TokenKind.PROGRAM
    limit: Role | None = None
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is stored: everything but its secret.

    Attributes:
        last_used_ms: To the minute; None before its first use.
    """

    id: TokenId
    account: str
    name: str
    kind: TokenKind
    limit: Role | None
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None = None

    def is_valid(self, now_ms: int) -> bool:
        """Tell whether it has not expired."""
        return self.expires_ms is None or now_ms < self.expires_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A login at an identity provider that has begun; taken once, by the browser that began it.

    Attributes:
        state_digest: Hex SHA-256 of the `state` that the provider hands back.
        browser_digest: Hex SHA-256 of what the browser that began it keeps in a cookie.
        verifier: The secret half of PKCE.
        return_to: Path that the browser goes to afterwards.
    """

    state_digest: str = field(repr=False)
    browser_digest: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who makes a call, and what they may do.

    Attributes:
        name: The account.
        role: What it may do everywhere; None: only what the grants say.
        limit: What its token is limited to.
        is_verified: False where nobody has to say who they are.
        token_id: The token that told who it is, if one did.
    """

    name: str
    role: Role | None
    grants: tuple[Grant, ...] = ()
    limit: Role | None = None
    is_verified: bool = True
    token_id: TokenId | None = None

    def allows(self, permission: Permission, subject: str | None = None) -> bool:
        """Tell whether they may do this; without a subject: everywhere.

        Args:
            permission: What the call needs.
            subject: What it is about, such as `subject("models", "late-flights")`.

        Example:
            >>> ann = Identity(
            ...     name="ann", role=Role.VIEWER, grants=(Grant(subject="models/m", role=Role.EDITOR),)
            ... )
            >>> ann.allows(Permission.WRITE), ann.allows(Permission.WRITE, subject("models", "m"))
            (False, True)
        """
        if self.limit is not None and self.limit < permission:
            return False
        if self.role is not None and self.role >= permission:
            return True
        return subject is not None and any(g.role >= permission and g.covers(subject) for g in self.grants)

    def require(self, permission: Permission, subject: str | None = None) -> None:
        """Check that they may do this.

        Raises:
            UnauthenticatedError: they may not, and did not say who they are.
            ForbiddenError: they may not.
        """
        if not self.allows(permission, subject):
            if not self.is_verified:
                raise UnauthenticatedError("say who you are: this server does not take anybody's word for it")
            raise ForbiddenError(self.name, permission.name, subject)

    def actor(self, claimed: str | None = None) -> str:
        """Return whom the ledger names: the account; where nobody is known, who the caller says to be."""
        return self.name if self.is_verified or claimed is None else claimed


def subject(kind: SubjectKind, name: str) -> str:
    """Return what grants call an experiment, a registered model or a data set.

    Example:
        >>> subject("experiments", "flights/train")
        'experiments/flights/train'
    """
    return f"{kind}/{name}"


def check_account_name(name: str) -> None:
    """Check that an account may be called so.

    Raises:
        InvalidError: it may not.
    """
    if not _ACCOUNT.fullmatch(name) or len(name) > MAX_ACCOUNT_CHARS or name == ANONYMOUS:
        raise InvalidError(
            f"{name[:40]!r} is no name of an account: use up to {MAX_ACCOUNT_CHARS} of a-z, 0-9 and ._@+-, "
            f"a letter or digit first, and not {ANONYMOUS!r}"
        )


def check_grant(grant: Grant) -> None:
    """Check that a grant is about something that there can be.

    Raises:
        InvalidError: its subject is of no known kind, is empty or too long.
    """
    kind, _, name = grant.subject.partition("/")
    if kind not in SUBJECT_KINDS or not name or len(grant.subject) > MAX_SUBJECT_CHARS:
        kinds = ", ".join(f"{kind}/NAME" for kind in SUBJECT_KINDS)
        raise InvalidError(
            f"{grant.subject[:40]!r} is nothing to grant on: name {kinds}, or all that begin alike, such as "
            "experiments/flights/*"
        )


def new_secret(prefix: str = TOKEN_PREFIX) -> str:
    """Make a token's secret: 256 random bits after the prefix."""
    return prefix + secrets.token_urlsafe(32)


def secret_digest(secret: str) -> str:
    """Return what is stored of a secret of 256 random bits: its hex SHA-256.

    A slow hash makes guessing dear where there is little to guess; nobody guesses 256 bits.

    Source:
        NIST SP 800-63B-4, section 3.1.2.2: look-up secrets of at least 112 bits may be hashed plainly.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
