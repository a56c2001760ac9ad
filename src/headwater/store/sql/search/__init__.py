"""Search: a filter and an order compiled to SQL, a page at a time."""

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Entity, Filter
from headwater.model.listing import Listing
from headwater.store.sql.database import Database
from headwater.store.sql.prepared import Rows
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
    rows, token = Search(conn, db, entity, listing, few=few).page()
    return [row[0] for row in rows], token


def nodes(
    conn: sa.Connection, db: Database, entity: Entity, listing: Listing, columns: tuple[str, ...]
) -> tuple[Rows, str | None]:
    """Find one page of nodes as `page` does; return ids and columns of their place as the driver has them."""
    return Search(conn, db, entity, listing, columns=columns).page()


def count(conn: sa.Connection, db: Database, entity: Entity, filter: Filter | None, limit: int) -> int:
    """Count the nodes that meet a filter, and stop at a limit.

    Raises:
        InvalidError: the filter or the limit cannot be right.
    """
    if limit < 0:
        raise InvalidError(f"a count stops at 0 or more, not {limit}")
    return Search(conn, db, entity, Listing(filter=filter)).count(limit)


__all__ = ["count", "nodes", "page"]
