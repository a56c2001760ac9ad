"""The data gate for a client: data versions by reference, verdicts in its store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.errors import InvalidError
from headwater.model.data import DataVersion
from headwater.model.protocols import BlobStore, Store
from headwater.model.refs import DataRef, parse_ref
from headwater.model.verdicts import Outcome, Verdict
from headwater.registry import version_of
from headwater.tracking import Dataset

# Loaded when it is asked for: `import headwater` should not wait for it.
if TYPE_CHECKING:
    from headwater.validation.data import DataVerdict, Distance, Schema, Statistics


@dataclass(frozen=True, slots=True)
class DataGate:
    """Judges data versions of a store; made by a client."""

    store: Store
    blobs: BlobStore
    actor: str

    def open(self, ref: str) -> Dataset:
        """Return the data version that `data/flights/2` names; `data/flights` is the newest.

        Raises:
            InvalidError: it is no such reference.
            NotFoundError: there is no such version.
        """
        parsed = parse_ref(ref)
        if not isinstance(parsed, DataRef):
            raise InvalidError(f"{ref!r} is no data set: name it as data/NAME or data/NAME/2")
        found = self.store.data.version(parsed.name, parsed.version)
        return Dataset(data_version=found, blobs=self.blobs)

    def statistics(
        self, data: str | Path | Dataset, *, slices: Sequence[str | Sequence[str]] = ()
    ) -> "Statistics":
        """Measure a data version, or a file; nothing is recorded.

        Raises:
            InvalidError, NotFoundError, MissingDependencyError: as in `headwater.validation.data.statistics`.
        """
        from headwater.validation.data import statistics

        return statistics(self._data(data), slices=slices)

    def validate(
        self,
        data: str | Path | Dataset,
        schema: "Schema | str | Path",
        *,
        previous: object = None,
        serving: object = None,
        environment: str | None = None,
        slices: Sequence[str | Sequence[str]] = (),
    ) -> "DataVerdict":
        """Judge data; of a data version the verdict is recorded, of a file it is not.

        Args:
            data: A data version, its reference, or the path of a file or folder.
            schema: What it should hold, or the path of a schema file.
            previous: The version before, as `data` or statistics; by default the newest earlier version
                of the same data set that passed, if there is one.
            serving: What is served, as `data` or statistics.
            environment: One of the schema's.
            slices: Columns whose every value is measured apart, for the record.

        Raises:
            InvalidError, NotFoundError, MissingDependencyError: as in `headwater.validation.data.validate`.
        """
        from headwater.validation.data import validate

        judged = self._data(data)
        before = self._data(previous) if previous is not None else None
        if before is None and isinstance(judged, Dataset):
            before = self.last_passed(judged)
        return validate(
            judged,
            schema,
            previous=before,
            serving=self._data(serving) if serving is not None else None,
            environment=environment,
            slices=slices,
            into=self if isinstance(judged, Dataset) else None,
        )

    def last_passed(self, data: Dataset) -> Dataset | None:
        """Return the newest earlier version of the same data set whose newest verdict is a pass."""
        from headwater.validation.data import newest_verdicts

        earlier = [v for v in self.store.data.versions(data.name) if v.version < data.version]
        verdicts = newest_verdicts(self.store, [v.id for v in earlier]) if earlier else {}
        passed: list[DataVersion] = [
            v for v in earlier if v.id in verdicts and verdicts[v.id].outcome is Outcome.PASS
        ]
        return Dataset(data_version=passed[-1], blobs=self.blobs) if passed else None

    def distances(self, data: str | Path | Dataset, other: str | Path | Dataset) -> "list[Distance]":
        """Return how far the columns of two tables are apart; nothing is recorded.

        Raises:
            InvalidError, NotFoundError, MissingDependencyError: as in `headwater.validation.data.distances`.
        """
        from headwater.validation.data import distances

        return distances(self._data(data), self._data(other))

    def vouch_for(self, ref: str, *, names: Sequence[str] = ()) -> Verdict:
        """Give a model version the data verdict that follows from those on the data behind it.

        Args:
            ref: Such as `models/late-flights/3`.
            names: Which data sets have to be judged, as patterns; by default all in its lineage.

        Raises:
            NotFoundError: there is no such version.
            RefusedError: it is deleted.
        """
        from headwater.validation.data import vouch_for

        return vouch_for(self, version_of(self.store, ref), names=names)

    def _data(self, data: object) -> object:
        return self.open(data) if isinstance(data, str) and data.startswith("data/") else data
