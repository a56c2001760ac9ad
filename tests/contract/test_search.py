"""Filters and orders mean the same on every database: what `population.holds` says."""

from collections.abc import Generator
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import FilterError, InvalidError
from headwater.model.filters import Entity, Filter
from headwater.model.graph import Event, EventType
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.query.parse import parse_filter, parse_order
from tests.contract.builders import START_MS, Clock, add_artifacts, append, start_run
from tests.contract.population import BIG, HEAD, LONG, Record, holds, in_order, populate

World = tuple[Store, dict[Entity, list[Record]]]


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    return store, populate(store, clock)


def page(store: Store, entity: Entity, listing: Listing) -> Any:
    """Return a page of an entity."""
    match entity:
        case Entity.RUN:
            return store.runs.page(listing)
        case Entity.VERSION:
            return store.models.page_versions(listing)
        case Entity.ARTIFACT:
            return store.artifacts.page(listing)
        case Entity.EXECUTION:
            return store.executions.page(listing)
        case Entity.CONTEXT:
            return store.contexts.page(listing)


def filter_of(text: str, entity: Entity = Entity.RUN) -> Filter:
    """Parse a filter that is not blank."""
    tree = parse_filter(text, entity)
    assert tree is not None
    return tree


def ids(store: Store, entity: Entity, tree: Filter | None, order: str = "", **more: Any) -> list[int]:
    """Return the ids of one page."""
    listing = Listing(filter=tree, order_by=parse_order(order, entity), **more)
    return [node.id for node in page(store, entity, listing).items]


def walk(store: Store, entity: Entity, listing: dict[str, Any], limit: int) -> Generator[int]:
    """Yield the ids of all pages."""
    token = None
    while True:
        found = page(store, entity, Listing(**listing, limit=limit, page_token=token))
        yield from (node.id for node in found.items)
        token = found.next_token
        if token is None:
            return
        assert len(found.items) == limit


RUN_FILTERS = [
    "metrics.auc = 0.5",
    "metrics.auc != 0.5",
    "metrics.auc = 0",
    "metrics.auc > 1e299",
    "metrics.auc = inf",
    "metrics.auc <= -inf",
    "metrics.auc is null",
    "metrics.auc is not null",
    "not metrics.auc > 0",
    "metrics.auc not in (0.5, 3)",
    "metrics.auc between 0 and 1",
    "metrics.auc not between 0 and 1",
    "metrics.none > 0",
    "params.lr = 0.1",
    "params.lr = '0.1'",
    "params.lr = 1",
    "params.lr = true",
    "params.lr = 'True'",
    "params.lr = 'abc'",
    "params.lr = 'abc' and user = 'user0'",
    f"params.lr = '{HEAD}'",
    f"params.lr = '{LONG}'",
    "params.lr in ('abc', 100)",
    "params.lr not in ('abc', 100, true)",
    "params.lr like '%1%'",
    f"params.lr = {BIG + 1}",
    f"params.lr > {BIG}",
    "params.lr < 'b'",
    "tags.t = 'a'",
    "tags.t ilike 'a'",
    "tags.t not ilike 'a%'",
    "tags.t like 'a|b\\%' or tags.t like 'a|b%_'",
    "tags.t = ''",
    "tags.t = 1",
    "tags.t = true",
    "tags.t != true",
    "tags.t in (true, 'a', 1)",
    "tags.t not in (true, 'a', 1)",
    f"tags.t = {BIG}",
    f"tags.t != {BIG}",
    f"tags.t <= {BIG}",
    f"tags.t in ({BIG}, {BIG + 1})",
    f"tags.t = '{LONG}x'",
    f"tags.t > '{LONG}x'",
    f"tags.t in ('{LONG}y', 'a')",
    "tags.t >= 'größe'",
    "tags.t = 'it''s'",
    "tags.t is null and params.lr is null",
    "status = running and start_time > 0",
    "status in (failed, lost)",
    "user is null",
    "user != 'user0'",
    "not (user = 'user0' or name = 'run1')",
    "experiment = 'flights'",
    "experiment like 'fl%' and not tags.t = 1",
    "type = 'headwater.Run'",
    "contexts.name = 'trains'",
    "contexts.name not in ('trains')",
    "outputs.digest like 'm%'",
    "outputs.tags.t >= 1",
    "outputs.name is null",
    "inputs.name is not null",
    "parent_id is null and end_time is null",
    f"created_time >= {START_MS}",
    "id between 0 and 9223372036854775807",
    "id = 0 or id > 0",
]
ARTIFACT_FILTERS = [
    "type = 'Data' and name like 'art1%'",
    "name = 'art1-1'",
    "name in ('art1-1', 'art2-2', 'x')",
    "not name = 'art1-1'",
    "name not like 'art1%'",
    "uri like '%0' and state = pending",
    "uri like 's3://bucket/%'",
    "uri like 'S3://bucket/%'",
    "uri ilike 'S3://BUCKET/%0'",
    "uri ilike 'gs://%'",
    f"uri > 's3://bucket/{LONG}'",
    "state != live",
    "state is null",
    "state not in (live, pending)",
    "size_bytes > 5",
    "digest = 'd1' or digest = 'd2'",
    "properties.p < 7",
    "tags.t = 'a|b%_'",
    "contexts.tags.c = 'top'",
    "producers.params.lr > 0",
    "consumers.name is not null",
    "not consumers.name is not null",
    "consumers.state = running",
]
CONTEXT_FILTERS = [
    "parents.name = 'top'",
    "children.tags.c = 'low'",
    "not parents.name is not null",
    "artifacts.type = 'Data'",
    "artifacts.tags.t = 'a'",
    "executions.state in (running, new)",
    "executions.metrics.auc > 0.4",
    "name ilike 'T%' and tags.c is not null",
]
EXECUTION_FILTERS = [
    "state is null",
    "params.lr >= 0.2 and metrics.auc is null",
    "inputs.type = 'Text' and outputs.uri is not null",
    "metrics.auc < 1",
]
VERSION_FILTERS = [
    "model = 'late' and version = 1",
    "name = 'late'",
    "alias = 'champion'",
    "alias != 'champion'",
    "alias is null",
    "not alias = 'best'",
    "stage = 'none'",
    "metrics.auc > 0.2",
    "params.lr in (1, 3)",
    "tags.t between 1 and 3",
    f"description = '{LONG}'",
    "description is null",
    "execution_id is not null",
    "run_id is null",
    "producers.params.lr = '0.1'",
    "contexts.name = 'early'",
    "digest in ('m1', 'm4')",
]
CASES = [
    *((Entity.RUN, text) for text in RUN_FILTERS),
    *((Entity.ARTIFACT, text) for text in ARTIFACT_FILTERS),
    *((Entity.CONTEXT, text) for text in CONTEXT_FILTERS),
    *((Entity.EXECUTION, text) for text in EXECUTION_FILTERS),
    *((Entity.VERSION, text) for text in VERSION_FILTERS),
]
ORDERS = {
    Entity.RUN: [
        "id",
        "id desc",
        "start_time",
        "metrics.auc",
        "metrics.auc desc",
        "params.lr",
        "params.lr desc, metrics.auc",
        "tags.t",
        "tags.t desc, start_time",
        "user, metrics.auc desc",
        "experiment desc, tags.t, params.lr desc",
        "end_time, name desc",
    ],
    Entity.ARTIFACT: [
        "uri",
        "uri desc, id",
        "name",
        "state desc, size_bytes",
        "type, tags.t desc",
        "properties.p",
    ],
    Entity.CONTEXT: ["name", "tags.c desc", "type, name desc"],
    Entity.EXECUTION: ["state", "params.lr desc", "metrics.auc, name"],
    Entity.VERSION: [
        "model, version desc",
        "metrics.auc desc",
        "description desc",
        "run_id",
        "stage, execution_id",
    ],
}


def test_filters_select_what_they_say(world: World) -> None:
    store, records = world

    for entity, text in CASES:
        tree = filter_of(text, entity)
        expected = [record.id for record in records[entity] if holds(tree, record)]
        assert sorted(ids(store, entity, tree)) == expected, text


def test_most_filters_select_some_but_not_all(world: World) -> None:
    _, records = world

    found = [[holds(filter_of(text, entity), r) for r in records[entity]] for entity, text in CASES]

    assert sum(any(each) and not all(each) for each in found) > len(CASES) * 0.8


@pytest.mark.parametrize("entity", Entity)
def test_pages_follow_the_order(world: World, entity: Entity) -> None:
    store, records = world
    filters = [None, *(text for each, text in CASES if each is entity)][:8]

    for order in ORDERS[entity]:
        for text in filters:
            tree = filter_of(text, entity) if text else None
            orders = parse_order(order, entity)
            matching = [record for record in records[entity] if tree is None or holds(tree, record)]
            listing = {"filter": tree, "order_by": orders}
            found = list(walk(store, entity, listing, 3))
            assert found == in_order(matching, orders), (text, order)


@pytest.mark.parametrize("key", ["metrics.auc", "params.lr"])
def test_a_filter_about_the_sort_key_holds_wherever_the_search_starts(world: World, key: str) -> None:
    store, records = world
    # The first ones lead to more runs than a page has, the others to the key's own rows, or to nothing.
    others = ("experiment = 'flights'", "start_time > 0", "id in (3, 5, 9)", "NOT user = 'user0'")
    tests = ("!= 0.5", "> 0", "<= 0.5", "not in (0.5, 1)", "between -1 and 0.75", "is not null", "is null")

    for other, test in product(others, tests):
        tree = filter_of(f"{key} {test} and {other}", Entity.RUN)
        matching = [record for record in records[Entity.RUN] if holds(tree, record)]
        for order in (key, f"{key} desc"):
            orders = parse_order(order, Entity.RUN)
            for limit in (1, 3, 100):
                found = list(walk(store, Entity.RUN, {"filter": tree, "order_by": orders}, limit))
                assert found == in_order(matching, orders), (tree, order, limit)


def test_no_order_is_by_id_and_of_runs_newest_first(world: World) -> None:
    store, records = world

    for entity in Entity:
        found = list(walk(store, entity, {}, 4))
        expected = [record.id for record in records[entity]]
        assert found == (expected[::-1] if entity is Entity.RUN else expected)


NAMES = {
    Entity.RUN: ["metrics.auc", "params.lr", "tags.t", "user", "outputs.tags.t", "id", "contexts.name"],
    Entity.ARTIFACT: [
        "tags.t",
        "name",
        "uri",
        "properties.p",
        "producers.params.lr",
        "size_bytes",
        "consumers.name",
    ],
}
LITERALS = {
    "number": ["0.5", "1", "-1", "inf", str(BIG), str(BIG + 1), "3"],
    "text": [
        "'a'",
        "''",
        "'0.1'",
        "'abc'",
        f"'{LONG}x'",
        f"'{HEAD}'",
        "'user0'",
        "'%'",
        "'_r%'",
        "'it''s'",
        "'x\x00y'",
        "'\uf8ff'",
    ],
}
NUMERIC = {"metrics.auc", "id", "size_bytes"}
TEXTUAL = {"user", "contexts.name", "name", "uri", "consumers.name"}


@st.composite
def conditions(draw: st.DrawFn, entity: Entity) -> str:
    """Draw a condition that parses."""
    name = draw(st.sampled_from(NAMES[entity]))
    kinds = [kind for kind, others in (("number", TEXTUAL), ("text", NUMERIC)) if name not in others]
    kind = draw(st.sampled_from(kinds))
    literals = [x for x in LITERALS[kind] if not (name in {"id", "size_bytes"} and x in {"0.5", "inf"})]
    literal = st.sampled_from(literals)
    shapes = [
        f"{name} is null",
        f"{name} in ({draw(literal)}, {draw(literal)})",
        f"{name} not in ({draw(literal)})",
    ]
    shapes.append(f"{name} not between {draw(literal)} and {draw(literal)}")
    shapes += [f"{name} {operator} {draw(literal)}" for operator in ("=", "!=", "<", "<=", ">", ">=")]
    if kind == "text":
        shapes += [f"{name} {operator} {draw(literal)}" for operator in ("like", "not like", "ilike")]
    return draw(st.sampled_from(shapes))


def trees(entity: Entity) -> st.SearchStrategy[str]:
    """Draw a filter."""
    return st.recursive(
        conditions(entity),
        lambda inner: (
            inner.map(lambda text: f"not ({text})")
            | st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' and '.join(parts)})")
            | st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' or '.join(parts)})")
        ),
        max_leaves=8,
    )


@pytest.mark.parametrize("entity", NAMES)
def test_any_filter_selects_what_it_says(world: World, entity: Entity) -> None:
    store, records = world

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(trees(entity), st.sampled_from(["id", *ORDERS[entity]]))
    def check(text: str, order: str) -> None:
        tree, orders = filter_of(text, entity), parse_order(order, entity)
        expected = in_order([record for record in records[entity] if holds(tree, record)], orders)
        assert list(walk(store, entity, {"filter": tree, "order_by": orders}, 7)) == expected

    check()


INJECTIONS = [
    "'",
    '"',
    "`",
    "\\",
    "%s",
    "?",
    ":x",
    "'; DROP TABLE run; --",
    "') OR 1=1 --",
    "{x}",
    "%(x)s",
    "\x00",
    "|",
    "%",
    "\n",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_reaches_the_statement(store: Store, text: str) -> None:
    run = start_run(store, tags={text: text}, name=text)
    start_run(store, tags={"other": "x"}, name="other")
    quoted, named = text.replace("'", "''"), text.replace("`", "``")

    for condition in (
        f"tags.`{named}` = '{quoted}'",
        f"name = '{quoted}'",
        f"name in ('{quoted}')",
        f"tags.`{named}` like '{quoted.replace('%', '_')}'",
    ):
        assert ids(store, Entity.RUN, parse_filter(condition, Entity.RUN)) == [run.id]
    assert ids(store, Entity.RUN, None, f"tags.`{named}` desc, metrics.`{named}`")[0] == run.id


LIMITS = {
    "conditions": " or ".join(f"params.p{n} = {n}" for n in range(250)),
    "all-conditions": " and ".join(f"metrics.m{n} is null" for n in range(250)),
    "related": " and ".join(f"not inputs.tags.t = {n}" for n in range(250)),
    "values": f"tags.t in ({', '.join(repr(str(n)) for n in range(5000))}, {', '.join('1' * 5000)})",
    "pattern": f"name not like '{'%|a_' * 2500}'",
    "wide-pattern": f"name not like '{'𝒳' * 10_000}'",
    "long-text": f"tags.t != '{'x' * 99_000}'",
}


@pytest.mark.parametrize("text", LIMITS.values(), ids=LIMITS)
def test_the_largest_filters_run(store: Store, text: str) -> None:
    start_run(store)

    assert len(ids(store, Entity.RUN, parse_filter(text, Entity.RUN))) <= 1


DEEPEST = ["outputs.tags.t not between 'a' and 'b'", f"tags.t not in (1, {BIG}, 'a', true)"]


@pytest.mark.parametrize("leaf", DEEPEST, ids=["related", "list"])
def test_the_deepest_filters_run(store: Store, leaf: str) -> None:
    start_run(store)
    text = leaf
    for turn in range(12):
        text = f"(id = 0 {'or' if turn % 2 else 'and'} {text})"
    with pytest.raises(FilterError):
        parse_filter(f"(id > 0 and {text})", Entity.RUN)

    tree = parse_filter(text, Entity.RUN)

    assert len(ids(store, Entity.RUN, tree, "tags.a, tags.b desc, user")) <= 1


def test_sixteen_keys_sort(world: World) -> None:
    store, records = world
    orders = parse_order(", ".join(f"tags.t{n}" for n in range(14)) + ", tags.t, metrics.auc", Entity.RUN)

    found = list(walk(store, Entity.RUN, {"order_by": orders}, 5))

    assert found == in_order(records[Entity.RUN], orders)


def test_deleted_nodes_are_left_out_unless_asked_for(store: Store) -> None:
    first, second = add_artifacts(store, 2)
    store.artifacts.delete([first])

    assert ids(store, Entity.ARTIFACT, None) == [second]
    assert ids(store, Entity.ARTIFACT, None, with_deleted=True) == [first, second]
    assert ids(store, Entity.ARTIFACT, parse_filter(f"id = {first}", Entity.ARTIFACT)) == []


def test_paging_is_stable_while_others_insert(store: Store) -> None:
    runs = [start_run(store) for _ in range(6)]
    for place, run in enumerate(runs[:4]):
        append(store, run.id, [(0, 0, place / 10)])
    orders = parse_order("metrics.auc desc", Entity.RUN)
    pages = walk(store, Entity.RUN, {"order_by": orders}, 2)
    found = [next(pages), next(pages)]

    late = start_run(store)
    append(store, late.id, [(0, 0, 0.9)])
    missing = start_run(store)

    found += pages
    assert found == [*(run.id for run in reversed(runs[:4])), missing.id, runs[5].id, runs[4].id]


@pytest.mark.parametrize(
    "change",
    [{"order_by": ()}, {"filter": None}, {"with_deleted": True}],
    ids=["order", "filter", "deleted"],
)
def test_a_token_goes_with_its_query(store: Store, change: dict[str, Any]) -> None:
    add_artifacts(store, 3)
    listing: dict[str, Any] = {
        "filter": parse_filter("id > 0", Entity.ARTIFACT),
        "order_by": parse_order("id desc", Entity.ARTIFACT),
    }
    token = store.artifacts.page(Listing(**listing, limit=1)).next_token

    with pytest.raises(InvalidError, match="another filter or order"):
        store.artifacts.page(Listing(**{**listing, **change}, limit=1, page_token=token))


@pytest.mark.parametrize(
    "token", ["", "x", "é", "bm9wZQ", "W10", "WyJhIl0", "eyJhIjoxfQ", "W1tbW1tbW1tb" * 9999], ids=range(8)
)
def test_a_malformed_token_is_refused(store: Store, token: str) -> None:
    with pytest.raises(InvalidError, match="token"):
        store.artifacts.page(Listing(page_token=token))


@given(values=st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_forged_token_is_no_database_error(store: Store, values: list[Any]) -> None:
    import base64
    import json

    if not store.artifacts.page(Listing(limit=1)).items:
        add_artifacts(store, 2)
    orders = parse_order("tags.t", Entity.ARTIFACT)
    token = store.artifacts.page(Listing(order_by=orders, limit=1)).next_token
    assert token is not None
    digest = json.loads(base64.urlsafe_b64decode(token + "=="))[0]
    forged = base64.urlsafe_b64encode(json.dumps([digest, *values]).encode()).decode()

    try:
        store.artifacts.page(Listing(order_by=orders, page_token=forged))
    except InvalidError as error:
        assert "token" in str(error)  # noqa: PT017


@pytest.mark.parametrize("limit", [0, -1, 1_000_001])
def test_a_senseless_limit_is_refused(store: Store, limit: int) -> None:
    with pytest.raises(InvalidError):
        store.artifacts.page(Listing(limit=limit))


def test_path_is_that_of_the_edge_and_not_of_the_node(store):
    train, test = start_run(store), start_run(store)
    (data,) = add_artifacts(store, 1)
    for run, name in ((train, "train"), (test, 'te"st_%')):
        event = Event(artifact_id=data, execution_id=run.id, type=EventType.INPUT, path=(name, "more"))
        store.links.add_events([event])

    def runs(text):
        return ids(store, Entity.RUN, filter_of(text))

    assert runs("""inputs.path = '["train", "more"]'""") == [train.id]
    assert runs("""inputs.path != '["train", "more"]'""") == [test.id]
    assert runs("""inputs.path like '["tr%'""") == [train.id]
    assert sorted(runs("inputs.path is not null")) == [train.id, test.id]
    assert runs("outputs.path is not null") == []
    assert ids(store, Entity.ARTIFACT, filter_of("consumers.path like '%rain%'", Entity.ARTIFACT)) == [data]


def test_what_was_deleted_can_be_asked_for(store, clock):
    kept, gone = start_run(store), start_run(store)
    store.executions.delete([gone.id])

    tree = filter_of("deleted_time is not null")

    assert ids(store, Entity.RUN, tree) == []
    assert ids(store, Entity.RUN, tree, with_deleted=True) == [gone.id]
    assert ids(store, Entity.RUN, filter_of("deleted_time is null"), with_deleted=True) == [kept.id]
