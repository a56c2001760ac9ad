"""Databases of the original library, and stores to bring them into."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compat.mlmd.importing.originals import populate
from tests.compat.mlmd.peer import Original


@pytest.fixture(scope="session")
def populated_file(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that the original library filled; tests copy it."""
    file = tmp_path_factory.mktemp("original") / "mlmd.db"
    populate(original, file)
    original.open()
    return file


@pytest.fixture
def file(populated_file: Path, tmp_path: Path) -> Path:
    """A copy of that file."""
    return Path(shutil.copyfile(populated_file, tmp_path / "mlmd.db"))


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """Where a new store goes."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mysql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store goes, on each kind of database."""
    if request.param in {"memory", "sqlite"}:
        return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'store.db'}"}[request.param]
    fresh: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    return fresh()
