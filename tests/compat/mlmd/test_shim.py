"""Code that says `import ml_metadata` and cannot be changed gives the same output on the shim."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compat.mlmd.peer import PYTHON, ROOT, Original

PROGRAM = Path(__file__).with_name("program.py")
OWN_UV = ROOT / ".venv-tools/bin/uv"


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the shim is installed, beside nothing."""
    uv = str(OWN_UV) if OWN_UV.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("installing the shim needs uv: `make setup` brings it")
    # Built from a copy, so that nothing is left in the tree.
    source = shutil.copytree(ROOT / "shims/ml-metadata", tmp_path_factory.mktemp("source") / "shim")
    target = tmp_path_factory.mktemp("shim")
    options = ["--quiet", "--no-deps", "--python", sys.executable, "--target", target]
    subprocess.run([uv, "pip", "install", *options, source], check=True, timeout=120)
    return target


def output(python: str | Path, **environment: str) -> list[str]:
    """What the program prints under an interpreter."""
    variables = {**os.environ, **environment}
    done = subprocess.run(
        [python, PROGRAM], check=False, capture_output=True, text=True, timeout=120, env=variables
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_program_prints_the_same_on_the_shim(shim: Path, original: Original):
    assert output(sys.executable, PYTHONPATH=str(shim)) == output(PYTHON)


def test_the_shim_says_what_it_is(shim: Path):
    [metadata] = shim.glob("ml_metadata-*.dist-info/METADATA")

    assert "Version: 1.21.0+headwater" in metadata.read_text()
    assert "Requires-Dist: headwater[mlmd]" in metadata.read_text()
