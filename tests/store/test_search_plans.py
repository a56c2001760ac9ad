"""A page is the same whichever index it is read from."""

from itertools import product

import pytest

from headwater.model.filters import And, Comparison, Entity, Field, Filter, Operator, Scope
from headwater.model.graph import NewArtifact, NewType, NodeKind
from headwater.model.listing import Listing
from headwater.query.parse import parse_order
from headwater.store.sql import search
from headwater.store.sql.driver import driver_connection
from headwater.store.sql.search import reading
from headwater.store.sql.search.plan import Plan
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


def test_patterns_of_uris_are_met_in_every_spelling_however_many_there_are() -> None:
    spellings = [*map("".join, product(*zip("qwertyuiopa", "QWERTYUIOPA", strict=True)))]
    uris = ["s3://A/x", "S3://a/X", "s3://b", "S3://", "s4://a/x", None, *spellings]
    with SqlStore("memory://") as store:
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        ids = store.artifacts.add([NewArtifact(type_id=kind, uri=uri) for uri in uris])
        for pattern, wanted in (
            ("S3://a/%", ids[:2]),
            ("s3://a/x", ids[:2]),
            ("s3%", ids[:4]),
            ("q_%", ids[6:]),
            ("Qwertyuiopa", ids[6:]),
            ("Qwertyuiopab%", []),
            ("%x", [*ids[:2], ids[4]]),
        ):
            is_like = Comparison(Field(Scope.ATTRIBUTE, "uri"), Operator.ILIKE, pattern)
            # Some are read one by one, or all in the order of their ids.
            for few in (0, 3, 5_000):
                assert _all(store, Entity.ARTIFACT, Listing(filter=is_like, limit=1_000), few) == wanted


def test_a_search_starts_at_the_same_indexes_however_deep_a_condition_stands() -> None:
    first = Comparison(Field(Scope.METRIC, "acc"), Operator.GT, 0.5)
    second = Comparison(Field(Scope.PARAM, "lr"), Operator.EQ, "1")
    third = Comparison(Field(Scope.ATTRIBUTE, "run_id"), Operator.EQ, "r")
    orders = parse_order("metrics.acc DESC", Entity.RUN)
    with SqlStore("memory://") as store:
        flat, nested = (
            Plan(store._db.dialect, Entity.RUN, Listing(filter=tree, order_by=orders, limit=5))
            for tree in (And((first, second, third)), And((first, And((second, And((third,)))))))
        )

    assert [each.term for each in flat.origins] == [first, second, third]
    assert [each.term for each in nested.origins] == [first, second, third]
    assert nested.ranks == flat.ranks


def test_what_leads_to_many_is_counted_once_for_a_search_and_its_next_pages(monkeypatch) -> None:
    with SqlStore("memory://") as store:
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        store.artifacts.add([NewArtifact(type_id=kind, custom_properties={"x": i % 2}) for i in range(6)])
        even, odd = (Comparison(Field(Scope.TAG, "x"), Operator.EQ, value) for value in (0, 1))

        assert _counts(store, even) == 1
        assert _counts(store, even) == 0
        # Other values may lead to few, and by and by the same ones.
        assert _counts(store, odd) == 1
        monkeypatch.setattr(reading, "VAIN_S", 0.0)
        assert _counts(store, odd) > 0


def _counts(store: SqlStore, tree: Filter) -> int:
    """Return how often counting was asked for on the way to all pages of a search."""
    said: list[str] = []
    with store._db.read() as conn:
        driver_connection(conn).set_trace_callback(said.append)
    try:
        _all(store, Entity.ARTIFACT, Listing(filter=tree, limit=1), few=2)
    finally:
        with store._db.read() as conn:
            driver_connection(conn).set_trace_callback(None)
    return sum("count(" in statement for statement in said)


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
