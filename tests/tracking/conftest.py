"""A session on a memory store whose connection can be cut."""

import pytest

from headwater.blobs import open_blobs
from headwater.store import open_store
from headwater.tracking import Session, TrackingSettings
from tests.tracking.switched import SwitchedStore

QUICK = TrackingSettings(flush_interval_s=0.01, retry_max_s=0.02, exit_timeout_s=20, heartbeat_s=0.01)


@pytest.fixture
def settings():
    return QUICK


@pytest.fixture
def store():
    with open_store("memory://") as opened:
        yield SwitchedStore(opened)


@pytest.fixture
def session(store, tmp_path, settings):
    with Session(
        store,
        open_blobs("memory://"),
        journals=tmp_path / "journal",
        project_root=tmp_path,
        settings=settings,
    ) as opened:
        yield opened
        store.is_down = False
