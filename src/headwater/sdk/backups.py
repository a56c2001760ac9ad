"""The backups of one store: database and bytes by the addresses of a project."""

from dataclasses import dataclass
from pathlib import Path

from headwater.model.protocols import BlobStore
from headwater.model.times import now_ms
from headwater.sdk.project import Places
from headwater.tracking.session import without_password
from headwater.upkeep import Backup, Restored, back_up, backups, choose, prune, restore


@dataclass(frozen=True, slots=True)
class BackupSet:
    """A folder with dated backups of a store."""

    places: Places
    folder: Path

    def take(self) -> Backup:
        """Make a backup now, while others write.

        Raises:
            RefusedError: a program that dumps the database is missing or failed.
            CorruptError: the database's file is damaged.
        """
        return back_up(
            self.places.store,
            _open_blobs(self.places.blobs),
            self.folder,
            _open_blobs,
            clock_ms=now_ms,
            store_name=without_password(self.places.store),
        )

    def all(self) -> list[Backup]:
        """Return all complete backups, oldest first."""
        return backups(self.folder)

    def restore(self, moment_ms: int | None = None, *, force: bool = False) -> Restored:
        """Bring the newest backup back, or the newest that is not later than a moment.

        Args:
            moment_ms: The moment.
            force: Replace a store that is not empty, after another backup of it was made.

        Raises:
            NotFoundError: there is no such backup.
            RefusedError: the store is not empty.
            CorruptError: the backup is damaged.
        """
        chosen = choose(self.folder, moment_ms)
        blobs = _open_blobs(self.places.blobs)
        # A folder may be one backup, and its neighbours lie beside it.
        beside = BackupSet(self.places, chosen.folder.parent)
        return restore(chosen, self.places.store, blobs, _open_blobs, save=beside.take if force else None)

    def prune(self, keep: int) -> int:
        """Delete all but the newest backups; return how many went."""
        return prune(self.folder, _open_blobs, keep=keep)


def _open_blobs(url: str) -> BlobStore:
    from headwater.blobs import open_blobs

    return open_blobs(url)
