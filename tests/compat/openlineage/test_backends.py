"""Events of one run that come to several servers at once, on every database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from headwater.compat.openlineage import OpenLineage
from headwater.fingerprints import state_of_uri
from headwater.model.graph import ExecutionState, NodeKind
from headwater.store import open_store
from tests.compat.openlineage.story import data, happened, run_id

SERVERS = 4


def names_of(node):
    """Return the names of a node's facets."""
    return {*node.properties["facets"]}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mysql"])
def test_events_that_come_at_once_all_count(backend, request, tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if backend != "sqlite":
        url = request.getfixturevalue(f"fresh_{backend}_url")()
    parent = {"parent": {"run": {"runId": run_id(9)}, "job": {"namespace": "airflow", "name": "daily"}}}
    events = [
        happened(
            "START" if minute % 2 else "OTHER",
            minute,
            inputs=data(f"in-{minute}", "shared", schema={}),
            outputs=data("out", **{f"f{minute}": {}}),
            facets={f"f{minute}": {}, **parent},
            of_job={f"f{minute}": {}},
        )
        for minute in range(12)
    ]
    state = {"version": {"datasetVersion": "v12"}}
    events += [
        happened(
            "COMPLETE",
            40,
            run=100 + number,
            job="clean",
            inputs=data("raw", **state, **{f"g{number}": {}}),
            of_job={f"g{number}": {}},
        )
        for number in range(12)
    ]
    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(url)) for _ in range(SERVERS)]
        doors = [OpenLineage(store, state_of_uri) for store in stores]
        with ThreadPoolExecutor(SERVERS) as pool:
            sent = [pool.submit(doors[i % SERVERS].receive, event) for i, event in enumerate(events * 2)]
            for each in sent:
                each.result()
        doors[0].receive(happened("COMPLETE", 30))

        store = stores[1]
        [run] = store.executions.by_external_ids([f"openlineage:{run_id(1)}"])
        edges = store.links.events_of_executions([run.id])

        assert run.state is ExecutionState.COMPLETE
        assert names_of(run) == {f"f{minute}" for minute in range(12)} | {"parent"}
        assert sorted(edge.path[0] for edge in edges) == sorted(
            f"s3://lake/{name}" for name in ("out", "shared", *(f"in-{minute}" for minute in range(12)))
        )
        written = store.data.version("s3://lake/out")
        assert names_of(written) == {f"f{minute}" for minute in range(12)}
        types = {each.name: each.id for each in store.types.all(NodeKind.CONTEXT)}
        job = store.contexts.find(types["openlineage.Job"], "airflow/features")
        assert names_of(job) == {f"f{minute}" for minute in range(12)}
        of_others = {f"g{number}" for number in range(12)}
        assert names_of(store.contexts.find(types["openlineage.Job"], "airflow/clean")) == of_others
        assert names_of(store.data.version("s3://lake/raw")) == of_others | {"version"}
