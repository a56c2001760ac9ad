"""The real year, lived through once for all tests that look at it."""

import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headwater.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A folder with a store, and what a demo printed there."""

    folder: Path
    output: str

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'flights.db'}"

    def run(self, *words: str) -> Result:
        """Run a command in the folder, on its store."""
        return run(self.folder, ["--store", self.url, *words])

    def copy(self, folder: Path) -> "Demo":
        """Copy the store, for a test that changes it."""
        shutil.copytree(self.folder, folder)
        return Demo(folder=folder, output=self.output)


def run(folder: Path, words: Sequence[str]) -> Result:
    """Run a command in a folder, which holds all that it writes."""
    with inside(folder):
        return CliRunner().invoke(main, list(words), catch_exceptions=False)


@contextmanager
def inside(folder: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The whole year, on SQLite."""
    folder = tmp_path_factory.mktemp("demo")
    return Demo(folder=folder, output=Demo(folder=folder, output="").run("demo").output)
