"""Idempotency keys: a request that is sent again changes nothing and gets the first answer."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from headwater.errors import ConflictError
from headwater.store.sql.database import Database
from headwater.store.sql.schema import idempotency
from headwater.store.sql.text import check_length

T = TypeVar("T")


def write_once(
    db: Database,
    job: Callable[[sa.Connection], T],
    *,
    key: str | None,
    request: object,
    result: Any,
    is_durable: bool = False,
) -> T:
    """Run `job` in a write transaction, unless `key` was used before: then return what it gave.

    Args:
        db: Where to write.
        job: The write.
        key: None runs the job as it is.
        request: What was asked for, as a value with a telling `repr`.
        result: Type of what `job` returns.
        is_durable: As in `Database.write`.

    Raises:
        ConflictError: the key was used for another request.
    """
    if key is None:
        return db.write(job, is_durable=is_durable)
    check_length("idempotency key", key, least=1)
    digest = hashlib.sha256(repr(request).encode("utf-8", "surrogatepass")).hexdigest()

    def keyed(conn: sa.Connection) -> T:
        stored = _stored(conn, key, digest)
        if stored is not None:
            return msgspec.msgpack.decode(stored, type=result)
        value = job(conn)
        conn.execute(
            sa.insert(idempotency).values(
                key=key,
                request_digest=digest,
                result=msgspec.msgpack.encode(value),
                created_ms=db.clock_ms(),
            )
        )
        return value

    try:
        return db.write(keyed, is_durable=is_durable)
    except ConflictError:
        # The same request may have won the race on another connection.
        with db.read() as conn:
            stored = _stored(conn, key, digest)
        if stored is None:
            raise
        return msgspec.msgpack.decode(stored, type=result)


def _stored(conn: sa.Connection, key: str, digest: str) -> bytes | None:
    row = conn.execute(sa.select(idempotency).where(idempotency.c.key == key)).one_or_none()
    if row is not None and row.request_digest != digest:
        raise ConflictError(f"idempotency key {key!r} was used for another request")
    return row.result if row is not None else None
