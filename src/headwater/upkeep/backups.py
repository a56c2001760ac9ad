"""Backups: dated copies of the database in a folder, and one shared store of the bytes that they name."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from headwater.errors import CorruptError, NotFoundError, RefusedError
from headwater.model.protocols import BlobStore
from headwater.model.upkeep import DatabaseCopy, Finding
from headwater.store import copy_database, is_empty_database, load_database, needed_bytes, open_store
from headwater.upkeep.bytes_in_use import with_parts
from headwater.upkeep.examining import examine
from headwater.version import VERSION

BLOBS: Final = "blobs"
"""Folder beside the backups for the bytes of all of them."""
_MANIFEST, _DIGESTS, _PARTIAL = "manifest.json", "blobs.txt", ".partial-"
_FORMAT: Final = 1
_TRIES: Final = 5
"""So often a copy is made at most while others collect what it names."""
_STAMP: Final = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup.

    Attributes:
        folder: Where it is.
        moment_ms: All that was acknowledged before this moment is in it.
        store: URL of the store, without its password.
        database: Name of the file that holds the database.
        sha256: Of that file.
        schema: Version of the tables; None where it is not known.
        counts: Rows by table; empty where they are not known.
        ledger_seq: Number of the newest decision.
        ledger_hash: Its hash.
        blobs: How many bytes' digests it names.
        missing: Digests whose bytes were missing or altered already.
    """

    folder: Path
    moment_ms: int
    store: str
    database: str
    sha256: str
    schema: int | None = None
    counts: Mapping[str, int]
    ledger_seq: int = 0
    ledger_hash: str = ""
    blobs: int = 0
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name: the moment, in UTC."""
        return self.folder.name

    def digests(self) -> list[str]:
        """Return the digests of all bytes that belong to it."""
        return (self.folder / _DIGESTS).read_text().split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did.

    Attributes:
        backup: What was restored.
        before: The copy of what was there before; None where nothing was.
        blobs: How many bytes were brought back.
        findings: What an examination of the restored store found.
    """

    backup: Backup
    before: Backup | None
    blobs: int
    findings: tuple[Finding, ...]


def back_up(
    url: str,
    blobs: BlobStore,
    target: Path,
    open_blobs: Callable[[str], BlobStore],
    *,
    clock_ms: Callable[[], int],
    store_name: str,
) -> Backup:
    """Copy a store, while others write.

    The database first, then the bytes that this copy names: those are there by
    then, as bytes are put before they are named, and what is put later is named
    by no row of the copy. The other way round, a row could name bytes that came
    too late. Where somebody removes for good what the copy names, before its
    bytes are copied, the copy is made anew. A backup gets its name when it is
    complete.

    Args:
        url: The store.
        blobs: Its bytes.
        target: Folder of all backups of this store.
        open_blobs: Opens a blob store by its URL.
        clock_ms: Gives the time.
        store_name: The store's URL without its password, for the manifest.

    Raises:
        RefusedError, CorruptError, UnavailableError: as in `headwater.store.copy_database`.
    """
    moment_ms = clock_ms()
    partial = target / f"{_PARTIAL}{moment_ms}-{os.getpid()}"
    partial.mkdir(parents=True)
    try:
        copied, digests, missing = _copy(url, blobs, open_blobs(str(target / BLOBS)), partial)
        _write(partial / _DIGESTS, "\n".join(digests))
        facts = copied.facts
        backup = Backup(
            folder=_name_for(target, moment_ms),
            moment_ms=moment_ms,
            store=store_name,
            database=copied.file.name,
            sha256=_digest(copied.file),
            schema=facts.schema if facts else None,
            counts=facts.counts if facts else {},
            ledger_seq=facts.ledger_seq if facts else 0,
            ledger_hash=facts.ledger_hash if facts else "",
            blobs=len(digests),
            missing=missing,
        )
        _write(partial / _MANIFEST, _manifest(backup))
        partial.rename(backup.folder)
        return backup
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def backups(target: Path) -> list[Backup]:
    """Return the complete backups in a folder, oldest first.

    Raises:
        CorruptError: a manifest cannot be read.
    """
    found = [_read(path.parent) for path in target.glob(f"[!.]*/{_MANIFEST}")]
    return sorted(found, key=lambda backup: backup.moment_ms)


def choose(target: Path, moment_ms: int | None = None) -> Backup:
    """Return the newest backup, or the newest that is not later than a moment; `target` may be one itself.

    Raises:
        NotFoundError: there is none.
    """
    if (target / _MANIFEST).exists():
        return _read(target)
    found = [b for b in backups(target) if moment_ms is None or b.moment_ms <= moment_ms]
    if not found:
        when = "" if moment_ms is None else f" from {_words(moment_ms)} or before"
        raise NotFoundError("backup", f"{target}{when}", near=[b.name for b in backups(target)[:3]])
    return found[-1]


def restore(
    backup: Backup,
    url: str,
    blobs: BlobStore,
    open_blobs: Callable[[str], BlobStore],
    *,
    save: Callable[[], Backup] | None = None,
) -> Restored:
    """Make a store what a backup holds: first its bytes, then its rows, so that no row names missing bytes.

    Args:
        backup: What to restore.
        url: The store to restore into.
        blobs: Its bytes; what is there already stays.
        open_blobs: Opens a blob store by its URL.
        save: Makes a copy of what is there before it is replaced; without it only an empty store is.

    Raises:
        RefusedError: the store is not empty and `save` is missing, or as in `headwater.store.load_database`.
        CorruptError: the backup is damaged, or the restored store does not have what the backup says.
    """
    file = backup.folder / backup.database
    if not file.exists() or _digest(file) != backup.sha256:
        raise CorruptError(f"{file} is not what was written: take another backup")
    before = None
    if not is_empty_database(url):
        if save is None:
            raise RefusedError("the store is not empty: --force replaces it, after a copy was made")
        before = save()
    taken = _bring_back(backup, blobs, open_blobs(str(backup.folder.parent / BLOBS)))
    load_database(url, file)
    with open_store(url) as store:
        facts = store.upkeep.facts()
        wrong = {t: n for t, n in backup.counts.items() if facts.counts.get(t) != n}
        if wrong or (backup.counts and facts.ledger_hash != backup.ledger_hash):
            raise CorruptError(
                f"the restored store differs from its backup in {', '.join(wrong) or 'the ledger'}"
            )
        findings = examine(store, blobs, silent_since_ms=0).findings
    return Restored(backup=backup, before=before, blobs=taken, findings=findings)


def prune(target: Path, open_blobs: Callable[[str], BlobStore], *, keep: int) -> int:
    """Delete all but the newest backups, and the bytes that only the others name; return how many went."""
    found = backups(target)
    old, kept = (found[:-keep], found[-keep:]) if keep else (found, [])
    if not old:
        return 0
    needed = {digest for backup in kept for digest in backup.digests()}
    gone = {digest for backup in old for digest in backup.digests()} - needed
    for backup in old:
        # No longer a backup from the first moment on, whatever stops this.
        (backup.folder / _MANIFEST).unlink()
        shutil.rmtree(backup.folder)
    bytes_of_all = open_blobs(str(target / BLOBS))
    for digest in gone:
        bytes_of_all.delete(digest)
    return len(old)


def _copy(
    url: str, source: BlobStore, target: BlobStore, folder: Path, tries: int = _TRIES
) -> tuple[DatabaseCopy, list[str], tuple[str, ...]]:
    """Copy a store; return the copy of its rows, the digests that it needs, and those that cannot be had."""
    copied = copy_database(url, folder)
    kept, absent, altered = _copy_bytes(source, target, copied)
    if absent and tries > 1 and _have_changed(url, source, copied, absent):
        return _copy(url, source, target, folder, tries - 1)
    return copied, kept, tuple(sorted(absent | altered))


def _have_changed(url: str, source: BlobStore, copied: DatabaseCopy, absent: set[str]) -> bool:
    """Tell whether bytes are absent because of what others did meanwhile.

    They removed for good what the copy names; perhaps they put the same bytes again for something new.
    """
    if not copied.needed <= needed_bytes(url):
        return True
    return not absent.isdisjoint(blob.digest for blob in source.stored())


def _copy_bytes(
    source: BlobStore, target: BlobStore, copied: DatabaseCopy
) -> tuple[list[str], set[str], set[str]]:
    """Copy what is not there yet; return the digests that are kept, absent, and altered."""
    stored = {blob.digest: blob for blob in source.stored()}
    used = with_parts(source, copied.digests, stored)
    parts = used.digests - copied.digests
    absent = {digest for digest in copied.needed | parts if digest not in stored}
    here = {blob.digest: blob.size_bytes for blob in target.stored()}
    kept, altered = list[str](), set[str]()
    for digest in sorted(digest for digest in used.digests if digest in stored):
        try:
            if here.get(digest) != stored[digest].size_bytes:
                target.take(digest, source)
            kept.append(digest)
        except NotFoundError:
            absent.add(digest)
        except CorruptError:
            altered.add(digest)
    return kept, absent, altered


def _bring_back(backup: Backup, target: BlobStore, source: BlobStore) -> int:
    here = {blob.digest for blob in target.stored()}
    missing = [digest for digest in backup.digests() if digest not in here]
    # Files before the folders that name them.
    for digest in sorted(missing, key=lambda digest: (digest.startswith("blake3-tree:"), digest)):
        target.take(digest, source)
    return len(missing)


def _name_for(target: Path, moment_ms: int) -> Path:
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return target / f"{moment:{_STAMP}}.{moment_ms % 1000:03}Z"


def _manifest(backup: Backup) -> str:
    facts = {**asdict(backup), "format": _FORMAT, "headwater": VERSION, "time": _words(backup.moment_ms)}
    del facts["folder"]
    return json.dumps(facts, indent=2, sort_keys=True)


def _read(folder: Path) -> Backup:
    try:
        facts: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
        if facts.pop("format") != _FORMAT:
            raise CorruptError(f"{folder} is a backup of another format: use the headwater that made it")
        for name in ("headwater", "time"):
            del facts[name]
        facts["missing"] = tuple(facts["missing"])
        return Backup(folder=folder, **facts)
    except (ValueError, TypeError, LookupError) as error:
        raise CorruptError(f"{folder / _MANIFEST} cannot be read: {error}") from error


def _words(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _digest(file: Path) -> str:
    hasher = sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()


def _write(file: Path, text: str) -> None:
    with file.open("w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
