"""`gc`, `doctor`, deletion: the commands around the functions."""

import sqlite3


def test_run_is_deleted_and_restored(cli, trained):
    cli("runs", "delete", trained[0], "--reason", "wrong", code=5)
    cli("runs", "delete", trained[0], "--reason", "wrong", "--force")
    assert [run["ref"] for run in cli.json("runs", "list")] == [f"runs/{trained[1]}"]

    cli("runs", "restore", trained[0], "--reason", "right after all")

    assert len(cli.json("runs", "list")) == 2
    assert [entry["action"] for entry in cli.json("ledger", "show")][-2:] == ["delete", "restore"]


def test_data_version_is_deleted_and_restored(cli, trained):
    cli("data", "delete", "data/flights", "--reason", "wrong", code=2)
    cli("data", "delete", "data/flights/2013-01/7", "--reason", "wrong", code=3)
    cli("data", "delete", "data/flights/2013-01/1", "--reason", "wrong")
    assert cli.json("data", "list")[0]["versions"] == 0

    cli("data", "restore", "data/flights/2013-01/1", "--reason", "right after all")

    assert cli.json("data", "list")[0]["versions"] == 1


def test_gc_says_what_it_would_do_and_does_it(cli, trained):
    cli("runs", "delete", *trained, "--reason", "wrong", "--force")
    cli("gc", "--older-than", "soon", code=2)
    assert cli.json("gc")["nodes"] == {}

    planned = cli.json("gc", "--older-than", "0s", "--bytes-older-than", "0s")
    assert cli.lines("gc", "--older-than", "0s")[0].startswith("Would remove 2 nodes (2 headwater.Run)")
    done = cli.json("gc", "--older-than", "0s", "--bytes-older-than", "0s", "--apply")

    assert (planned["applied"], planned["nodes"]) == (False, {"headwater.Run": 2})
    assert (done["applied"], done["nodes"], done["points"]) == (True, {"headwater.Run": 2}, 8)
    assert "deleted on" in cli("runs", "show", trained[0], code=3).output
    assert any("[removed" in line for line in cli.lines("lineage", "show", "models/late-flights/2"))
    assert cli.json("doctor", "--deep")["clean"]


def test_backup_is_listed_and_restored(cli, trained, tmp_path):
    target = str(tmp_path / "backups")
    first = cli.json("db", "backup", target)
    cli("runs", "delete", trained[0], "--reason", "wrong", "--force")
    second = cli.json("db", "backup", target, "--keep", "2")
    assert [one["name"] for one in cli.json("db", "backups", target)] == [first["name"], second["name"]]

    cli("db", "restore", target, code=5)
    cli("db", "restore", target, "--to", "yesterday", code=2)
    cli("db", "restore", target, "--to", "1999-01-01", "--force", code=3)
    moment = second["time"].replace("Z", ".000Z")
    cli("db", "restore", f"{target}/{first['name']}", "--to", moment, "--force")

    assert len(cli.json("runs", "list")) == 2
    assert len(cli.json("db", "backups", target)) == 3
    assert cli.json("db", "backup", target, "--keep", "1")["pruned"] == 3


def test_doctor_tells_what_is_broken_and_repairs_it(cli, trained, tmp_path):
    assert cli.lines("doctor")[-1].startswith("All is well")
    conn = sqlite3.connect(tmp_path / "store.db")
    conn.execute("INSERT INTO alias VALUES (1, 'gone', 99)")
    conn.commit()
    conn.close()

    broken = cli("doctor", code=6).stdout
    assert "aliases-without-version" in broken
    assert "headwater doctor --repair" in broken
    repaired = cli.lines("doctor", "--repair")

    assert repaired[0].startswith("repaired: 1 aliases")
    assert cli.json("doctor") == cli.json("doctor", "--deep")
