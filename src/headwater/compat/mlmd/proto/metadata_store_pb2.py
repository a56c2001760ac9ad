"""The messages of metadata_store.proto, where generated code would have them."""

from typing import Any

from headwater.compat.mlmd.wire import STORE, definitions

_names = definitions().names(STORE)
globals().update(_names)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"metadata_store.proto defines no {name!r}")


def __dir__() -> list[str]:
    return sorted(_names)
