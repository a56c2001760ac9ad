"""ML Metadata's package, answered by Headwater."""

from ml_metadata import errors, metadata_store, proto
from ml_metadata.metadata_store import ListOptions, MetadataStore, OrderByField, downgrade_schema
from ml_metadata.version import __version__

__all__ = [
    "ListOptions",
    "MetadataStore",
    "OrderByField",
    "__version__",
    "downgrade_schema",
    "errors",
    "metadata_store",
    "proto",
]
