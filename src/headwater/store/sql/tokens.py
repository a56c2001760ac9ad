"""Tokens: of programs, and of browsers that have signed in."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from headwater.errors import InvalidError, NotFoundError
from headwater.model.access import Account, NewToken, Role, Token, TokenId, TokenKind
from headwater.model.values import Json
from headwater.store.sql.accounts import find_account, require_account
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.locks import LEDGER, lock
from headwater.store.sql.schema import token
from headwater.store.sql.text import check_length

_COLUMNS = [column for column in token.columns if column.name != "digest"]


class Tokens:
    """Reads and changes tokens; their secrets were never here."""

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger

    def add(self, new: NewToken, *, actor: str, reason: str) -> Token:
        """See `AccessStore.add_token`."""
        check_length("name of a token", new.name, least=1)
        now_ms = self._db.clock_ms()
        if new.expires_ms is not None and new.expires_ms <= now_ms:
            raise InvalidError(f"the token {new.name!r} would have expired already")

        def job(conn: sa.Connection) -> Token:
            lock(conn, LEDGER)
            require_account(conn, new.account)
            _forget_expired_sessions(conn, new.account, now_ms)
            key = conn.execute(sa.insert(token).values(_row(new, now_ms))).inserted_primary_key
            assert key is not None
            added = _one(conn, TokenId(key[0]))
            self._note(conn, "add-token", added, actor=actor, reason=reason)
            return added

        return self._db.write(job, is_durable=True)

    def all(self, name: str | None) -> list[Token]:
        """See `AccessStore.tokens`."""
        statement = sa.select(*_COLUMNS).order_by(token.c.id)
        with self._db.read() as conn:
            if name is not None:
                require_account(conn, name)
                statement = statement.where(token.c.account == name)
            return [_token(row) for row in conn.execute(statement)]

    def revoke(self, token_id: TokenId, *, actor: str, reason: str) -> Token:
        """See `AccessStore.revoke_token`."""

        def job(conn: sa.Connection) -> Token:
            lock(conn, LEDGER)
            there = _one(conn, token_id)
            conn.execute(sa.delete(token).where(token.c.id == token_id))
            self._note(conn, "revoke-token", there, actor=actor, reason=reason)
            return there

        return self._db.write(job, is_durable=True)

    def by_digest(self, digest: str) -> tuple[Account, Token] | None:
        """See `AccessStore.by_token`."""
        with self._db.read() as conn:
            row = conn.execute(sa.select(*_COLUMNS).where(token.c.digest == digest)).one_or_none()
            if row is None or (owner := find_account(conn, row.account)) is None:
                return None
        found = _token(row)
        return (owner, found) if found.is_valid(self._db.clock_ms()) else None

    def note_use(self, used_ms: Mapping[TokenId, int]) -> None:
        """See `AccessStore.note_use`."""

        def job(conn: sa.Connection) -> None:
            # By id, so that two servers lock the rows in one order.
            for token_id, time_ms in sorted(used_ms.items()):
                conn.execute(sa.update(token).where(token.c.id == token_id).values(last_used_ms=time_ms))

        if used_ms:
            self._db.write(job)

    def _note(self, conn: sa.Connection, action: str, one: Token, *, actor: str, reason: str) -> None:
        if one.kind is TokenKind.SESSION:
            return
        details: dict[str, Json] = {
            "token": one.id,
            "name": one.name,
            "limit": one.limit and one.limit.word,
            "expires_ms": one.expires_ms,
        }
        subject = f"accounts/{one.account}/tokens/{one.id}"
        self._ledger.append(conn, actor=actor, action=action, subject=subject, reason=reason, details=details)


def _forget_expired_sessions(conn: sa.Connection, name: str, now_ms: int) -> None:
    """Delete the sessions of an account that are over; tokens of programs stay to be seen."""
    conn.execute(
        sa.delete(token).where(
            token.c.account == name, token.c.kind == TokenKind.SESSION, token.c.expires_ms <= now_ms
        )
    )


def _row(new: NewToken, now_ms: int) -> dict[str, object]:
    return {
        "account": new.account,
        "name": new.name,
        "kind": new.kind,
        "digest": new.digest,
        "role_limit": new.limit,
        "created_ms": now_ms,
        "expires_ms": new.expires_ms,
    }


def _one(conn: sa.Connection, token_id: TokenId) -> Token:
    row = conn.execute(sa.select(*_COLUMNS).where(token.c.id == token_id)).one_or_none()
    if row is None:
        raise NotFoundError("token", int(token_id))
    return _token(row)


def _token(row: Any) -> Token:
    return Token(
        id=TokenId(row.id),
        account=row.account,
        name=row.name,
        kind=TokenKind(row.kind),
        limit=None if row.role_limit is None else Role(row.role_limit),
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        last_used_ms=row.last_used_ms,
    )
