"""MLMD's Python API."""

from headwater.compat.mlmd.metadata_store import mlmd_types
from headwater.compat.mlmd.metadata_store.calls import ExtraOptions
from headwater.compat.mlmd.metadata_store.lists import ListOptions, OrderByField
from headwater.compat.mlmd.metadata_store.store import MetadataStore, downgrade_schema

__all__ = [
    "ExtraOptions",
    "ListOptions",
    "MetadataStore",
    "OrderByField",
    "downgrade_schema",
    "mlmd_types",
]
