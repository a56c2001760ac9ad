"""Rows of accounts and their grants."""

import difflib
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import NotFoundError, RefusedError
from headwater.model.access import Account, Grant, OidcSubject, Role
from headwater.store.sql.schema import account, account_grant

_NEAR: Final = 3


def accounts_where(conn: sa.Connection, wanted: sa.ColumnElement[bool] | None = None) -> list[Account]:
    """Return accounts with their grants, by name; None for all of them."""
    chosen = sa.true() if wanted is None else wanted
    rows = conn.execute(sa.select(account).where(chosen).order_by(account.c.name)).all()
    return _with_grants(conn, rows) if rows else []


def find_account(conn: sa.Connection, name: str) -> Account | None:
    """Return an account; None for none of this name."""
    return next(iter(accounts_where(conn, account.c.name == name)), None)


def require_account(conn: sa.Connection, name: str) -> Account:
    """Return an account.

    Raises:
        NotFoundError: naming those whose name is near.
    """
    if found := find_account(conn, name):
        return found
    names = conn.execute(sa.select(account.c.name)).scalars().all()
    raise NotFoundError("account", name, near=difflib.get_close_matches(name, names, _NEAR))


def oidc_digest(who: OidcSubject) -> str:
    """Return what a person of an identity provider is found by."""
    # An issuer is a URL and holds no NUL, so no two pairs are joined to one text.
    return hashlib.sha256(f"{who.issuer}\0{who.subject}".encode("utf-8", "surrogatepass")).hexdigest()


def keep_an_administrator(conn: sa.Connection, leaving: Account) -> None:
    """Check that others are not left without an administrator.

    Raises:
        RefusedError: this one is the last.
    """
    if leaving.role is not Role.ADMIN:
        return
    others = sa.select(account.c.role).where(account.c.name != leaving.name)
    roles = conn.execute(others).scalars().all()
    if roles and Role.ADMIN not in roles:
        raise RefusedError(f"{leaving.name} is the last administrator: make somebody else one first")


def _with_grants(conn: sa.Connection, rows: Sequence[Any]) -> list[Account]:
    statement = sa.select(account_grant).order_by(account_grant.c.account, account_grant.c.subject)
    if len(rows) == 1:
        statement = statement.where(account_grant.c.account == rows[0].name)
    grants: dict[str, list[Grant]] = {}
    for row in conn.execute(statement):
        grants.setdefault(row.account, []).append(Grant(subject=row.subject, role=Role(row.role)))
    return [_account(row, grants.get(row.name, ())) for row in rows]


def _account(row: Any, grants: Sequence[Grant]) -> Account:
    return Account(
        name=row.name,
        role=None if row.role is None else Role(row.role),
        created_ms=row.created_ms,
        has_password=row.password_hash is not None,
        grants=tuple(grants),
        oidc=None if row.issuer is None else OidcSubject(issuer=row.issuer, subject=row.oidc_subject),
    )
