"""The original library in a process and an environment of its own; `make peers` makes the environment."""

import struct
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Self

from headwater.compat.mlmd.wire import definitions

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/mlmd/bin/python"
DRIVER = Path(__file__).with_name("original.py")


class Answer(NamedTuple):
    """What a library answers: a status code, and if that is 0 a response."""

    code: int
    response: Any
    message: str = ""


class Original:
    """Answers calls with the original library."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, "-W", "ignore", DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def open(self, place: Path | str | None = None) -> None:
        """Use a SQLite file or the database at a URL from now on, or an empty store in memory."""
        self.raw("open", str(place or "").encode())

    def downgrade(self, file: Path, version: int) -> None:
        """Bring a SQLite file to an older version of the schema."""
        code, _, _ = self.raw(f"downgrade {version}", str(file).encode())
        assert code == 0

    def upgrade(self, file: Path) -> None:
        """Bring a SQLite file to the newest version of the schema."""
        self.raw("upgrade", str(file).encode())

    def call(self, method: str, request: Any) -> Answer:
        """Answer a call."""
        code, message, data = self.raw(method, request.SerializeToString())
        response = definitions().message(f"{method}Response")()
        if code == 0:
            response.ParseFromString(data)
        return Answer(code, response, message)

    def raw(self, method: str, request: bytes) -> tuple[int, str, bytes]:
        """Send two frames and read three."""
        for frame in (method.encode(), request):
            self._process.stdin.write(struct.pack("<I", len(frame)) + frame)
        self._process.stdin.flush()
        code, message, response = (self._read() for _ in range(3))
        return int(code), message.decode(errors="replace"), response

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> bytes:
        head = self._process.stdout.read(4)
        if len(head) < 4:
            raise RuntimeError("the original library ended")
        return self._process.stdout.read(struct.unpack("<I", head)[0])
