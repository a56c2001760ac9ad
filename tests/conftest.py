"""What all tests share: the database servers."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.required import excuse
from tests.servers import KINDS, MySQL, NoServerError, PostgreSQL, Servers

SERVERS = pytest.StashKey[Servers]()

# How long an example takes is the machine's affair, and no test's.
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("timeless")

# They run in the environments of other programs, and cannot be imported in this one.
collect_ignore = [
    "compat/mlflow/client.py",
    "compat/mlflow/original.py",
    "compat/mlflow/registry_scenarios.py",
    "compat/mlflow/scenarios.py",
    "compat/mlmd/importing/client.py",
    "compat/mlmd/original.py",
    "compat/mlmd/program.py",
    "compat/tfx/pipeline.py",
    "compat/tfx/resolving.py",
    "server/grpc/client.py",
]


# A file is one worker's: what takes longest comes first, or one would work on alone at the end.
LONGEST = (
    "demo/test_demo.py",
    "pipelines/test_matrix.py",
    "demo/test_story.py",
    "demo/test_databases.py",
    "benchmarks/test_benchmarks.py",
    "demo/test_interruptions.py",
)


class FreshUrl(Protocol):
    """Makes a database and gives its URL; the database goes when the test ends."""

    def __call__(self, *, template: str | None = None) -> str: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --store sqlite --store mysql`: run contract tests only there."""
    parser.addoption(
        "--store", action="append", metavar="BACKEND", help="run contract tests on this backend only"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; all others stay in their random order."""
    folder = Path(__file__).parent
    places = {folder / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def pytest_configure(config: pytest.Config) -> None:
    """A worker of a parallel session is told where the servers are; all others find out when a test asks."""
    told = getattr(config, "workerinput", {}).get("servers")
    config.stash[SERVERS] = Servers(told)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker, whichever tests it may get, where all the servers are."""
    node.workerinput["servers"] = node.config.stash[SERVERS].answers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers that this session started."""
    if servers := config.stash.get(SERVERS, None):
        servers.stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which databases this session can use, and why not the others."""
    return [config.stash[SERVERS].plan(kind) for kind in KINDS]


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> PostgreSQL:
    """The PostgreSQL server; skips, or fails where HEADWATER_TEST_REQUIRE names it."""
    try:
        return pytestconfig.stash[SERVERS].postgresql()
    except NoServerError as why:
        excuse("postgresql", why)


@pytest.fixture(scope="session")
def mysql_server(pytestconfig: pytest.Config) -> MySQL:
    """The MySQL or MariaDB server; skips, or fails where HEADWATER_TEST_REQUIRE names it."""
    try:
        return pytestconfig.stash[SERVERS].mysql()
    except NoServerError as why:
        excuse("mysql", why)


@pytest.fixture
def fresh_postgresql_url(postgresql_server: PostgreSQL) -> Generator[FreshUrl]:
    """Make PostgreSQL databases for one test: empty, or with `template=` a copy of another."""
    with ExitStack() as databases:
        yield lambda *, template=None: databases.enter_context(postgresql_server.fresh(template=template))


@pytest.fixture
def fresh_mysql_url(mysql_server: MySQL) -> Generator[FreshUrl]:
    """Make MySQL databases for one test: empty, or with `template=` a copy of another."""
    with ExitStack() as databases:
        yield lambda *, template=None: databases.enter_context(mysql_server.fresh(template=template))
