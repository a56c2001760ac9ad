"""Tells `headwater.compat.mlmd`, by being here, that `ml_metadata` is this package and not the original."""
