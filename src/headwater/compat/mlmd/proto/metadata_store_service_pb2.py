"""The messages of metadata_store_service.proto, where generated code would have them."""

from typing import Any

from headwater.compat.mlmd.wire import SERVICE, definitions

_names = definitions().names(SERVICE)
globals().update(_names)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"metadata_store_service.proto defines no {name!r}")


def __dir__() -> list[str]:
    return sorted(_names)
