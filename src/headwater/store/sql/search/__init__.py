"""Search: a filter and an order compiled to SQL, a page at a time."""

import sqlalchemy as sa

from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.store.sql.dialects import Dialect
from headwater.store.sql.search.plan import FEW, Search


def page(
    conn: sa.Connection, dialect: Dialect, entity: Entity, listing: Listing, *, few: int = FEW
) -> tuple[list[int], str | None]:
    """Find one page of nodes.

    Args:
        conn: In a transaction.
        dialect: That of `conn`.
        entity: What is listed.
        listing: Filter, order and page. NaN meets no comparison, and an infinity
            compares as the largest double; long texts are sorted by their beginning.
        few: When an index leads to fewer nodes than this, they are read one by one.

    Returns:
        Ids (execution ids of runs, artifact ids of model versions), and the token of the next page.

    Raises:
        InvalidError: the limit, filter, order or page token cannot be right.
    """
    return Search(conn, dialect, entity, listing, few=few).page()


__all__ = ["page"]
