"""What docs/server.md shows with curl works against a real server."""

import re
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.sql.store import SqlStore
from tests.docs.examples import FENCE, section
from tests.live import LiveServer

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")


@pytest.fixture
def url(tmp_path: Path) -> Generator[str]:
    """The address of a server over an empty store."""
    live = LiveServer()
    with SqlStore(f"sqlite:///{tmp_path}/store.db") as store, live.running():
        app = create_app(Backend(store=store, blobs=open_blobs("memory://"), spool=tmp_path / "spool"))
        yield live.mount(app)
        app.state.mlflow.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_requests_of_the_page_work(url: str, tmp_path: Path):
    blocks = [b["text"] for b in FENCE.finditer(section(PAGE, "REST with curl")) if b["language"] == "sh"]
    script = "\n".join(["set -eu", *blocks])
    assert script.count("http://127.0.0.1:5151") == 1

    done = subprocess.run(
        ["bash", "-c", script.replace("http://127.0.0.1:5151", url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"moved":true' in done.stdout


def test_every_flag_of_the_server_is_on_the_page():
    from headwater.cli.server import server

    flags = {flag for option in server.params for flag in option.opts if flag.startswith("--")}

    assert sorted(flag for flag in flags if not re.search(rf"`{flag}`", PAGE)) == []
