"""Who may do what: accounts and grants. Every change is a decision in the ledger."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from headwater.errors import ConflictError, NotFoundError
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
    TokenKind,
    check_account_name,
    check_grant,
)
from headwater.model.values import Json
from headwater.store.sql.accounts import (
    accounts_where,
    find_account,
    keep_an_administrator,
    oidc_digest,
    require_account,
)
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.locks import LEDGER, lock
from headwater.store.sql.schema import account, account_grant, token
from headwater.store.sql.sign_ins import SignIns
from headwater.store.sql.tokens import Tokens


class Access:
    """`AccessStore` in SQL."""

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger
        self._tokens = Tokens(db, ledger)
        self._sign_ins = SignIns(db)

    def add(
        self, new: NewAccount, /, *, oidc: OidcSubject | None = None, actor: str, reason: str = ""
    ) -> Account:
        check_account_name(new.name)

        def job(conn: sa.Connection) -> Account:
            lock(conn, LEDGER)
            if find_account(conn, new.name):
                raise ConflictError(f"there is an account {new.name!r} already")
            conn.execute(sa.insert(account).values(_row(new, oidc, self._db.clock_ms())))
            details: dict[str, Json] = {"role": _word(new.role), "password": new.password_hash is not None}
            if oidc is not None:
                details |= {"issuer": oidc.issuer, "subject": oidc.subject}
            self._note(conn, new.name, "add-account", details, actor=actor, reason=reason)
            return require_account(conn, new.name)

        return self._db.write(job, is_durable=True)

    def get(self, name: str, /) -> Account:
        with self._db.read() as conn:
            return require_account(conn, name)

    def all(self) -> list[Account]:
        with self._db.read() as conn:
            return accounts_where(conn)

    def is_empty(self) -> bool:
        with self._db.read() as conn:
            return conn.execute(sa.select(account.c.name).limit(1)).first() is None

    def remove(self, name: str, /, *, actor: str, reason: str = "") -> None:
        def job(conn: sa.Connection, there: Account) -> None:
            keep_an_administrator(conn, there)
            for table in (token, account_grant):
                conn.execute(sa.delete(table).where(table.c.account == name))
            conn.execute(sa.delete(account).where(account.c.name == name))
            details: dict[str, Json] = {"role": _word(there.role)}
            self._note(conn, name, "remove-account", details, actor=actor, reason=reason)

        self._decide(name, job)

    def set_role(self, name: str, role: Role | None, /, *, actor: str, reason: str = "") -> Account:
        def job(conn: sa.Connection, there: Account) -> None:
            if there.role == role:
                return
            keep_an_administrator(conn, there)
            conn.execute(sa.update(account).where(account.c.name == name).values(role=role))
            details: dict[str, Json] = {"before": _word(there.role), "after": _word(role)}
            self._note(conn, name, "change-role", details, actor=actor, reason=reason)

        return self._decide(name, job)

    def set_password(
        self, name: str, password_hash: str | None, /, *, actor: str, reason: str = ""
    ) -> Account:
        def job(conn: sa.Connection, there: Account) -> None:
            change = sa.update(account).where(account.c.name == name).values(password_hash=password_hash)
            conn.execute(change)
            mine = sa.and_(token.c.account == name, token.c.kind == TokenKind.SESSION)
            conn.execute(sa.delete(token).where(mine))
            details: dict[str, Json] = {
                "before": there.has_password,
                "after": password_hash is not None,
            }
            self._note(conn, name, "change-password", details, actor=actor, reason=reason)

        return self._decide(name, job)

    def grant(self, name: str, grant: Grant, /, *, actor: str, reason: str = "") -> Account:
        check_grant(grant)

        def job(conn: sa.Connection, there: Account) -> None:
            before = next((g.role for g in there.grants if g.subject == grant.subject), None)
            conn.execute(_ungranting(name, grant.subject))
            values = {"account": name, "subject": grant.subject, "role": grant.role}
            conn.execute(sa.insert(account_grant).values(values))
            details: dict[str, Json] = {
                "on": grant.subject,
                "before": _word(before),
                "after": grant.role.word,
            }
            self._note(conn, name, "grant", details, actor=actor, reason=reason)

        return self._decide(name, job)

    def ungrant(self, name: str, subject: str, /, *, actor: str, reason: str = "") -> Account:
        def job(conn: sa.Connection, there: Account) -> None:
            before = next((g.role for g in there.grants if g.subject == subject), None)
            if before is None:
                raise NotFoundError(f"grant to {name} on", subject, near=[g.subject for g in there.grants])
            conn.execute(_ungranting(name, subject))
            details: dict[str, Json] = {"on": subject, "before": before.word, "after": None}
            self._note(conn, name, "ungrant", details, actor=actor, reason=reason)

        return self._decide(name, job)

    def credentials(self, name: str, /) -> Credentials | None:
        with self._db.read() as conn:
            row = conn.execute(sa.select(account).where(account.c.name == name)).one_or_none()
            if row is None:
                return None
            return Credentials(account=require_account(conn, name), password_hash=row.password_hash)

    def by_oidc(self, who: OidcSubject, /) -> Account | None:
        with self._db.read() as conn:
            return next(iter(accounts_where(conn, account.c.oidc_digest == oidc_digest(who))), None)

    def add_token(self, new: NewToken, /, *, actor: str, reason: str = "") -> Token:
        return self._tokens.add(new, actor=actor, reason=reason)

    def tokens(self, account: str | None = None, /) -> list[Token]:
        return self._tokens.all(account)

    def revoke_token(self, token_id: TokenId, /, *, actor: str, reason: str = "") -> Token:
        return self._tokens.revoke(token_id, actor=actor, reason=reason)

    def by_token(self, digest: str, /) -> tuple[Account, Token] | None:
        return self._tokens.by_digest(digest)

    def note_use(self, used_ms: Mapping[TokenId, int], /) -> None:
        self._tokens.note_use(used_ms)

    def begin_sign_in(self, new: SignIn, /) -> None:
        self._sign_ins.begin(new)

    def take_sign_in(self, state_digest: str, /) -> SignIn | None:
        return self._sign_ins.take(state_digest)

    def _decide(self, name: str, job: Callable[[sa.Connection, Account], None]) -> Account:
        """Change an account that is there, one change at a time, and return it as it is then."""

        def locked(conn: sa.Connection) -> Account:
            # Before anything is read: two administrators could otherwise take the role from each other.
            lock(conn, LEDGER)
            there = require_account(conn, name)
            job(conn, there)
            return find_account(conn, name) or there

        return self._db.write(locked, is_durable=True)

    def _note(
        self,
        conn: sa.Connection,
        name: str,
        action: str,
        details: Mapping[str, Json],
        *,
        actor: str,
        reason: str,
    ) -> None:
        self._ledger.append(
            conn, actor=actor, action=action, subject=f"accounts/{name}", reason=reason, details=details
        )


def _row(new: NewAccount, oidc: OidcSubject | None, now_ms: int) -> dict[str, object]:
    return {
        "name": new.name,
        "role": new.role,
        "password_hash": new.password_hash,
        "issuer": oidc and oidc.issuer,
        "oidc_subject": oidc and oidc.subject,
        "oidc_digest": oidc and oidc_digest(oidc),
        "created_ms": now_ms,
    }


def _ungranting(name: str, subject: str) -> sa.Delete:
    return sa.delete(account_grant).where(account_grant.c.account == name, account_grant.c.subject == subject)


def _word(role: Role | None) -> str | None:
    return None if role is None else role.word
