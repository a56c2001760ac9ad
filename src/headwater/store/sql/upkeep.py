"""What looks after the store, put together."""

from collections.abc import Iterable, Sequence

from headwater.model.graph import NodeKind
from headwater.model.upkeep import Expiry, Finding, NamedBytes, Removal, StoreFacts, Subject, Tombstone
from headwater.store.sql import byte_uses, setup
from headwater.store.sql.database import Database
from headwater.store.sql.integrity import Integrity
from headwater.store.sql.removal import Remover


class Upkeep:
    """`UpkeepStore` in SQL."""

    def __init__(self, db: Database, remover: Remover, integrity: Integrity) -> None:
        self._db = db
        self._remover = remover
        self._integrity = integrity

    def delete(self, subjects: Sequence[Subject], /, *, actor: str, reason: str) -> None:
        self._remover.mark(subjects, self._db.clock_ms(), actor=actor, reason=reason)

    def restore(self, subjects: Sequence[Subject], /, *, actor: str, reason: str) -> None:
        self._remover.mark(subjects, None, actor=actor, reason=reason)

    def tombstones(self, kind: NodeKind, ids: Sequence[int], /) -> list[Tombstone]:
        return self._remover.tombstones(kind, ids)

    def removed_runs(self, prefix: str, /, *, limit: int = 10) -> list[Tombstone]:
        return self._remover.removed_runs(prefix, limit=limit)

    def removable(self, expiry: Expiry, /) -> Removal:
        return self._remover.removable(expiry)

    def remove(self, expiry: Expiry, /, *, limit: int = 500) -> Removal:
        return self._remover.remove(expiry, limit=limit)

    def digests_in_use(self) -> set[str]:
        with self._db.read() as conn:
            return byte_uses.digests_in_use(conn)

    def named_bytes(self) -> Iterable[NamedBytes]:
        with self._db.read() as conn:
            return [*byte_uses.named_bytes(conn)]

    def check(self, *, silent_since_ms: int, is_deep: bool = False) -> list[Finding]:
        return self._integrity.check(silent_since_ms=silent_since_ms, is_deep=is_deep)

    def repair(self, *, silent_since_ms: int, is_deep: bool = False) -> list[Finding]:
        return self._integrity.repair(silent_since_ms=silent_since_ms, is_deep=is_deep)

    def facts(self) -> StoreFacts:
        return self._integrity.facts()

    def check_schema(self) -> None:
        setup.check_schema(self._db)
