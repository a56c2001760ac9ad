"""A store is written as a file that the original library opens, and what it cannot say is counted."""

import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.compat.mlmd.exporting import export_database
from headwater.compat.mlmd.exporting import report as words
from headwater.compat.mlmd.service import MetadataService
from headwater.errors import RefusedError, UnavailableError
from headwater.model.graph import NewArtifact, NewContext, NewExecution, NewType, NodeKind
from headwater.model.protocols import Store
from headwater.model.values import ProtoValue, ValueKind
from headwater.sdk import Client
from headwater.store import open_store
from tests.compat.mlmd.importing.originals import asked, everything, requests
from tests.compat.mlmd.peer import Original


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
                NewType(kind=NodeKind.CONTEXT, name="C"),
            ]
        )
        new = NewArtifact(type_id=kinds[1], custom_properties=values, digest="d", size_bytes=1)
        store.artifacts.add([new, NewArtifact(type_id=kinds[1])])
        store.artifacts.delete([2])
        store.executions.add([NewExecution(type_id=kinds[2], params={"lr": 1, "depth": 2})])
        store.executions.delete([1])
        store.contexts.add([NewContext(type_id=kinds[3], name="c")])
        store.contexts.delete([1])
        report = export_database(store, tmp_path / "out.db")

    original.open(tmp_path / "out.db")
    seen = everything(asked(original), {"Artifact": 2, "Execution": 1, "Context": 1})
    original.open()
    assert +report.altered == {
        words.BYTES: 1,
        words.LISTS: 1,
        words.NUL: 1,
        words.NOT_UNICODE: 1,
        words.NEGATIVE_ZERO: 1,
        words.NUMBERS: 2,
        words.DELETED_ARTIFACTS: 1,
        words.DELETED: 2,
    }
    assert +report.left_out == {
        words.MARKED: 2,
        words.NO_URL: 1,
        words.TOO_DEEP: 1,
        words.CONTENT: 1,
        words.PARAMS: 2,
        words.BASES: 1,
    }
    assert ([*seen["Artifacts"]], [*seen["Executions"]], [*seen["Contexts"]]) == ([1, 2], [1], [1])
    assert "state: DELETED" in seen["Artifacts"][2]
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
