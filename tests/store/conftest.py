"""Real databases for tests that look below the store's protocol, or use it from several processes."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from headwater.store.sql.store import SqlStore

SQL_BACKENDS = ("sqlite", "postgresql", "mysql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `sql_url` or `empty_url` on the backends that `--store` names.

    A module that is about some of them alone says so as its own `SQL_BACKENDS`.
    """
    if "sql_backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--store") or SQL_BACKENDS
        all_of_them = getattr(metafunc.module, "SQL_BACKENDS", SQL_BACKENDS)
        metafunc.parametrize("sql_backend", [b for b in all_of_them if b in chosen])


@pytest.fixture
def make_database(sql_backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Make empty databases, as many as it is called."""
    if sql_backend == "sqlite":
        numbers = iter(range(1000))
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
    return request.getfixturevalue(f"fresh_{sql_backend}_url")


@pytest.fixture
def sql_url(make_database: Any) -> str:
    """The URL of one empty database."""
    return make_database()


@pytest.fixture
def store(sql_url: str) -> Generator[SqlStore]:
    """A store on an empty database."""
    with SqlStore(sql_url) as opened:
        yield opened
