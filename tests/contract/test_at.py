"""The store as it was: every read sees what was stored by a moment."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import NotFoundError, RefusedError
from headwater.model.data import NewDataVersion
from headwater.model.filters import Comparison, Entity, Field, Operator, Scope
from headwater.model.graph import Association, Attribution, EventType, NodeKind
from headwater.model.lineage import Direction, Walk
from headwater.model.listing import Listing
from headwater.model.runs import RunChange, RunStatus
from headwater.query.parse import parse_filter
from tests.contract.builders import (
    START_MS,
    Clock,
    add_artifacts,
    add_contexts,
    add_executions,
    add_versions,
    append,
    event,
    move,
    roll_back,
    start_run,
)

LONG_AGO = START_MS - 1


def stage_of(store, version):
    return store.models.version("m", version).stage


def test_nodes_appear_when_they_were_stored_and_go_when_they_were_deleted(api, store, clock):
    node = api.add("node")
    before = clock.tick() - 1
    api.nodes.delete([node])
    clock.tick()

    past = {t: getattr(store.at(t), f"{api.kind.name.lower()}s") for t in (LONG_AGO, before, clock.now_ms)}

    assert api.nodes.page().items == ()
    assert past[LONG_AGO].get([node]) == []
    assert [n.deleted_ms for n in past[before].page().items] == [None]
    assert past[clock.now_ms].page().items == ()
    assert past[clock.now_ms].get([node])[0].deleted_ms == before + 1


def test_edges_and_walks_are_those_of_then(store, clock):
    (raw, made), [work] = add_artifacts(store, 2), add_executions(store)
    [context] = add_contexts(store, "g")
    store.links.add_events([event(made, work, EventType.OUTPUT)])
    before = clock.tick() - 1
    store.links.add_events([event(raw, work)])
    store.links.add_memberships([Attribution(context, raw)], [Association(context, work)])

    past = store.at(before)
    walk = Walk(artifacts=(made,), direction=Direction.UPSTREAM)

    assert {*past.lineage.reach(walk).artifacts} == {made}
    assert {*store.lineage.reach(walk).artifacts} == {made, raw}
    assert [a.id for a in past.lineage.walk(walk).artifacts] == [made]
    assert past.lineage.path((NodeKind.ARTIFACT, made), (NodeKind.ARTIFACT, raw)) is None
    assert past.links.contexts_of_artifacts([raw]) == []
    assert past.links.executions_of_contexts([context]) == []
    assert len(past.links.events_of_executions([work])) == 1


def test_stages_and_aliases_are_those_of_then(store, clock):
    add_versions(store, number=2)
    move(store, 1, "production")
    store.models.set_alias("m", "champion", 1, actor="a", reason="")
    first = clock.tick() - 1
    move(store, 2, "production")
    store.models.set_alias("m", "champion", 2, actor="a", reason="")
    store.models.set_alias("m", "other", 1, actor="a", reason="")
    second = clock.tick() - 1
    store.models.set_alias("m", "champion", None, actor="a", reason="")
    roll_back(store)
    clock.tick()

    past, later = store.at(first), store.at(second)

    assert (stage_of(past, 1), stage_of(past, 2)) == ("production", "none")
    assert (stage_of(later, 1), stage_of(later, 2)) == ("archived", "production")
    assert past.models.get("m").aliases == {"champion": 1}
    assert later.models.get("m").aliases == {"champion": 2, "other": 1}
    assert past.models.resolve("m", "champion").version == 1
    assert later.models.previous_holder("m", "production").version == 1
    assert past.models.previous_holder("m", "production") is None
    assert stage_of(store, 1) == "production"


def test_search_by_stage_finds_what_was_in_production_then(store, clock):
    add_versions(store, number=2)
    move(store, 1, "production")
    before = clock.tick() - 1
    move(store, 2, "production")
    in_production = Comparison(Field(Scope.ATTRIBUTE, "stage"), Operator.EQ, "production")

    found = store.at(before).models.page_versions(Listing(filter=in_production)).items

    assert [v.version for v in found] == [1]


def test_versions_of_then_are_counted_and_the_newest_is_found(store, clock):
    add_versions(store)
    store.data.add_version(NewDataVersion(name="d", digest="1", properties={}))
    before = clock.tick() - 1
    add_versions(store)
    store.data.add_version(NewDataVersion(name="d", digest="2", properties={}))

    past = store.at(before)

    assert past.models.get("m").version_count == 1
    assert past.models.resolve("m", "latest").version == 1
    assert past.data.version("d").version == 1
    assert [d.version_count for d in past.data.all()] == [1]
    assert len(past.ledger.entries()) == 1
    with pytest.raises(NotFoundError):
        store.at(LONG_AGO).models.get("m")


def test_run_that_has_ended_since_was_running_with_the_metrics_of_then(store, clock):
    run = start_run(store)
    append(store, run.id, [(1, clock.now_ms, 0.5)])
    before = clock.tick(10) - 1
    append(store, run.id, [(2, clock.now_ms, 0.7)])
    append(store, run.id, [(0, clock.now_ms, 1.0)], key="new")
    store.runs.update(
        RunChange(id=run.id, status=RunStatus.FAILED, end_ms=clock.now_ms, error="out of memory")
    )

    past = store.at(before)
    [then] = past.runs.get([run.run_id])

    assert (then.status, then.end_ms, then.error) == (RunStatus.RUNNING, None, None)
    assert {k: (m.value, m.count) for k, m in then.metrics.items()} == {"auc": (0.5, 1)}
    (points,) = past.series.last_points([then.id]).values()
    assert [(key, value) for key, _, _, value in points] == [("auc", 0.5)]
    assert past.series.keys(run.id) == ["auc"]
    assert list(past.series.read(run.id, "auc").values) == [0.5]
    assert len(past.series.buckets(run.id, "auc", count=10)) == 1
    assert [
        r.id for r in past.runs.page(Listing(filter=parse_filter("status = 'running'", Entity.RUN))).items
    ] == [run.id]
    assert store.at(LONG_AGO).runs.get([run.run_id]) == []


def test_past_is_never_written(store):
    with pytest.raises(RefusedError, match="without a moment"):
        add_versions(store.at(START_MS))

    assert store.models.page().items == ()


OPERATIONS = st.lists(
    st.one_of(
        st.just(("register",)),
        st.tuples(st.just("move"), st.integers(1, 3), st.sampled_from(["staging", "production", "archived"])),
        st.tuples(st.just("alias"), st.sampled_from(["a", "b"]), st.none() | st.integers(1, 3)),
        st.tuples(st.just("delete"), st.integers(0, 2)),
        st.tuples(st.just("log"), st.integers(0, 2)),
        st.just(("end",)),
    ),
    min_size=1,
    max_size=12,
)


def picture(store):
    """All that can be asked about the past, without what is overwritten without a decision."""
    versions = [(v.version, v.stage, v.aliases, v.deleted_ms) for v in store.models.page_versions().items]
    models = [(m.name, m.stages, m.aliases, m.version_count) for m in store.models.page().items]
    runs = [replace(r, revision=0, heartbeat_ms=None) for r in store.runs.page().items]
    return versions, models, runs, store.ledger.entries()


def perform(store, clock, run, operation):
    match operation:
        case ("register",):
            add_versions(store)
        case ("move", version, to):
            move(store, version, to)
        case ("alias", label, version):
            store.models.set_alias("m", label, version, actor="a", reason="")
        case ("delete", place):
            listed = store.models.page_versions().items
            store.artifacts.delete([listed[place % len(listed)].id])
        case ("log", value):
            append(store, run.id, [(value, clock.now_ms, value)])
        case _:
            # What ends a second time is overwritten, and the first end is not kept.
            [now] = store.runs.get([run.run_id])
            store.runs.update(
                RunChange(id=run.id, status=RunStatus.FINISHED, end_ms=now.end_ms or clock.now_ms)
            )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_each_moment_looks_later_as_it_looked_then(empty_url, open_store, operations):
    clock, seen = Clock(), {}
    with open_store(empty_url(), clock) as store:
        run = start_run(store)
        for operation in [("register",), *operations]:
            clock.tick()
            try:
                perform(store, clock, run, operation)
            except (RefusedError, NotFoundError, ZeroDivisionError):
                continue
            seen[clock.now_ms] = picture(store)

        for moment, then in seen.items():
            assert picture(store.at(moment)) == then
