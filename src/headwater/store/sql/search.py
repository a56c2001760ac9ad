"""Placeholder to be replaced by the compiler of filters (phase 3)."""

import sqlalchemy as sa

from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.store.sql import schema
from headwater.store.sql.dialects import Dialect


def page(
    conn: sa.Connection, dialect: Dialect, entity: Entity, listing: Listing
) -> tuple[list[int], str | None]:
    """Return the ids of one page and the token of the next."""
    table = {
        Entity.RUN: schema.run.c.execution_id,
        Entity.ARTIFACT: schema.artifact.c.id,
        Entity.EXECUTION: schema.execution.c.id,
        Entity.CONTEXT: schema.context.c.id,
        Entity.VERSION: schema.version.c.artifact_id,
    }[entity]
    return list(conn.execute(sa.select(table).order_by(table).limit(listing.limit)).scalars()), None
