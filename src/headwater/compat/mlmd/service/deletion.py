"""Calls that delete and restore nodes, which MLMD never had."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from headwater import errors
from headwater.compat.mlmd.errors import InvalidArgumentError, NotFoundError
from headwater.compat.mlmd.service.kinds import KINDS, Kind, Message
from headwater.compat.mlmd.wire import definitions
from headwater.model.protocols import Store
from headwater.upkeep import delete_nodes, restore_nodes

REASON: Final = "through ML Metadata's API"
"""Stands in the ledger when a client gives no reason."""
UNKNOWN: Final = "unknown"
"""Stands there when nobody says who decides."""


class DeletionCalls:
    """The calls of `headwater.mlmd.UpkeepService`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        found: dict[str, Callable[[Any], Any]] = {}
        for kind in KINDS:
            found[f"Delete{kind.title}s"] = partial(self._change, delete_nodes, kind)
            found[f"Restore{kind.title}s"] = partial(self._change, restore_nodes, kind)
        return found

    def _change(self, change: Callable[..., None], kind: Kind, request: Message) -> Message:
        ids: Sequence[int] = sorted(set(request.ids))
        if request.HasField("reason") and not request.reason.strip():
            raise InvalidArgumentError("the reason is blank: say why, or leave it out")
        try:
            change(
                self._store,
                kind.kind,
                ids,
                actor=request.actor or UNKNOWN,
                reason=request.reason or REASON,
            )
        except errors.NotFoundError as missing:
            raise NotFoundError(str(missing)) from missing
        return definitions().class_of("headwater.mlmd.DeletionResponse")()
