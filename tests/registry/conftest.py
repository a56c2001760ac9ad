"""A registry over a memory store and a SQLite file, with blobs in a folder that tests can damage."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headwater.blobs import open_blobs
from headwater.model.models import ModelVersion, NewVersion
from headwater.model.protocols import Store
from headwater.registry import LoadCheck, Model, Registry
from headwater.store import open_store
from tests.registry.models import saved


class Shelf:
    """A registry, and ways to fill and to damage it."""

    def __init__(self, registry: Registry, folder: Path, scratch: Path) -> None:
        self.registry, self._folder, self._scratch = registry, folder, scratch

    def tries_loading(self, **how: Any) -> Model:
        """Load models before they move from now on, as is the default; return the model `late`."""
        self.registry = replace(self.registry, load_check=LoadCheck(**how))
        return self.registry["late"]

    def add(self, model: object, *, format: str = "pickle", name: str = "late") -> ModelVersion:
        """Register the next version, with bytes."""
        blob = self.registry.blobs.put_folder(saved(model, format, self._scratch))
        new = NewVersion(model=name, digest=blob.digest, properties={"format": format})
        return self.add_new(new)

    def add_new(self, new: NewVersion) -> ModelVersion:
        """Register a version as it is."""
        return self.registry.store.models.add_version(new, actor="ann")

    def alter(self, content: bytes) -> None:
        """Change one bit of the only stored file that holds some bytes, as a failing disk would."""
        path = self._file_with(content)
        damaged = bytearray(path.read_bytes())
        damaged[-1] ^= 1
        path.chmod(0o644)
        path.write_bytes(damaged)

    def lose(self, content: bytes) -> None:
        """Delete the only stored file that holds some bytes."""
        self._file_with(content).unlink()

    def state(self) -> tuple[object, ...]:
        """All that a refused decision must leave alone."""
        model = self.registry["late"]
        stages = [version.stage for version in model.versions()]
        return stages, model.info(), model.history()

    def _file_with(self, content: bytes) -> Path:
        (found,) = (p for p in self._folder.rglob("*") if p.is_file() and content in p.read_bytes())
        return found


@pytest.fixture(params=["memory", "sqlite"])
def shelf(request, tmp_path) -> Iterator[Shelf]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'store.db'}"
    folder = tmp_path / "blobs"
    with open_store(url) as store:
        yield Shelf(_registry(store, folder), folder, tmp_path / "scratch")


def _registry(store: Store, folder: Path) -> Registry:
    # Most tests are not about loading, which takes a process for each move.
    return Registry(store, open_blobs(str(folder)), "ann", LoadCheck(is_on=False))


@pytest.fixture
def late(shelf):
    """The model of which all versions are."""
    return shelf.registry["late"]


@pytest.fixture
def three(shelf, late):
    """Versions 1 to 3, each of them in production for a while; now it is 3."""
    for number in (1, 2, 3):
        shelf.add({"weights": f"of version {number}"})
        late.promote(number, reason=f"release {number}")
    return late
