"""ML Metadata's Python API."""

from ml_metadata.metadata_store import metadata_store, mlmd_types
from ml_metadata.metadata_store.metadata_store import (
    ExtraOptions,
    ListOptions,
    MetadataStore,
    OrderByField,
    downgrade_schema,
)

__all__ = [
    "ExtraOptions",
    "ListOptions",
    "MetadataStore",
    "OrderByField",
    "downgrade_schema",
    "metadata_store",
    "mlmd_types",
]
