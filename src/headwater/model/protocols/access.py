"""What a store does with accounts, tokens and grants."""

from collections.abc import Mapping
from typing import Protocol

from headwater.model.access import (
    Account,
    Credentials,
    Grant,
    NewAccount,
    NewToken,
    OidcSubject,
    Role,
    SignIn,
    Token,
    TokenId,
)


class AccessStore(Protocol):
    """Who may do what. Every change is a decision in the ledger, under `accounts/NAME`, without secrets."""

    def add(
        self, new: NewAccount, /, *, oidc: OidcSubject | None = None, actor: str, reason: str = ""
    ) -> Account:
        """Add an account.

        Args:
            new: What it may do, and how it signs in.
            oidc: Who it is at an identity provider.
            actor: Who decides, for the ledger; so in all methods.
            reason: Why, for the ledger; so in all methods.

        Raises:
            ConflictError: there is one of this name, or one for this person of the provider.
            InvalidError: the name is none that an account can have.
        """
        ...

    def get(self, name: str, /) -> Account:
        """Return an account.

        Raises:
            NotFoundError: there is none of this name.
        """
        ...

    def all(self) -> list[Account]:
        """Return all accounts, by name."""
        ...

    def is_empty(self) -> bool:
        """Tell whether there is no account at all."""
        ...

    def remove(self, name: str, /, *, actor: str, reason: str = "") -> None:
        """Remove an account with its tokens and grants.

        Raises:
            NotFoundError: there is none of this name.
            RefusedError: it is the last administrator, and others would be left without one.
        """
        ...

    def set_role(self, name: str, role: Role | None, /, *, actor: str, reason: str = "") -> Account:
        """Change what an account may do everywhere; without an entry when it may do just that already.

        Raises:
            NotFoundError: there is none of this name.
            RefusedError: it is the last administrator, and others would be left without one.
        """
        ...

    def set_password(
        self, name: str, password_hash: str | None, /, *, actor: str, reason: str = ""
    ) -> Account:
        """Change what an account's password is checked against, and end its browsers' sessions.

        Args:
            name: The account.
            password_hash: Argon2; None takes the password away.
            actor: Who decides.
            reason: Why.

        Raises:
            NotFoundError: there is none of this name.
        """
        ...

    def grant(self, name: str, grant: Grant, /, *, actor: str, reason: str = "") -> Account:
        """Let an account do more on some subjects; a grant on the same subject is replaced.

        Raises:
            NotFoundError: there is no such account.
            InvalidError: the subject is nothing to grant on.
        """
        ...

    def ungrant(self, name: str, subject: str, /, *, actor: str, reason: str = "") -> Account:
        """Take a grant back.

        Raises:
            NotFoundError: there is no such account or grant.
        """
        ...

    def credentials(self, name: str, /) -> Credentials | None:
        """Return an account with what its password is checked against; None for no account."""
        ...

    def by_oidc(self, who: OidcSubject, /) -> Account | None:
        """Return the account of somebody at an identity provider; None for no account."""
        ...

    def add_token(self, new: NewToken, /, *, actor: str, reason: str = "") -> Token:
        """Add a token; a browser's session has no entry in the ledger.

        Raises:
            NotFoundError: there is no such account.
            InvalidError: the name is missing or too long, or it would expire in the past.
        """
        ...

    def tokens(self, account: str | None = None, /) -> list[Token]:
        """Return the tokens of an account, or of all, oldest first; those that have expired among them.

        Raises:
            NotFoundError: there is no such account.
        """
        ...

    def revoke_token(self, token_id: TokenId, /, *, actor: str, reason: str = "") -> Token:
        """Remove a token for good, and return what it was.

        Raises:
            NotFoundError: there is none of this id.
        """
        ...

    def by_token(self, digest: str, /) -> tuple[Account, Token] | None:
        """Return whose token it is, by its digest; None for a token that is not stored, or has expired."""
        ...

    def note_use(self, used_ms: Mapping[TokenId, int], /) -> None:
        """Note when tokens were used last; those that are gone by now are passed over."""
        ...

    def begin_sign_in(self, new: SignIn, /) -> None:
        """Keep a login that has begun, and forget those that nobody has ended in time.

        Raises:
            ThrottledError: too many have begun and not ended.
        """
        ...

    def take_sign_in(self, state_digest: str, /) -> SignIn | None:
        """Return a login that has begun, once: the second time, and after its time, there is None."""
        ...
