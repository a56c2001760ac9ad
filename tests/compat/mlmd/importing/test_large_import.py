"""Many nodes come in batches; an import that was killed goes on where it stopped."""

import subprocess
import sys
from pathlib import Path

import pytest

from headwater.compat.mlmd.importing import ImportReport, import_database, open_source
from headwater.model.ids import ArtifactId
from headwater.model.lineage import Walk
from headwater.store import open_store
from tests.compat.mlmd.importing.large import TIME_MS, make

MANY = 66_000


@pytest.mark.slow
def test_a_hundred_thousand_nodes_come_over(tmp_path: Path, store_url: str):
    make(tmp_path / "mlmd.db", artifacts=MANY)

    report = bring(tmp_path / "mlmd.db", store_url)

    assert report.is_complete
    counts = {name: (count.source, count.store) for name, count in report.tables.items() if count.source}
    assert counts == {
        "Type": (3, 3),
        "TypeProperty": (2, 2),
        "Artifact": (MANY, MANY),
        "ArtifactProperty": (4 * MANY, 4 * MANY),
        "Execution": (MANY // 2, MANY // 2),
        "Context": (1, 1),
        "Event": (MANY, MANY),
        "EventPath": (MANY, MANY),
        "Attribution": (MANY, MANY),
    }
    with open_store(store_url) as store:
        [last] = store.artifacts.get([MANY])
        assert (last.name, last.external_id, last.uri) == (f"a{MANY}", f"x{MANY}", f"s3:{MANY}")
        assert last.properties == {"rows": MANY, "rate": MANY / 8}
        assert last.custom_properties == {"text": f"text{MANY}", "flag": False}
        assert (last.created_ms, last.updated_ms) == (TIME_MS + MANY, TIME_MS + MANY)
        reached = store.lineage.walk(Walk(artifacts=(ArtifactId(MANY),)))
        assert [each.id for each in reached.executions] == [MANY // 2]


@pytest.mark.parametrize(
    ("step", "batches"),
    [("check Artifact", 1), ("import Artifact", 2), ("import Event", 1), ("count Event", 1)],
    ids=["checking", "nodes", "edges", "counting"],
)
def test_a_killed_import_is_run_again(tmp_path: Path, store_url: str, step: str, batches: int):
    source = tmp_path / "mlmd.db"
    make(source, artifacts=12_000)
    child = [
        sys.executable,
        "-m",
        "tests.compat.mlmd.importing.importing_child",
        str(source),
        store_url,
        step,
    ]

    done = subprocess.run([*child, str(batches)], check=False, timeout=100)
    between = open_store(store_url)
    with between:
        stored = between.upkeep.facts().counts["artifact"]
    report = bring(source, store_url)

    assert done.returncode == -9
    assert stored == {"check Artifact": 0, "import Artifact": 10_000}.get(step, 12_000)
    assert report.is_complete
    assert report.tables["Artifact"].added == 12_000 - stored


def bring(source: Path, url: str) -> ImportReport:
    """Import a database."""
    with open_source(str(source)) as opened, open_store(url) as store:
        return import_database(opened, store)
