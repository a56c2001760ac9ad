"""A page is the same whichever index it is read from."""

import pytest

from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.query.parse import parse_order
from headwater.store.sql import search
from headwater.store.sql.store import SqlStore
from tests.contract.builders import Clock
from tests.contract.population import holds, in_order, populate
from tests.contract.test_search import CASES, ORDERS, filter_of


@pytest.mark.parametrize("entity", Entity)
def test_few_and_many_matches_give_the_same_pages(entity: Entity) -> None:
    clock = Clock()
    with SqlStore("memory://", clock_ms=clock) as store:
        records = populate(store, clock)[entity]
        for text in (text for each, text in CASES if each is entity):
            tree = filter_of(text, entity)
            matching = [record for record in records if holds(tree, record)]
            for order in ORDERS[entity]:
                orders = parse_order(order, entity)
                for few in (0, 1_000):
                    found = _all(store, entity, Listing(filter=tree, order_by=orders, limit=5), few)
                    assert found == in_order(matching, orders), (text, order, few)


def _all(store: SqlStore, entity: Entity, listing: Listing, few: int) -> list[int]:
    found: list[int] = []
    token = None
    with store._db.read() as conn:
        while True:
            asked = Listing(
                filter=listing.filter, order_by=listing.order_by, limit=listing.limit, page_token=token
            )
            ids, token = search.page(conn, store._db, entity, asked, few=few)
            found += ids
            if token is None:
                return found
