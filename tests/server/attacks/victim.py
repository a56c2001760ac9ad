"""The server that is attacked, what it must not lose, and raw ways to ask it."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.server.http.serving import exchange

SECRET: Final = b"root:x:0:0: this file is nobody's artifact"
PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts"
CONTENT: Final = b"what a run has really written"
_LEAKS: Final = ("Traceback", 'File "/', "site-packages", "sqlalchemy", "sqlite3.", "OperationalError")


@dataclass
class Victim:
    """A running server.

    Attributes:
        folder: Holds all that belongs to it, and a file beside that is none of its business.
        token: What proves who asks, where anything has to.
        run: A run that has a file, `kept.txt`, and the metric, param and tag `kept`.
    """

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    http: httpx.Client
    token: str | None = None
    run: str = ""
    log: bytearray = field(default_factory=bytearray)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self.url.rpartition(":")[2])

    @property
    def secret(self) -> Path:
        """A file of the machine."""
        return self.folder / "secret.txt"

    @property
    def store_url(self) -> str:
        """The store that it serves."""
        return f"sqlite:///{self.folder}/store.db"

    def ask(
        self, method: str, path: str, *, token: str | None = None, headers: Any = None, **request: Any
    ) -> httpx.Response:
        """Send a request; whatever it is, the answer is no failure and tells nothing of the machine."""
        proof = {"Authorization": f"Bearer {token or self.token}"} if token or self.token else {}
        answer = self.http.request(method, path, headers={**proof, **(headers or {})}, **request)
        self.check(answer.status_code, answer.content)
        return answer

    def mlflow(self, endpoint: str, method: str = "POST", /, **body: Any) -> httpx.Response:
        """Call an endpoint of MLflow's below `/api/2.0/mlflow`."""
        where = f"/api/2.0/mlflow/{endpoint}"
        return self.ask(method, where, params=body) if method == "GET" else self.ask(method, where, json=body)

    def new_run(self) -> str:
        """Start a run to attack, and return its id."""
        return self.mlflow("runs/create", experiment_id="0").json()["run"]["info"]["run_id"]

    def raw(self, target: str | bytes, method: str = "GET", headers: bytes = b"", body: bytes = b"") -> int:
        """Send a request whose target no client has tidied up; returns the status."""
        target = target.encode() if isinstance(target, str) else target
        length = b"" if b"ontent-Length" in headers else b"Content-Length: %d\r\n" % len(body)
        lines = b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" % (method.encode(), target)
        return self.status_of(exchange(self.port, lines + length + headers + b"\r\n" + body))

    def exchange(self, sent: bytes) -> bytes:
        """Send bytes and return everything that comes back until the server closes."""
        return exchange(self.port, sent)

    def status_of(self, answer: bytes) -> int:
        """Return the status of a raw answer, 0 where the server hung up instead."""
        status = int(answer[9:12]) if answer else 0
        self.check(status, answer)
        return status

    def check(self, status: int, answer: bytes) -> None:
        """Check what every answer has to be."""
        assert status < 500, answer[:2000]
        assert SECRET not in answer
        shown = answer.decode("utf-8", "replace")
        own = [f"{self.folder}/{name}" for name in ("store", "blobs", "spool")]
        assert [leak for leak in (*_LEAKS, *own) if leak in shown] == []

    def rows(self) -> Mapping[str, Any]:
        """Return all that the store holds, by table.

        Without types: a built-in one is noted when it is first asked for, whoever asks.
        """
        with closing(sqlite3.connect(self.folder / "store.db")) as database:
            names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            tables = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        kept = {name for name in tables if "type" not in name and "sqlite" not in name}
        return {name: sorted(tables[name], key=repr) for name in sorted(kept)}

    def around(self) -> Mapping[str, str]:
        """Return the digests of all files beside the database, the blobs and unfinished uploads."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and not path.name.startswith("store.db")
            and path.relative_to(self.folder).parts[0] not in {"blobs", "spool"}
        }

    def kept(self) -> list[Any]:
        """Return what the server says of what it must keep."""
        run = self.mlflow("runs/get", "GET", run_id=self.run).json()
        files = self.mlflow("artifacts/list", "GET", run_id=self.run).json()
        content = self.ask("GET", f"{PROXY}/0/{self.run}/artifacts/kept.txt").content
        model = self.mlflow("registered-models/get", "GET", name="kept").json()
        return [run, files, content, model]

    def peak_bytes(self) -> int:
        """Return the most memory that the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def doctor(self) -> "subprocess.CompletedProcess[str]":
        """Have the store examined, all bytes read."""
        command = [*_command(self.folder), "doctor", "--deep"]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@contextmanager
def attacked(folder: Path, *flags: str, token: str | None = None) -> Generator[Victim]:
    """Serve a store until the block ends, and check that it is as well as before then."""
    (folder / "secret.txt").write_bytes(SECRET)
    with running(folder, *flags) as victim:
        victim.token = token
        _fill(victim)
        kept = victim.kept()
        yield victim
        assert victim.process.poll() is None, bytes(victim.log)
        assert victim.ask("GET", "/health").text == "OK"
        assert victim.kept() == kept
        assert victim.secret.read_bytes() == SECRET
    assert b"Traceback" not in victim.log, victim.log.decode()
    found = victim.doctor()
    assert found.returncode == 0, found.stdout + found.stderr


@contextmanager
def running(folder: Path, *flags: str) -> Generator[Victim]:
    """Run a server over the store in a folder."""
    command = [*_command(folder), "server", "--port", "0", "--spool", str(folder / "spool"), *flags]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
    ) as process:
        url = process.stderr.readline().decode().strip().rpartition(" ")[2].rstrip(".")
        http = httpx.Client(base_url=url, timeout=30)
        victim = Victim(url, folder, process, http)
        # What it says is read at once, or a full pipe would stop it.
        reader = threading.Thread(target=lambda: victim.log.extend(process.stderr.read()))
        reader.start()
        try:
            yield victim
        finally:
            http.close()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=40)
            reader.join()


def environment() -> dict[str, str]:
    """Return the environment of a server: what a developer has set counts for nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}


def _command(folder: Path) -> list[str]:
    store, blobs = f"sqlite:///{folder}/store.db", str(folder / "blobs")
    return [sys.executable, "-m", "headwater", "--store", store, "--blobs", blobs]


def _fill(victim: Victim) -> None:
    """Store what every attack must leave as it is."""
    run = victim.mlflow("runs/create", experiment_id="0", run_name="kept").json()["run"]["info"]["run_id"]
    victim.run = run
    victim.mlflow("runs/log-metric", run_id=run, key="kept", value=0.5, timestamp=1, step=1)
    victim.mlflow("runs/log-parameter", run_id=run, key="kept", value="yes")
    victim.mlflow("runs/set-tag", run_id=run, key="kept", value="yes")
    victim.ask("PUT", f"{PROXY}/0/{run}/artifacts/kept.txt", content=CONTENT)
    victim.mlflow("registered-models/create", name="kept")
    source = f"mlflow-artifacts:/0/{run}/artifacts"
    victim.mlflow("model-versions/create", name="kept", source=source, run_id=run)
    done = victim.mlflow("registered-models/alias", name="kept", alias="best", version="1")
    assert done.status_code == 200, done.text
