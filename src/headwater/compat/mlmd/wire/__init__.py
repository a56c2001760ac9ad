"""MLMD's messages on the wire: their definitions, and classes made of them."""

from headwater.compat.mlmd.wire.pool import SERVICE, STORE, UPKEEP, Definitions, definitions

__all__ = ["SERVICE", "STORE", "UPKEEP", "Definitions", "definitions"]
