"""A throw-away server process on a free loopback port."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# The server runs under a shell that waits on a pipe from us: however this process ends, even by kill -9, the
# pipe closes, the server stops and its folder goes.
SUPERVISE = """
signal=$1 folder=$2; shift 2
"$@" >"$folder/log" 2>&1 &
read -r _ || :
kill -s "$signal" $! 2>/dev/null
wait $!
rm -rf "$folder"
"""


class NoServerError(Exception):
    """No server of this kind can be had here; the message says why."""


class Process:
    """One server, its folder and the account it runs under."""

    def __init__(self, *, accounts: Sequence[str], stop_signal: str) -> None:
        # Database servers refuse to run as root, and root may become anybody.
        user = account(accounts) if os.geteuid() == 0 else None
        self._uid, self._gid, self._groups = (user.pw_uid, user.pw_gid, ()) if user else (None, None, None)
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="headwater-test-"))
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)

    def run(self, *command: str | Path) -> None:
        """Run a command to its end under the server's account."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise NoServerError(f"{Path(command[0]).name} failed: {last_lines(said)}")

    def start(self, *command: str | Path, is_ready: Callable[[], bool], timeout_s: float = 60) -> None:
        """Start the server and wait until it answers."""
        supervised = ["sh", "-c", SUPERVISE, "sh", self._stop_signal, self.folder, *command]
        self._child = subprocess.Popen(
            supervised,
            cwd="/",
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where the shell remarks that it killed its child
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if time.monotonic() > deadline:
                raise NoServerError(
                    f"{Path(command[0]).name} did not answer in {timeout_s:.0f} s: {self._log()}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server and remove what it wrote."""
        if self._child and self._child.stdin:
            self._child.stdin.close()
            self._child.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log(self) -> str:
        log = self.folder / "log"
        return last_lines(log.read_text(errors="replace")) if log.exists() else "it logged nothing"


def last_lines(said: str) -> str:
    """The end of what a program said, short enough for a skip reason."""
    return " / ".join(said.strip().splitlines()[-4:])


def account(names: Sequence[str]) -> pwd.struct_passwd:
    """The first account of these that exists."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in known:
            return known[name]
    raise NoServerError(f"servers do not run as root, and there is no account {' or '.join(names)}")


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_binary(*names: str, folders: Sequence[Path] = ()) -> Path:
    """The first of these programs on the path, else in one of the folders."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    for name in names:
        if found := shutil.which(name, path=places):
            return Path(found)
    raise NoServerError(f"no {' or '.join(names)} on the path")
