"""Logins at an identity provider that have begun: each is ended once, or forgotten."""

from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from headwater.errors import ThrottledError
from headwater.model.access import SignIn
from headwater.store.sql.database import Database
from headwater.store.sql.schema import sign_in

MOST_OPEN: Final = 10_000
"""Nobody has to be known to begin one, so there is an end to it."""
_FULL_WAIT_S: Final = 60.0


class SignIns:
    """Keeps logins between the way to the provider and the way back, for all servers of a store."""

    def __init__(self, db: Database, *, most_open: int = MOST_OPEN) -> None:
        self._db = db
        self._most_open = most_open

    def begin(self, new: SignIn) -> None:
        """See `AccessStore.begin_sign_in`."""

        def job(conn: sa.Connection) -> None:
            conn.execute(sa.delete(sign_in).where(sign_in.c.expires_ms <= self._db.clock_ms()))
            if conn.execute(sa.select(sa.func.count()).select_from(sign_in)).scalar_one() >= self._most_open:
                raise ThrottledError("too many logins have begun and not ended", retry_after_s=_FULL_WAIT_S)
            conn.execute(sa.insert(sign_in).values(asdict(new)))

        self._db.write(job)

    def take(self, state_digest: str) -> SignIn | None:
        """See `AccessStore.take_sign_in`."""
        this = sign_in.c.state_digest == state_digest

        def job(conn: sa.Connection) -> SignIn | None:
            # Locked, because of two that come back at once only one may find it.
            row = conn.execute(sa.select(sign_in).where(this).with_for_update()).mappings().one_or_none()
            conn.execute(sa.delete(sign_in).where(this))
            return None if row is None else SignIn(**row)

        found = self._db.write(job)
        return found if found is not None and self._db.clock_ms() < found.expires_ms else None
