"""Rows of data versions, where the blob store has them."""

import tempfile
from pathlib import Path
from typing import Any

from headwater.errors import CorruptError, NotFoundError
from headwater.fingerprints.rows import rows_between
from headwater.model.ids import ArtifactId
from headwater.model.protocols import BlobStore, Store
from headwater.provenance.changes import RowChange
from headwater.provenance.history import Material
from headwater.tracking import Dataset
from headwater.tracking.frame_files import read_frame


def row_change(store: Store, blobs: BlobStore, before: Material, after: Material) -> RowChange | None:
    """Count the rows that differ between two data versions; None where the bytes of one are not stored.

    Raises:
        MissingDependencyError: no library is installed that reads the tables.
    """
    tables = [_table(store, blobs, material) for material in (before, after)]
    if any(table is None for table in tables):
        return None
    added, removed = rows_between(*tables)
    return RowChange(added=added, removed=removed)


def _table(store: Store, blobs: BlobStore, material: Material) -> Any:
    found = store.data.by_artifact_ids([ArtifactId(material.id)])
    if not found or material.stored_digest is None:
        return None
    data = Dataset(data_version=found[0], blobs=blobs)
    try:
        if data.kind in {"frame", "array"}:
            return data.load()
        # Of other files only Parquet says by itself what its rows are.
        return _parquet(data) if found[0].properties.get("format") == "parquet" else None
    except (NotFoundError, CorruptError):
        return None


def _parquet(data: Dataset) -> Any:
    with tempfile.TemporaryDirectory(prefix="headwater-data-") as folder:
        return read_frame(data.fetch(Path(folder) / "data.parquet"))
