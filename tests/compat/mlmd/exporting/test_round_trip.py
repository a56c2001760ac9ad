"""An import of an export is the store, for all that ML Metadata can say."""

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.compat.mlmd.exporting import export_database
from headwater.compat.mlmd.importing import import_database, open_source
from headwater.compat.mlmd.service import MetadataService
from headwater.model.graph import ArtifactState, NewArtifact, NewType, NodeKind
from headwater.model.protocols import Store
from headwater.store import open_store
from tests.compat.mlmd.exporting.populations import NAMES, VALUES, Population, populations
from tests.compat.mlmd.importing.originals import requests

LAW = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_what_mlmds_calls_made_comes_back(tmp_path: Path):
    with open_store("memory://") as store:
        for method, request in requests():
            MetadataService(store).call(method, request)

        assert_comes_back(store, tmp_path)


@settings(LAW, max_examples=15)
@given(values=st.dictionaries(NAMES, VALUES, max_size=4))
def test_values_come_back(tmp_path: Path, values: dict[str, Any]):
    with open_store("memory://") as store:
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        store.artifacts.add([NewArtifact(type_id=kind, custom_properties=values, state=ArtifactState.LIVE)])

        assert_comes_back(store, tmp_path)


@settings(LAW, max_examples=40)
@given(population=populations())
def test_populations_come_back(tmp_path: Path, population: Population):
    with open_store("memory://") as store:
        population.put_into(store)
        found = graph_of(store)
        assert [*found.values()][:3] == [population.nodes[kind] for kind in (1, 0, 2)]
        assert [len(found[name]) for name in ("events", "parents")] == [
            len(population.events),
            len(population.parents),
        ]

        assert_comes_back(store, tmp_path)


def assert_comes_back(store: Store, folder: Path) -> None:
    """Export a store, import the file, and compare."""
    file = folder / "out.db"
    file.unlink(missing_ok=True)
    report = export_database(store, file)
    assert not +report.left_out
    with open_store("memory://") as again, open_source(str(file)) as source:
        assert import_database(source, again).is_complete

        assert graph_of(again) == graph_of(store)


def graph_of(store: Store) -> dict[str, Any]:
    """All nodes, edges and types of a store."""
    parts = {"artifacts": store.artifacts, "executions": store.executions, "contexts": store.contexts}
    nodes = {name: [*part.page().items] for name, part in parts.items()}
    executions, contexts = ([each.id for each in nodes[name]] for name in ("executions", "contexts"))
    links = store.links
    return {
        **nodes,
        "events": links.events_of_executions(executions),
        "associations": links.contexts_of_executions(executions),
        "attributions": links.artifacts_of_contexts(contexts),
        "parents": links.parents(contexts),
        **{kind.name: store.types.all(kind) for kind in NodeKind},
    }
