"""Which version of a data set an event is about.

A version is a state of data: what the facet `version` says or, without it, what one run left behind.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import msgspec

from headwater.compat.openlineage.events import Dataset
from headwater.compat.openlineage.facets import Facets, count, merged, part, stored_facets, text
from headwater.compat.openlineage.names import address_of, data_set_name
from headwater.model import builtin
from headwater.model.data import DataVersion, NewDataVersion
from headwater.model.graph import ArtifactChange, ContextChange, Event, EventType, NodeKind
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.protocols import Store
from headwater.model.values import Json, Properties, PropertyValue

Identify: TypeAlias = Callable[[str, str], tuple[str, str]]
"""From an address and the state of what is there to the address without a password, and a digest."""

FIRST_SEEN: Final = "first seen"
"""The state of data that were read before anything told that somebody wrote them."""


class DataStates:
    """Finds and records versions of data sets.

    Args:
        store: Where they are.
        identify: Gives digests; the same as for native code, so that both find the same versions.
    """

    def __init__(self, store: Store, identify: Identify) -> None:
        self._store, self._identify = store, identify

    def without_password(self, dataset: Dataset) -> Dataset:
        """Return a data set as it may be kept, and as all else here takes it."""
        return msgspec.structs.replace(dataset, namespace=self._identify(dataset.namespace, "")[0])

    def written(self, dataset: Dataset, run_id: UUID) -> DataVersion:
        """Return the version that a run made."""
        return self._version(dataset, _told(dataset) or f"written by {run_id}")

    def read(self, dataset: Dataset, time_ms: int, own: Iterable[Event]) -> DataVersion:
        """Return the version that was read: that which the event names, else the newest at its time.

        Args:
            dataset: What was read.
            time_ms: When.
            own: The events of the run that reads, of which a version it has read already stays the one.
        """
        if told := _told(dataset):
            return self._version(dataset, told)
        name = data_set_name(address_of(dataset))
        mine = [event for event in own if event.path[:1] == (name,)]
        known = [event.artifact_id for event in mine if event.type is EventType.INPUT]
        for version in self._store.data.by_artifact_ids(known) if known else ():
            return self._learn(version, dataset)
        made = {event.artifact_id for event in mine if event.type is EventType.OUTPUT}
        found = self._newest(name, time_ms, made)
        return self._version(dataset, FIRST_SEEN) if found is None else self._learn(found, dataset)

    def current(self, dataset: Dataset, time_ms: int) -> DataVersion:
        """Return the version that something is said of without a run."""
        return self.read(dataset, time_ms, ())

    def _version(self, dataset: Dataset, state: str) -> DataVersion:
        address, digest = self._identify(address_of(dataset), state)
        name = data_set_name(address)
        known = [a.id for a in self._store.artifacts.by_digests([digest]) if a.deleted_ms is None]
        versions = self._store.data.by_artifact_ids(known) if known else []
        # A program that recorded this state by itself may call it otherwise.
        for version in sorted(versions, key=lambda version: version.name != name):
            return self._learn(version, dataset)
        new = NewDataVersion(
            name=name,
            digest=digest,
            uri=address,
            size_bytes=count(dataset.all_facets, "outputStatistics", "size"),
            properties={"kind": "uri", "source": address} | _facts(merged({}, dataset.all_facets)),
        )
        return self._described(self._store.data.add_version(new), dataset)

    def _newest(self, name: str, time_ms: int, made: set[ArtifactId]) -> DataVersion | None:
        """Return the version that was written last before a moment; what nobody wrote was there always.

        Numbers do not tell: events of long ago may come after those of today.
        """
        data_set = self._data_set(name)
        if data_set is None:
            return None
        ties = self._store.links.artifacts_of_contexts([data_set])
        written = dict.fromkeys((tie.artifact_id for tie in ties if tie.artifact_id not in made), 0)
        later = set[ArtifactId]()
        for event in self._store.links.events_of_artifacts([*written], are_outputs=True):
            artifact, when_ms = event.artifact_id, event.time_ms or 0
            if when_ms > time_ms:
                later.add(artifact)
            else:
                written[artifact] = max(written[artifact], when_ms)
        before = [artifact for artifact in written if written[artifact] or artifact not in later]
        for artifact in sorted(before, key=lambda artifact: (written[artifact], artifact), reverse=True):
            for version in self._store.data.by_artifact_ids([artifact]):
                if version.deleted_ms is None and version.removed_ms is None:
                    return version
        return None

    def _data_set(self, name: str) -> ContextId | None:
        kind = self._store.types.find(NodeKind.CONTEXT, builtin.DATA_SET.name)
        found = self._store.contexts.find(kind.id, name) if kind is not None else None
        return found.id if found is not None else None

    def _learn(self, version: DataVersion, dataset: Dataset) -> DataVersion:
        """Add to a version what an event tells of it."""
        if _news(version.properties, dataset):
            # Read again with its revision: another event may tell something else of it at this moment.
            for stored in self._store.artifacts.get([version.id]):
                news = _news(stored.properties, dataset)
                change = ArtifactChange(id=version.id, properties=news, expect_revision=stored.revision)
                self._store.artifacts.update([change])
        return self._described(version, dataset)

    def _described(self, version: DataVersion, dataset: Dataset) -> DataVersion:
        """Say what the data set is, if nobody did before."""
        if words := text(dataset.all_facets, "documentation", "description"):
            [data_set] = self._store.contexts.get([version.dataset_id])
            if "description" not in data_set.properties:
                change = ContextChange(id=version.dataset_id, properties={"description": words})
                self._store.contexts.update([change])
        return version


def _told(dataset: Dataset) -> str | None:
    found = part(dataset.facets or {}, "version", "datasetVersion")
    return str(found) if isinstance(found, str | int) and found != "" else None


def _news(properties: Properties, dataset: Dataset) -> dict[str, PropertyValue]:
    """Return the facts that are not among a version's properties yet."""
    facts = _facts(merged(stored_facets(properties), dataset.all_facets))
    return {name: value for name, value in facts.items() if properties.get(name) != value}


def _facts(facets: Facets) -> dict[str, PropertyValue]:
    """Return what facets say in the words that native code has for it, and the facets themselves."""
    rows = count(facets, "outputStatistics", "rowCount")
    facts: dict[str, PropertyValue | None] = {
        "row_count": count(facets, "dataQualityMetrics", "rowCount") if rows is None else rows,
        "schema": _columns(facets) or None,
        "facets": dict(facets) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _columns(facets: Facets) -> list[Json]:
    found = part(facets, "schema", "fields")
    fields = (
        [cast(Facets, each) for each in cast(list[Any], found) if isinstance(each, dict)]
        if isinstance(found, list)
        else []
    )
    return [
        {"name": str(field["name"]), "dtype": str(field.get("type") or "")}
        for field in fields
        if "name" in field
    ]
