"""A database of ML Metadata with many nodes, made by SQL in tables as the original makes them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from headwater.compat.mlmd.exporting import tables

TIME_MS = 1_700_000_000_000


def make(file: Path, *, artifacts: int) -> None:
    """Make artifacts of four properties each, an execution for every two of them, a context for every ten."""
    with closing(sqlite3.connect(file)) as conn, conn:
        for statement in (*tables.statements(), *tables.indexes()):
            conn.execute(statement)
        conn.execute("INSERT INTO MLMDEnv VALUES (10)")
        types = [(10, "Table", 1), (11, "Step", 0), (12, "Group", 2)]
        conn.executemany("INSERT INTO Type (id, name, type_kind) VALUES (?, ?, ?)", types)
        conn.executemany("INSERT INTO TypeProperty VALUES (10, ?, ?)", [("rows", 1), ("rate", 2)])
        conn.execute("CREATE TEMP TABLE number (i INTEGER PRIMARY KEY)")
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO number SELECT i FROM n",
            (artifacts,),
        )
        for statement in _ROWS:
            conn.execute(statement.replace(":now", str(TIME_MS)).replace(":tenth", str(-(-artifacts // 10))))


_ROWS = (
    "INSERT INTO Artifact SELECT i, 10, 's3:' || i, 2, 'a' || i, 'x' || i, :now + i, :now + i FROM number",
    "INSERT INTO ArtifactProperty SELECT i, 'rows', 0, i, NULL, NULL, NULL, NULL, NULL FROM number",
    "INSERT INTO ArtifactProperty SELECT i, 'rate', 0, NULL, i / 8.0, NULL, NULL, NULL, NULL FROM number",
    "INSERT INTO ArtifactProperty SELECT i, 'text', 1, NULL, NULL, 'text' || i, NULL, NULL, NULL FROM number",
    "INSERT INTO ArtifactProperty SELECT i, 'flag', 1, NULL, NULL, NULL, NULL, NULL, i % 2 FROM number",
    "INSERT INTO Execution SELECT i / 2, 11, 3, NULL, NULL, :now + i, :now + i FROM number WHERE i % 2 = 0",
    "INSERT INTO Event SELECT i, i, (i + 1) / 2, 4, :now + i FROM number",
    "INSERT INTO EventPath SELECT i, 0, NULL, 'out' FROM number",
    "INSERT INTO Context SELECT i, 12, 'c' || i, NULL, :now + i, :now + i FROM number WHERE i <= :tenth",
    "INSERT INTO ContextProperty SELECT id, 'n', 1, id, NULL, NULL, NULL, NULL, NULL FROM Context",
    "INSERT INTO ParentContext SELECT id, 1 FROM Context WHERE id > 1",
    "INSERT INTO Attribution SELECT i, (i + 9) / 10, i FROM number",
    "INSERT INTO Association SELECT i / 2, (i + 9) / 10, i / 2 FROM number WHERE i % 2 = 0",
)
