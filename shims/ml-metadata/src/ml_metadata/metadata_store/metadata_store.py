"""The store, where the original has it."""

from headwater.compat.mlmd.metadata_store import (
    ExtraOptions,
    ListOptions,
    MetadataStore,
    OrderByField,
    downgrade_schema,
)

__all__ = ["ExtraOptions", "ListOptions", "MetadataStore", "OrderByField", "downgrade_schema"]
