"""`headwater import` and `headwater export`: databases of ML Metadata in and out."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from headwater.sdk import Client
from tests.compat.mlmd.importing.large import make
from tests.compat.openlineage.story import data, happened


def test_a_database_is_imported_and_exported(cli, tmp_path):
    make(tmp_path / "mlmd.db", artifacts=4)

    done = cli.json("import", "mlmd", str(tmp_path / "mlmd.db"))
    again = cli.lines("import", "mlmd", str(tmp_path / "mlmd.db"))
    written = cli.json("export", "mlmd", str(tmp_path / "out.db"))
    back = cli.json("import", "mlmd", str(tmp_path / "out.db"))

    assert (done["schema"], done["complete"], done["unreadable"]) == (10, True, [])
    counts = {
        row["table"]: (row["source"], row["store"], row["added"], row["missing"]) for row in done["tables"]
    }
    assert counts["Artifact"] == (4, 4, 4, 0)
    assert counts["ArtifactProperty"] == (16, 16, 0, 0)
    assert again[0].split() == ["table", "source", "store", "added", "changed", "newer", "removed", "missing"]
    assert again[-1] == "All of schema 10 is in the store."
    assert (written["tables"]["Artifact"], written["altered"], written["left_out"]) == (4, {}, {})
    assert all(row["added"] == row["changed"] == 0 for row in back["tables"])


def test_what_is_not_accounted_for_is_told_by_the_exit_code(cli, tmp_path):
    make(tmp_path / "mlmd.db", artifacts=4)
    with closing(sqlite3.connect(tmp_path / "mlmd.db")) as conn, conn:
        conn.execute("UPDATE ArtifactProperty SET int_value = NULL")

    done = cli("import", "mlmd", str(tmp_path / "mlmd.db"), code=6)

    lines = done.stdout.splitlines()
    assert "Left out, as it holds nothing that can be read: Artifact 1: rows" in lines
    assert lines[-1] == "4 rows of the source are not in the store."


def test_faults_are_one_line(cli, tmp_path, fill):
    make(tmp_path / "mlmd.db", artifacts=1)
    fill(run_once)
    out = tmp_path / "out.db"
    shutil.copyfile(tmp_path / "mlmd.db", out)

    assert "no file" in cli("import", "mlmd", str(tmp_path / "none.db"), code=3).output
    clash = cli("import", "mlmd", str(tmp_path / "mlmd.db"), code=4).output
    assert "there and 'headwater." in clash
    assert clash.count("\n") == 1
    assert "is there already" in cli("export", "mlmd", str(out), code=5).output


@pytest.mark.parametrize("words", [("runs", "list"), ("db", "upgrade"), ("import", "mlmd", "mlmd.db")])
def test_a_database_of_the_original_is_no_store_and_stays_as_it_is(cli, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "mlmd.db", artifacts=1)
    before = (tmp_path / "mlmd.db").read_bytes()

    said = cli("--store", f"sqlite:///{tmp_path / 'mlmd.db'}", *words, code=1).output

    assert "of another program" in said
    assert "headwater import mlmd" in said
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["mlmd.db"]
    assert (tmp_path / "mlmd.db").read_bytes() == before


def run_once(client: Client) -> None:
    """Store a run, whose types take the ids after the system types."""
    with client.run("exp", capture=False):
        pass


def test_files_of_openlineage_events_are_imported_in_the_order_of_their_times(cli, tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    read = happened("COMPLETE", 15, run=2, inputs=data("raw"), outputs=data("clean"))
    (folder / "a.jsonl").write_text(f"{read}\n\n" + happened("COMPLETE", 20, run=3, outputs=data("raw")))
    (folder / "b.json").write_text(
        json.dumps(json.loads(happened("COMPLETE", 10, outputs=data("raw"))), indent=2)
    )
    (tmp_path / "bad.jsonl").write_text(happened("START", 30, run=4) + "\n{}\n")

    done = cli.json("import", "openlineage", str(folder))
    again = cli("import", "openlineage", str(folder), str(tmp_path / "bad.jsonl"), code=6)

    assert done == {"taken": 3, "refused": []}
    lines = again.stdout.splitlines()
    assert lines[0] == "4 events are in the store."
    assert lines[1].startswith(f"Left out: {tmp_path / 'bad.jsonl'}:2: an OpenLineage event is")
    shown = cli("lineage", "show", "data/s3://lake/clean/1").stdout
    assert "data/s3://lake/raw/1" in shown
