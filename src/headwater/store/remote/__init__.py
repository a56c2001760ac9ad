"""The store behind a server's HTTP address."""

from headwater.store.remote.store import RemoteStore

__all__ = ["RemoteStore"]
