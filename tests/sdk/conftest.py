"""A project folder of its own for every test, and no client left over from another."""

import pytest

from headwater import sdk


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in an empty project, where no variable chooses a store."""
    monkeypatch.delenv("HEADWATER_STORE", raising=False)
    monkeypatch.delenv("HEADWATER_BLOBS", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sdk, "_current", sdk.Current())
    yield folder
    if sdk._current._client is not None:
        sdk._current._client.close()


@pytest.fixture(params=["memory", "sqlite"])
def connected(request, tmp_path):
    """A client that `headwater` uses."""
    return sdk.connect("memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'store.db'}")
