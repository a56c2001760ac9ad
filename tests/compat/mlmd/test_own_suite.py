"""ML Metadata's own tests pass on the shim, and with its client on our server."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from headwater.server.grpc import MlmdServer
from headwater.store import open_store
from tests.compat.mlmd.peer import PYTHON, ROOT

SUITE: Final = ("conftest.py", "metadata_store_test.py", "mlmd_types_test.py")
ASK_WRONGLY: Final = "config_with_grpc"
"""Four tests call a function of their own file with the wrong arguments as soon as they talk to a server."""


@pytest.fixture
def suite(original: object, tmp_path: Path) -> Path:
    """A copy of the tests beside nothing: in their package they would test that package."""
    [package] = (ROOT / ".venv-peers/mlmd/lib").glob("python*/site-packages/ml_metadata/metadata_store")
    for name in SUITE:
        shutil.copy(package / name, tmp_path)
    return tmp_path


def outcomes(python: Path, suite: Path, *arguments: str) -> dict[str, int]:
    """How many tests ended how."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=suite, check=False, capture_output=True, text=True, timeout=300)
    counted = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    assert done.returncode == 0, done.stdout[-3000:]
    return counted


def test_the_originals_tests_pass_on_the_shim(suite: Path, tfx: Path):
    found = outcomes(tfx, suite)

    # Two are marked by their authors as broken.
    assert (found["passed"], found["xfailed"]) == (108, 2)


@pytest.mark.parametrize("backend", ["sqlite", "mysql", "postgresql"])
def test_the_originals_tests_pass_with_its_client_on_a_server(
    backend: str, suite: Path, request: pytest.FixtureRequest
):
    url = f"sqlite:///{suite / 'store.db'}"
    if backend != "sqlite":
        url = request.getfixturevalue(f"fresh_{backend}_url")()
    with open_store(url) as store:
        server = MlmdServer(store, "127.0.0.1:0")
        server.start()
        try:
            address = ("--use_grpc_backend", "--grpc_host", "127.0.0.1", "--grpc_port", str(server.port))
            found = outcomes(PYTHON, suite, *address, "-k", f"not {ASK_WRONGLY}", SUITE[1])
        finally:
            server.stop(grace_s=1)

    assert (found["passed"], found["xfailed"]) == (102, 2)
