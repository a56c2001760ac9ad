"""Webhooks: rows that only whoever sends to them reads whole."""

import json
import uuid
from typing import Any

import sqlalchemy as sa

from headwater.errors import InvalidError, NotFoundError
from headwater.model.graph import KEEP
from headwater.model.webhooks import NewWebhook, Webhook, WebhookChange, WebhookId
from headwater.store.sql.database import Database
from headwater.store.sql.schema import webhook
from headwater.store.sql.sealing import Seal
from headwater.store.sql.text import check_length

_SHOWN = tuple(column for column in webhook.columns if column.name != "secret")


class Webhooks:
    """`WebhookStore` in SQL."""

    def __init__(self, db: Database, seal: Seal) -> None:
        self._db, self._seal = db, seal

    def add(self, new: NewWebhook, /) -> Webhook:
        values = self._stored(
            {
                "name": new.name,
                "url": new.url,
                "events": new.events,
                "description": new.description,
                "secret": new.secret,
                "is_active": new.is_active,
            }
        )

        def job(conn: sa.Connection) -> WebhookId:
            now = self._db.clock_ms()
            new_id = WebhookId(str(uuid.uuid4()))
            row = {"id": new_id, "created_ms": now, "updated_ms": now, **values}
            conn.execute(sa.insert(webhook).values(row))
            return new_id

        return self.get(self._db.write(job))

    def get(self, id: WebhookId, /) -> Webhook:
        with self._db.read() as conn:
            row = conn.execute(sa.select(*_SHOWN).where(webhook.c.id == id)).one_or_none()
        return _webhook(_found(row, id))

    def all(self) -> list[Webhook]:
        newest_first = sa.select(*_SHOWN).order_by(webhook.c.created_ms.desc(), webhook.c.id)
        with self._db.read() as conn:
            return [_webhook(row) for row in conn.execute(newest_first)]

    def update(self, change: WebhookChange, /) -> Webhook:
        given = {
            name: getattr(change, name)
            for name in ("name", "url", "events", "description", "secret", "is_active")
        }
        values = self._stored({name: value for name, value in given.items() if value is not KEEP})

        def job(conn: sa.Connection) -> None:
            mine = webhook.c.id == change.id
            _found(
                conn.execute(sa.select(webhook.c.id).where(mine).with_for_update()).one_or_none(), change.id
            )
            conn.execute(sa.update(webhook).where(mine).values(**values, updated_ms=self._db.clock_ms()))

        self._db.write(job)
        return self.get(change.id)

    def delete(self, id: WebhookId, /) -> None:
        def job(conn: sa.Connection) -> None:
            if not conn.execute(sa.delete(webhook).where(webhook.c.id == id)).rowcount:
                raise NotFoundError("webhook", id)

        self._db.write(job)

    def secret(self, id: WebhookId, /) -> str | None:
        with self._db.read() as conn:
            row = conn.execute(sa.select(webhook.c.secret).where(webhook.c.id == id)).one_or_none()
        stored = _found(row, id).secret
        return None if stored is None else self._seal.open(stored)

    def _stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return columns as they are stored, after a look at what they hold."""
        found = _checked(values)
        if found.get("secret") is not None:
            found["secret"] = self._seal.close(found["secret"])
        return found


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return columns as they are stored, after a look at what they hold."""
    for name in ("name", "url"):
        if name in values:
            check_length(f"webhook {name}", values[name], least=1)
    if "events" in values:
        if not values["events"]:
            raise InvalidError("a webhook needs at least one event to be told of")
        values["events"] = json.dumps(list(values["events"]))
    if "is_active" in values:
        values["is_active"] = int(values["is_active"])
    return values


def _found(row: Any, id: WebhookId) -> Any:
    if row is None:
        raise NotFoundError("webhook", id)
    return row


def _webhook(row: Any) -> Webhook:
    return Webhook(
        id=WebhookId(row.id),
        name=row.name,
        url=row.url,
        events=tuple(json.loads(row.events)),
        description=row.description,
        is_active=bool(row.is_active),
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )
