"""Stores and executors for pipelines: what is slow to start is started once."""

import shutil
from collections.abc import Callable, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headwater.pipelines.executors import Processes
from headwater.store.sql.store import SqlStore
from tests.pipelines.scenes import Scene

WORKERS = 2
"""Processes of the Dask cluster."""


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory) -> Path:
    """A SQLite file with all tables: copying it is faster than making them."""
    file = tmp_path_factory.mktemp("prepared") / "store.db"
    SqlStore(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def cluster() -> Generator[Any]:
    """A Dask cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    config = pytest.importorskip("dask").config
    options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    # So long after it lost a worker, a cluster looks whether there is one of that name, and drops it for good
    # if not: a worker that was killed a second time may be on its way back just then.
    patience = config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})
    with patience, distributed.LocalCluster(**options) as running:
        yield running


@pytest.fixture(scope="session")
def executors(request) -> Generator[Callable[[str], Executor]]:
    """Give executors by name; each is started when it is first asked for."""
    opened: dict[str, Any] = {}

    def give(name: str) -> Executor:
        if name not in opened:
            opened[name] = _open(name, request)
        return opened[name]

    yield give
    for executor in opened.values():
        executor.shutdown()


def _open(name: str, request: pytest.FixtureRequest) -> Executor:
    if name == "threads":
        return ThreadPoolExecutor(4)
    if name == "processes":
        return Processes(2)
    return request.getfixturevalue("cluster").get_client().get_executor(pure=False)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty project to work in, where no variable chooses a store."""
    monkeypatch.delenv("HEADWATER_STORE", raising=False)
    monkeypatch.delenv("HEADWATER_BLOBS", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def new_scene(tmp_path, prepared_file, project) -> Generator[Callable[..., Scene]]:
    """Make scenes: stores of their own, each with a data set in it."""
    opened: list[Scene] = []

    def make(name: str = "scene", **options: Any) -> Scene:
        folder = tmp_path / name
        folder.mkdir()
        url = f"sqlite:///{shutil.copyfile(prepared_file, folder / 'store.db')}"
        opened.append(Scene.open(url, folder, **options))
        return opened[-1]

    yield make
    for scene in opened:
        scene.close()
