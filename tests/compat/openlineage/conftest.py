"""A store, and the door that events come in by."""

import pytest

from headwater.compat.openlineage import OpenLineage
from headwater.fingerprints import state_of_uri
from headwater.store import open_store


@pytest.fixture
def store():
    with open_store("memory://") as opened:
        yield opened


@pytest.fixture
def door(store):
    return OpenLineage(store, state_of_uri)


@pytest.fixture
def upstream(store):
    """Return what stands above a data version: the next executions' jobs, or versions above them."""

    def look(ref):
        name, _, number = ref.removeprefix("data/").rpartition("/")
        version = store.data.version(name, int(number))
        made = store.links.events_of_artifacts([version.id], are_outputs=True)
        read = store.links.events_of_executions([event.execution_id for event in made], are_outputs=False)
        return [v.ref for v in store.data.by_artifact_ids([event.artifact_id for event in read])]

    return look
