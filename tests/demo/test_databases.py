"""`headwater demo` on the other databases: by itself, and over a server."""

import json
import os
import re
import subprocess
import sys

from tests.demo.conftest import run
from tests.server.http.processes import server_process


def test_it_runs_on_mysql(fresh_mysql_url, tmp_path):
    done = run(tmp_path, ["--store", fresh_mysql_url(), "demo", "--months", "1"])

    assert done.exit_code == 0, done.output
    check(done.output)


def test_it_runs_over_a_server_on_postgresql(fresh_postgresql_url, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    with server_process(tmp_path, fresh_postgresql_url()) as server:
        done = subprocess.run(
            [sys.executable, "-m", "headwater", "demo", "--months", "1"],
            cwd=tmp_path,
            env={**os.environ, "HEADWATER_STORE": server.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        server.stop()
        log = [json.loads(line) for line in server.log()]

    check(done.stdout)
    assert [line for line in log if line["status"] >= 500] == []


def check(output):
    assert re.search(r"2013-03  22\.8%  v1 0\.677 +v1 0\.677 +start", output)
    assert "2013-02  killed    kill -9" in output
    assert "data/flights/2013-02/1 (24,951 rows)" in output
