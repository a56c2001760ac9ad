"""What an error says is about the request, never about the machine or what the server signs in with."""

import subprocess
import sys

import pytest

from headwater.store.calls import MEDIA_TYPE, pack
from tests.server.attacks.victim import environment, running

PASSWORD = "hunter2-of-the-store"


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_store_that_is_out_of_reach_does_not_give_its_password_away(tmp_path, scheme):
    url = f"{scheme}://ann:{PASSWORD}@127.0.0.1:1/none"
    command = [sys.executable, "-m", "headwater", "--store", url, "server", "--port", "0"]

    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_breaks_while_it_is_served_tells_nothing_of_where_it_is(tmp_path):
    with running(tmp_path) as victim:
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            path = tmp_path / name
            if path.exists():
                path.write_bytes(b"junk" * 4096)
        answers = [
            victim.http.get("/health/ready"),
            victim.http.get("/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"}),
            victim.http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}),
            *(
                victim.http.post("/api/v1/store/models.page", content=pack({}), headers={"Accept": accepted})
                for accepted in ("*/*", MEDIA_TYPE)
            ),
        ]
        assert victim.http.get("/health/live").status_code == 200

    for answer in answers:
        victim.check(200, answer.content)
        assert str(tmp_path) not in answer.text
