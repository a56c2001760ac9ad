"""What the original library stored comes over as it was, from every schema and into every database."""

import hashlib
import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.compat.mlmd.importing import ImportReport, import_database, open_source
from headwater.compat.mlmd.importing.source import BATCH
from headwater.compat.mlmd.service import MetadataService
from headwater.errors import (
    ConflictError,
)
from headwater.model.graph import ArtifactChange, NewArtifact, NewType, NodeKind
from headwater.model.protocols import Store
from headwater.server.grpc import MlmdServer
from headwater.store import open_store
from tests.compat.mlmd.importing.originals import LAST, asked, everything, message, populate
from tests.compat.mlmd.peer import PYTHON, Original

CLIENT = Path(__file__).with_name("client.py")


def test_all_that_clients_see_is_the_same_on_every_database(original: Original, file: Path, any_url: str):
    before = digest(file)
    with open_store(any_url) as store:
        report = bring(file, store)

        assert report.is_complete
        assert everything(MetadataService(store).call) == seen_by(original, file)
        assert store.upkeep.check(silent_since_ms=0) == []
    assert digest(file) == before


def test_the_originals_client_sees_the_same_over_grpc(file: Path, store_url: str):
    with open_store(store_url) as store:
        bring(file, store)
        server = MlmdServer(store, "127.0.0.1:0", max_message_mib=16)
        server.start()
        try:
            ours, theirs = seen_by_client(str(server.port)), seen_by_client(str(file))
        finally:
            server.stop(grace_s=1)

    assert len(theirs["artifacts"]) == LAST["Artifact"]
    assert ours == theirs


@pytest.mark.parametrize("version", [9, 8, 7, 6, 5])
def test_older_schemas_come_with_what_they_have(original: Original, file: Path, store_url: str, version: int):
    # The older ones have no place for these, and would leave rows without a value.
    run_sql(file, "DELETE FROM ArtifactProperty WHERE bool_value IS NOT NULL OR proto_value IS NOT NULL")
    run_sql(file, "UPDATE Type SET name = 'Table 1' WHERE version = 'v1'")
    original.downgrade(file, version)
    with closing(sqlite3.connect(file)) as conn:
        assert conn.execute("SELECT schema_version FROM MLMDEnv").fetchall() == [(version,)]
    before = digest(file)

    with open_store(store_url) as store:
        report = bring(file, store)
        ours = everything(MetadataService(store).call)

    assert digest(file) == before
    assert (report.version, report.is_complete) == (version, True)
    original.upgrade(file)
    assert ours == seen_by(original, file)


def test_properties_without_a_value_are_told(original: Original, file: Path, store_url: str):
    original.downgrade(file, 9)

    with open_store(store_url) as store:
        report = bring(file, store)

    assert {name: count.missing for name, count in report.tables.items() if count.missing} == {
        "ArtifactProperty": 4
    }
    assert sorted(report.unreadable) == ["Artifact 1: b", "Artifact 1: b", "Artifact 1: p", "Artifact 1: p"]


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_servers_that_the_original_filled_come_over(
    original: Original, request: pytest.FixtureRequest, store_url: str, kind: str
):
    source: str = request.getfixturevalue(f"fresh_{kind}_url")()
    populate(original, source)
    wanted = everything(asked(original))
    original.open()

    with open_store(store_url) as store:
        report = bring(source, store)

        assert report.is_complete
        assert everything(MetadataService(store).call) == wanted


def test_the_originals_calls_go_on_where_the_source_ended(file: Path, store_url: str):
    with open_store(store_url) as store:
        bring(file, store)
        call = MetadataService(store).call
        new = "type_id: 10 name: 'new'"

        ids = [
            call("PutArtifacts", message("PutArtifactsRequest", f"artifacts {{ {new} }}")).artifact_ids[0],
            call(
                "PutExecutions", message("PutExecutionsRequest", "executions { type_id: 12 }")
            ).execution_ids[0],
            call(
                "PutContexts", message("PutContextsRequest", "contexts { type_id: 14 name: 'n' }")
            ).context_ids[0],
            call("PutContextType", message("PutContextTypeRequest", "context_type { name: 'N' }")).type_id,
        ]

    assert ids == [5, 3, 3, 15]


def test_a_second_import_adds_what_is_new_and_updates_what_changed(
    original: Original, file: Path, store_url: str
):
    with open_store(store_url) as store:
        bring(file, store)
        again = bring(file, store)
        assert all(count.added == count.changed == 0 for count in again.tables.values())

        original.open(file)
        for method, text in LATER:
            assert original.call(method, message(f"{method}Request", text)).code == 0
        last = {"Artifact": 5, "Execution": 3, "Context": 3}
        wanted = everything(asked(original), last)
        original.open()
        report = bring(file, store)

        assert everything(MetadataService(store).call, last) == wanted
    done = {
        name: (count.added, count.changed)
        for name, count in report.tables.items()
        if count.added + count.changed
    }
    assert done == {
        "Type": (1, 1),
        "Artifact": (1, 1),
        "Execution": (1, 0),
        "Context": (1, 1),
        "Event": (1, 0),
        "Attribution": (1, 0),
        "ParentContext": (1, 0),
    }


LATER = [
    (
        "PutTypes",
        """can_add_fields: true can_omit_fields: true execution_types { name: 'New' }
        execution_types { name: 'Plain' properties { key: 'more' value: STRING } }""",
    ),
    (
        "PutArtifacts",
        """artifacts { id: 1 type_id: 10 state: DELETED
        custom_properties { key: 'now' value { int_value: 1 } } }""",
    ),
    # Its name goes from one context to a new one.
    ("PutContexts", "contexts { id: 2 type_id: 14 name: 'renamed' }"),
    ("PutContexts", "contexts { type_id: 14 name: 'all' external_id: 'c9' }"),
    ("PutArtifacts", "artifacts { type_id: 11 name: 'late' external_id: 'a1' }"),
    ("PutExecutions", "executions { type_id: 13 properties { key: 'i' value { int_value: 2 } } }"),
    ("PutEvents", "events { artifact_id: 5 execution_id: 3 type: OUTPUT path { steps { key: 'o' } } }"),
    ("PutAttributionsAndAssociations", "attributions { artifact_id: 5 context_id: 3 }"),
    ("PutParentContexts", "parent_contexts { child_id: 3 parent_id: 2 }"),
]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_names_and_external_ids_may_be_passed_round(
    file: Path, request: pytest.FixtureRequest, store_url: str, kind: str
):
    url = store_url if kind == "sqlite" else request.getfixturevalue(f"fresh_{kind}_url")()
    contexts = [(i, 14, f"n{i}", f"x{i}", 5, 5) for i in range(11, 20)]
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.executemany("INSERT INTO Context VALUES (?, ?, ?, ?, ?, ?)", contexts)
    passed = {11: 19, 19: 14, 14: 11, 12: 13, 13: 12, 15: 16, 16: 17}
    with open_store(url) as store:
        bring(file, store, batch=2)
        # 17 gives its name to 16 and takes a new one, and so does its external id, which goes round.
        for i, other in {**passed, 17: 99}.items():
            run_sql(file, f"UPDATE Context SET name = 'new{other}', external_id = NULL WHERE id = {i}")
        for i, other in {**passed, 17: 99}.items():
            run_sql(
                file,
                f"UPDATE Context SET name = 'n{other}', external_id = 'x{15 if other == 99 else other}', "
                f"last_update_time_since_epoch = 6 WHERE id = {i}",
            )

        report = bring(file, store, batch=2)

        found = {each.id: (each.name, each.external_id) for each in store.contexts.get([*range(11, 20)])}
    assert report.is_complete
    assert report.tables["Context"].changed == 8
    assert found == {
        **{i: (f"n{passed.get(i, i)}", f"x{passed.get(i, i)}") for i in range(11, 20)},
        17: ("n99", "x15"),
    }


def test_an_event_without_a_time_has_that_of_its_execution(file: Path, store_url: str):
    run_sql(file, "UPDATE Execution SET create_time_since_epoch = 70 + id")
    run_sql(file, "INSERT INTO Event VALUES (4, 1, 77, 3, NULL)")
    run_sql(file, "UPDATE Event SET milliseconds_since_epoch = NULL WHERE id > 1")

    with open_store(store_url) as store:
        bring(file, store, batch=1)
        events = store.links.events_of_executions([1, 2, 77])

    assert [(each.execution_id, each.artifact_id, each.time_ms) for each in events] == [
        (1, 1, 5),
        (1, 2, 71),
        (2, 2, 72),
        (77, 1, 0),
    ]


def test_what_changed_here_since_stays(file: Path, store_url: str):
    with open_store(store_url) as store:
        bring(file, store)
        store.artifacts.update([ArtifactChange(id=1, uri="here", custom_properties={"more": 1})])

        report = bring(file, store)

        assert store.artifacts.get([1])[0].uri == "here"
    assert report.is_complete
    assert (report.tables["Artifact"].newer, report.tables["ArtifactProperty"].newer) == (1, 13)


def test_a_store_that_holds_other_things_is_refused_before_anything_is_written(file: Path, store_url: str):
    with open_store(store_url) as store:
        [own] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="Own")])
        store.artifacts.add([NewArtifact(type_id=own)])
        before = store.upkeep.facts()

        with pytest.raises(ConflictError, match="nothing was imported") as caught:
            bring(file, store)

        assert store.upkeep.facts() == before
    assert "type 10 is 'Table' there and 'Own' here" in str(caught.value)
    assert "artifact 1 ('all') is another one here" in str(caught.value)
    assert "import into a store of its own" in str(caught.value)


def test_ids_that_the_source_will_reach_are_not_given_meanwhile(file: Path, store_url: str):
    with open_store(store_url) as store, open_source(str(file)) as source:
        store.transfer.reserve(source.last_ids())
        [own] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="Own")])
        [mine] = store.artifacts.add([NewArtifact(type_id=own)])

        report = import_database(source, store)

    assert (own, mine) == (15, 5)
    assert report.is_complete


def test_types_of_an_old_database_may_have_the_ids_of_system_types(
    original: Original, file: Path, store_url: str
):
    rows = ("UPDATE {} SET type_id = CASE type_id WHEN 10 THEN 1 WHEN 1 THEN 10 ELSE type_id END",)
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute("UPDATE Type SET id = CASE id WHEN 10 THEN -1 WHEN 1 THEN -10 ELSE id END")
        conn.execute("UPDATE Type SET id = -id WHERE id < 0")
        for table in ("TypeProperty", "ParentType", "Artifact"):
            conn.execute(rows[0].format(table))
        conn.execute("UPDATE ParentType SET parent_type_id = 10 WHERE parent_type_id = 1")

    with open_store(store_url) as store:
        report = bring(file, store)

        assert everything(MetadataService(store).call) == seen_by(original, file)
        assert store.types.find(NodeKind.ARTIFACT, "mlmd.Dataset").id == 10
    assert report.is_complete


def test_an_event_whose_artifact_never_was_is_kept(original: Original, file: Path, store_url: str):
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute("UPDATE Event SET artifact_id = 77 WHERE id = 2")

    with open_store(store_url) as store:
        report = bring(file, store)
        call = MetadataService(store).call

        assert everything(call) == seen_by(original, file)
        assert [finding.check for finding in store.upkeep.check(silent_since_ms=0)] == ["events-without-node"]
        options = "lineage_subgraph_query_options { starting_executions { filter_query: 'id = 1' } }"
        graph = call("GetLineageSubgraph", message("GetLineageSubgraphRequest", options)).lineage_subgraph
        assert [each.id for each in graph.executions] == [1]
        new = message("PutArtifactsRequest", "artifacts { type_id: 11 }")
        assert call("PutArtifacts", new).artifact_ids[0] == 78
    assert report.is_complete


def bring(place: Path | str, store: Store, *, batch: int = BATCH) -> ImportReport:
    """Import a database."""
    with open_source(str(place), batch=batch) as source:
        return import_database(source, store)


def seen_by(original: Original, file: Path) -> dict[str, Any]:
    """What the original library says of a file."""
    original.open(file)
    try:
        return everything(asked(original))
    finally:
        original.open()


def seen_by_client(place: str) -> Any:
    """What the original's Python client says of a server at a port, or of a file."""
    command = [PYTHON, "-W", "ignore", CLIENT, place]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def digest(file: Path) -> str:
    """The digest of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run_sql(file: Path, statement: str) -> None:
    """Change a file."""
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute(statement)
