"""Search: a filter and an order compiled to SQL, a page at a time."""

import sqlalchemy as sa

from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.store.sql.database import Database
from headwater.store.sql.search.plan import FEW
from headwater.store.sql.search.reading import Search


def page(
    conn: sa.Connection, db: Database, entity: Entity, listing: Listing, *, few: int = FEW
) -> tuple[list[int], str | None]:
    """Find one page of nodes.

    Args:
        conn: In a transaction.
        db: That of `conn`.
        entity: What is listed.
        listing: Filter, order and page. NaN meets no comparison, and an infinity
            compares as the largest double; long texts are sorted by their beginning.
        few: When an index leads to fewer nodes than this, they are read one by one.

    Returns:
        Ids (execution ids of runs, artifact ids of model versions), and the token of the next page.

    Raises:
        InvalidError: the limit, filter, order or page token cannot be right.
    """
    return Search(conn, db, entity, listing, few=few).page()


__all__ = ["page"]
