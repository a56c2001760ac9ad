"""Two equal types, which a race of the original can leave, become one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from headwater.compat.mlmd.importing import ImportReport, import_database, open_source
from headwater.errors import ConflictError
from headwater.model.graph import Association, Attribution, NodeKind
from headwater.model.protocols import Store
from headwater.model.values import ValueKind
from headwater.store import open_store

TWICE = """
INSERT INTO Type (id, name, version, type_kind, description) VALUES (20, 'Pipeline', NULL, 2, 'again');
INSERT INTO Type (id, name, version, type_kind) VALUES (21, 'Table', 'v1', 1);
INSERT INTO TypeProperty VALUES (20, 's', 3), (20, 'more', 1);
INSERT INTO Context VALUES (3, 20, 'other', 'c3', 5, 6);
INSERT INTO Context VALUES (4, 20, 'run', NULL, 5, 6);
INSERT INTO Context VALUES (5, 20, 'run (context 4)', NULL, 5, 6);
INSERT INTO ContextProperty (context_id, name, is_custom_property, int_value) VALUES (3, 'more', 0, 9);
INSERT INTO Artifact (id, type_id, create_time_since_epoch, last_update_time_since_epoch)
  VALUES (5, 21, 5, 6);
INSERT INTO Attribution (context_id, artifact_id) VALUES (3, 5);
INSERT INTO Association (context_id, execution_id) VALUES (4, 2);
"""
"""Beside types 14 ('Pipeline') and 10 ('Table' v1), and the context 1 ('run') of 14."""


def test_nodes_of_both_are_of_the_first_with_what_both_declare(file: Path, store_url: str):
    with open_store(store_url) as store:
        change(file, TWICE)

        report = bring(file, store)

        assert report.is_complete
        assert (report.tables["Type"].source, report.tables["Type"].added) == (16, 5)
        kind = store.types.find(NodeKind.CONTEXT, "Pipeline")
        assert kind is not None
        assert (kind.id, kind.description, kind.external_id) == (14, "again", "pipeline")
        assert kind.properties == {"more": ValueKind.INT, "s": ValueKind.STRING}
        contexts = store.contexts.get([1, 2, 3, 4, 5])
        assert [each.type_id for each in contexts] == [14] * 5
        assert contexts[2].properties == {"more": 9}
        assert store.artifacts.get([5])[0].type_id == 10
        assert store.links.artifacts_of_contexts([3]) == [Attribution(3, 5)]
        assert store.links.executions_of_contexts([4]) == [Association(4, 2)]
    assert report.merged == (
        "type 20 is type 14 now: both are 'Pipeline'",
        "type 21 is type 10 now: both are 'Table'",
    )


def test_of_two_nodes_with_one_name_the_second_is_told_apart(file: Path, store_url: str):
    with open_store(store_url) as store:
        change(file, TWICE)

        report = bring(file, store)
        again = bring(file, store)

        names = [each.name for each in store.contexts.get([1, 2, 3, 4, 5])]
    assert names == ["run", "all", "other", "run (context 4)", "run (context 4) (context 5)"]
    assert report.renamed == ("Context 4: run (context 4)", "Context 5: run (context 4) (context 5)")
    assert all(count.added == count.changed == 0 for count in again.tables.values())
    assert (again.is_complete, again.renamed) == (True, report.renamed)


def test_a_type_that_appears_twice_later_is_the_one_that_is_here(file: Path, store_url: str):
    with open_store(store_url) as store:
        bring(file, store)
        change(file, TWICE)

        report = bring(file, store)

        assert report.is_complete
        assert (report.tables["Type"].added, report.tables["Type"].changed) == (0, 1)
        assert report.tables["Context"].added == 3


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        (
            "INSERT INTO TypeProperty VALUES (20, 's', 1)",
            "property 's' of 'Pipeline' is STRING in type 14 and INT in type 20",
        ),
        (
            "UPDATE Type SET external_id = 'other' WHERE id = 20",
            "external id of 'Pipeline' is 'pipeline' in type 14 and 'other' in type 20",
        ),
    ],
    ids=["kind", "external-id"],
)
def test_types_that_contradict_each_other_are_refused(file: Path, statement: str, difference: str):
    change(file, f"INSERT INTO Type (id, name, type_kind) VALUES (20, 'Pipeline', 2); {statement}")

    with pytest.raises(ConflictError, match="cannot become one") as caught:
        open_source(str(file))

    assert difference in str(caught.value)


def bring(file: Path, store: Store) -> ImportReport:
    """Import a database."""
    with open_source(str(file)) as source:
        return import_database(source, store)


def change(file: Path, statements: str) -> None:
    """Change a file."""
    with closing(sqlite3.connect(file)) as conn:
        conn.executescript(statements)
