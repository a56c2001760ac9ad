"""A store is written as a file that the original library opens, and what it cannot say is counted."""

import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.compat.mlmd.exporting import export_database
from headwater.compat.mlmd.exporting import report as words
from headwater.compat.mlmd.importing import import_database, open_source
from headwater.compat.mlmd.service import MetadataService
from headwater.errors import RefusedError, UnavailableError
from headwater.model.graph import ArtifactState, NewArtifact, NewExecution, NewType, NodeKind
from headwater.model.protocols import Store
from headwater.model.values import ProtoValue, ValueKind
from headwater.sdk import Client
from headwater.store import open_store
from tests.compat.mlmd.importing.originals import asked, everything, requests
from tests.compat.mlmd.peer import Original

TEXTS = st.text(max_size=8).filter(lambda text: text.isprintable())
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False).map(lambda value: value + 0.0),
    TEXTS,
    st.booleans(),
    st.dictionaries(TEXTS, JSON, max_size=3),
    st.builds(ProtoValue, TEXTS.filter(bool), st.binary(max_size=8)),
)


@pytest.fixture
def filled() -> Any:
    """A store that MLMD's calls have filled."""
    with open_store("memory://") as store:
        for method, request in requests():
            MetadataService(store).call(method, request)
        yield store


def test_the_original_reads_back_what_clients_see(filled: Store, original: Original, tmp_path: Path):
    report = export_database(filled, tmp_path / "out.db")

    original.open(tmp_path / "out.db")
    theirs = everything(asked(original))
    original.open()
    assert theirs == everything(MetadataService(filled).call)
    assert (+report.altered, +report.left_out) == ({}, {})


def test_tables_and_indexes_are_the_originals(filled: Store, original: Original, tmp_path: Path):
    original.open(tmp_path / "theirs.db")
    original.open()
    export_database(filled, tmp_path / "ours.db")

    assert structure(tmp_path / "ours.db") == structure(tmp_path / "theirs.db")


def test_an_import_of_an_export_is_the_store(filled: Store, tmp_path: Path):
    export_database(filled, tmp_path / "out.db")

    with open_store("memory://") as again, open_source(str(tmp_path / "out.db")) as source:
        assert import_database(source, again).is_complete

        assert graph_of(again) == graph_of(filled)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(TEXTS.filter(bool), VALUES, max_size=4))
def test_values_survive_an_export_and_an_import(tmp_path: Path, values: dict[str, Any]):
    file = tmp_path / "out.db"
    file.unlink(missing_ok=True)
    with open_store("memory://") as store, open_store("memory://") as again:
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        store.artifacts.add([NewArtifact(type_id=kind, custom_properties=values, state=ArtifactState.LIVE)])

        export_database(store, file)
        with open_source(str(file)) as source:
            import_database(source, again)

        assert graph_of(again) == graph_of(store)


def test_not_a_number_and_infinity_are_read_by_the_original(original: Original, tmp_path: Path):
    values = {"nan": math.nan, "inf": math.inf, "minus": -math.inf, "digits": 0.1234567890123456}
    with open_store("memory://") as store:
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        store.artifacts.add([NewArtifact(type_id=kind, custom_properties=values)])
        report = export_database(store, tmp_path / "out.db")

    original.open(tmp_path / "out.db")
    read = everything(asked(original), {"Artifact": 1, "Execution": 0, "Context": 0})["Artifacts"][1]
    original.open()
    assert [
        word in read for word in ("nan", "double_value: inf", "double_value: -inf", "0.123456789012346")
    ] == [True] * 4
    assert +report.altered == {words.DIGITS: 1}


def test_what_cannot_be_said_is_counted(original: Original, tmp_path: Path):
    deep: Any = {}
    for _ in range(200):
        deep = {"k": deep}
    values = {
        "bytes": b"\x00",
        "list": [1, "a"],
        "nul": "a\x00b",
        "half": "\ud800",
        "null": "__MLMD_NULL__",
        "struct": "mlmd-struct::x",
        "any": ProtoValue("", b"x"),
        "deep": deep,
        "zero": -0.0,
        "numbers": {"k": [2**53 + 1, 10**400]},
    }
    with open_store("memory://") as store:
        kinds = store.types.put(
            [
                NewType(kind=NodeKind.ARTIFACT, name="Base", properties={"b": ValueKind.BYTES}),
                NewType(kind=NodeKind.ARTIFACT, name="T", base_type="Base"),
                NewType(kind=NodeKind.EXECUTION, name="E"),
            ]
        )
        new = NewArtifact(type_id=kinds[1], custom_properties=values, digest="d", size_bytes=1)
        store.artifacts.add([new, NewArtifact(type_id=kinds[1])])
        store.artifacts.delete([2])
        store.executions.add([NewExecution(type_id=kinds[2], params={"lr": 1, "depth": 2})])
        report = export_database(store, tmp_path / "out.db")

    original.open(tmp_path / "out.db")
    seen = everything(asked(original), {"Artifact": 2, "Execution": 1, "Context": 0})
    original.open()
    assert +report.altered == {
        words.BYTES: 1,
        words.LISTS: 1,
        words.NUL: 1,
        words.NOT_UNICODE: 1,
        words.NEGATIVE_ZERO: 1,
        words.NUMBERS: 2,
        words.DELETED: 1,
    }
    assert +report.left_out == {
        words.MARKED: 2,
        words.NO_URL: 1,
        words.TOO_DEEP: 1,
        words.CONTENT: 1,
        words.PARAMS: 2,
        words.BASES: 1,
    }
    assert [*seen["Artifacts"]] == [1, 2]
    assert [name in seen["Artifacts"][1] for name in ("BytesValue", "ListValue", "ud800", '"null"')] == [
        True,
        True,
        True,
        False,
    ]


def test_runs_and_versions_are_counted_as_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Client(url, actor="ann@desk") as client, client.run("exp", params={"lr": 1}, capture=False) as run:
        run.log_metric("auc", 0.5)
    with open_store(url) as store:
        report = export_database(store, tmp_path / "out.db")

    lost = {what.partition(":")[0].partition(" of ")[0]: count for what, count in (+report.left_out).items()}
    assert lost == {"params": 1, "runs": 1, "metrics": 1}


def test_a_file_that_is_there_stays(filled: Store, tmp_path: Path):
    file = tmp_path / "out.db"
    file.write_text("mine")

    with pytest.raises(RefusedError, match="is there already"):
        export_database(filled, file)

    assert file.read_text() == "mine"
    assert [*tmp_path.iterdir()] == [file]


def test_an_export_that_is_interrupted_leaves_nothing(filled: Store, tmp_path: Path):
    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_database(filled, tmp_path / "out.db", watch=interrupt)

    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there_is_told(filled: Store, tmp_path: Path):
    with pytest.raises(UnavailableError, match="cannot be written"):
        export_database(filled, tmp_path / "nowhere" / "out.db")


def test_an_exported_file_goes_on_with_the_original(filled: Store, original: Original, tmp_path: Path):
    export_database(filled, tmp_path / "out.db")
    shutil.copyfile(tmp_path / "out.db", tmp_path / "copy.db")
    original.open(tmp_path / "copy.db")
    method, request = requests()[1]
    request.artifacts[0].name, request.artifacts[0].external_id = "another", "another"

    answer = original.call(method, request)

    original.open()
    assert (answer.code, [*answer.response.artifact_ids]) == (0, [5])


def graph_of(store: Store) -> list[Any]:
    """All nodes, edges and types of a store."""
    nodes = [[*part.page().items] for part in (store.artifacts, store.executions, store.contexts)]
    executions, contexts = ([each.id for each in part] for part in nodes[1:])
    links = store.links
    edges = [links.events_of_executions(executions), links.contexts_of_executions(executions)]
    edges += [links.artifacts_of_contexts(contexts), links.parents(contexts)]
    return [*nodes, *edges, *(store.types.all(kind) for kind in NodeKind)]


def structure(file: Path) -> dict[str, Any]:
    """Columns, keys and indexes of all tables."""
    found: dict[str, Any] = {}
    with closing(sqlite3.connect(file)) as conn:
        for name, kind in conn.execute("SELECT name, type FROM sqlite_master").fetchall():
            if kind == "table":
                found[name] = conn.execute(f"PRAGMA table_info(`{name}`)").fetchall()
                for index in conn.execute(f"PRAGMA index_list(`{name}`)").fetchall():
                    columns = conn.execute(f"PRAGMA index_info(`{index[1]}`)").fetchall()
                    found[index[1]] = (name, *index[2:], columns)
        found["partial"] = sorted(
            sql.partition("WHERE")[2]
            for (sql,) in conn.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            )
        )
        found["version"] = conn.execute("SELECT * FROM MLMDEnv").fetchall()
    return found
