"""Many nodes come in batches; an import that was killed goes on where it stopped."""

import itertools
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.compat.mlmd.importing import ImportReport, import_database, open_source
from headwater.compat.mlmd.importing.source import BATCH
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Association,
    Attribution,
    Context,
    Event,
    EventType,
    Execution,
    ExecutionState,
    ParentContext,
)
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.store import open_store
from tests.compat.mlmd.importing.large import TIME_MS, make

MANY = 62_500
"""Artifacts, so that nodes are a hundred thousand."""
PAGE = 5_000
CHILD = (sys.executable, "-m", "tests.compat.mlmd.importing.importing_child")


@pytest.mark.slow
def test_a_hundred_thousand_nodes_come_over(tmp_path: Path, store_url: str):
    make(tmp_path / "mlmd.db", artifacts=MANY)

    with open_store(store_url) as store:
        report = bring(tmp_path / "mlmd.db", store)

        check_all(store, MANY)
    assert report.is_complete
    counts = {name: (count.source, count.store) for name, count in report.tables.items() if count.source}
    assert counts == {
        "Type": (3, 3),
        "TypeProperty": (2, 2),
        "Artifact": (MANY, MANY),
        "ArtifactProperty": (4 * MANY, 4 * MANY),
        "Execution": (MANY // 2, MANY // 2),
        "Context": (MANY // 10, MANY // 10),
        "ContextProperty": (MANY // 10, MANY // 10),
        "Event": (MANY, MANY),
        "EventPath": (MANY, MANY),
        "Attribution": (MANY, MANY),
        "Association": (MANY // 2, MANY // 2),
        "ParentContext": (MANY // 10 - 1, MANY // 10 - 1),
    }


def test_an_import_needs_the_memory_of_a_batch(tmp_path: Path):
    source = tmp_path / "mlmd.db"
    make(source, artifacts=4_000)

    by_batches = peak_bytes(source, tmp_path / "a.db", batch=100)
    at_once = peak_bytes(source, tmp_path / "b.db", batch=BATCH)

    assert 4 * by_batches < at_once


KILLS = [
    ("check Artifact", 1, 0),
    ("import Artifact", 2, 0),
    ("import Execution", 1, 3),
    ("import Event", 2, 2),
    ("import Attribution", 1, 1),
    ("count Event", 1, 0),
]
"""After which batch of which step, and how many milliseconds later: in the middle of what comes next."""


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_ends_equal(tmp_path: Path, store_url: str):
    source = tmp_path / "mlmd.db"
    make(source, artifacts=2_000)

    codes = [
        subprocess.run(
            [*CHILD, source, store_url, "100", *map(str, kill)], check=False, timeout=100
        ).returncode
        for kill in KILLS
    ]
    with open_store(store_url) as store:
        between = store.upkeep.facts().counts
        report = bring(source, store)
        check_all(store, 2_000)
        assert store.upkeep.check(silent_since_ms=0, is_deep=True) == []

    assert codes == [-9] * len(KILLS)
    assert (between["artifact"], between["event"]) == (2_000, 2_000)
    assert report.is_complete


@pytest.mark.parametrize(("kill", "least"), [(("check Artifact", 3, 0), 0), (("import Artifact", 2, 4), 200)])
def test_what_a_killed_import_wrote_is_whole_and_is_not_written_again(
    tmp_path: Path, store_url: str, kill: tuple[str, int, int], least: int
):
    source = tmp_path / "mlmd.db"
    make(source, artifacts=2_000)

    subprocess.run([*CHILD, source, store_url, "100", *map(str, kill)], check=False, timeout=100)
    with open_store(store_url) as store:
        stored = store.upkeep.facts().counts["artifact"]
        assert [*nodes_of(store.artifacts)] == [artifact(i) for i in range(1, stored + 1)]
        report = bring(source, store)

    assert least <= stored < 2_000
    assert stored % 100 == 0
    assert (report.is_complete, report.tables["Artifact"].added) == (True, 2_000 - stored)


def bring(source: Path, store: Store, *, batch: int = BATCH) -> ImportReport:
    """Import a database."""
    with open_source(str(source), batch=batch) as opened:
        return import_database(opened, store)


def peak_bytes(source: Path, target: Path, *, batch: int) -> int:
    """The most that Python held while it imported a database."""
    with open_store(f"sqlite:///{target}") as store:
        tracemalloc.start()
        try:
            bring(source, store, batch=batch)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def check_all(store: Store, artifacts: int) -> None:
    """Compare each node and each edge with what `large.make` put in."""
    for part, make_node, count in (
        (store.artifacts, artifact, artifacts),
        (store.executions, execution, artifacts // 2),
        (store.contexts, context, artifacts // 10),
    ):
        assert_same(nodes_of(part), map(make_node, range(1, count + 1)))
    links = store.links
    executions, contexts = range(1, artifacts // 2 + 1), range(1, artifacts // 10 + 1)
    assert_same(
        edges_of(links.events_of_executions, executions),
        (event(i) for each in executions for i in (2 * each - 1, 2 * each)),
    )
    assert_same(
        edges_of(links.artifacts_of_contexts, contexts),
        (Attribution((i + 9) // 10, i) for i in range(1, artifacts + 1)),
    )
    assert_same(
        edges_of(links.executions_of_contexts, contexts),
        (Association((2 * i + 9) // 10, i) for i in executions),
    )
    assert_same(edges_of(links.parents, contexts), (ParentContext(i, 1) for i in contexts if i > 1))


def assert_same(found: Iterator[Any], wanted: Iterator[Any]) -> None:
    """Compare without having all in memory, or in the message of a failure."""
    for one, other in itertools.zip_longest(found, wanted):
        assert one == other


def nodes_of(part: Any) -> Iterator[Any]:
    """All nodes of one kind, by id."""
    token = None
    while True:
        page = part.page(Listing(limit=PAGE, page_token=token))
        yield from page.items
        token = page.next_token
        if token is None:
            return


def edges_of(read: Callable[[Any], Any], ids: range) -> Iterator[Any]:
    """The edges of many nodes."""
    for start in range(0, len(ids), PAGE):
        yield from read([*ids[start : start + PAGE]])


def artifact(i: int) -> Artifact:
    """The artifact that was put in."""
    return Artifact(
        id=i,
        type_id=10,
        type_name="Table",
        uri=f"s3:{i}",
        state=ArtifactState.LIVE,
        name=f"a{i}",
        external_id=f"x{i}",
        properties={"rate": i / 8, "rows": i},
        custom_properties={"flag": i % 2 == 1, "text": f"text{i}"},
        created_ms=TIME_MS + i,
        updated_ms=TIME_MS + i,
    )


def execution(i: int) -> Execution:
    """The execution that was put in with the second of its two artifacts."""
    made_ms = TIME_MS + 2 * i
    return Execution(
        id=i,
        type_id=11,
        type_name="Step",
        state=ExecutionState.COMPLETE,
        created_ms=made_ms,
        updated_ms=made_ms,
    )


def context(i: int) -> Context:
    """The context that was put in."""
    return Context(
        id=i,
        type_id=12,
        type_name="Group",
        name=f"c{i}",
        custom_properties={"n": i},
        created_ms=TIME_MS + i,
        updated_ms=TIME_MS + i,
    )


def event(i: int) -> Event:
    """The event of an artifact."""
    return Event(
        artifact_id=i, execution_id=(i + 1) // 2, type=EventType.OUTPUT, path=("out",), time_ms=TIME_MS + i
    )
