"""Examination: are the store's rules kept, and are the bytes that it names there, whole and unaltered?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.errors import CorruptError, NotFoundError
from headwater.model.blobs import StoredBlob
from headwater.model.protocols import BlobStore, Store
from headwater.model.upkeep import DATABASE_FILE, Finding, NamedBytes
from headwater.upkeep.bytes_in_use import entries_of, is_folder

EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What an examination found.

    Attributes:
        findings: What is wrong, and what is worth knowing.
        counts: Rows by table: what was looked at.
        blobs: How many different bytes the store names.
    """

    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    blobs: int

    @property
    def is_clean(self) -> bool:
        """True when nothing is broken."""
        return not any(finding.is_fault for finding in self.findings)


def examine(
    store: Store,
    blobs: BlobStore,
    *,
    silent_since_ms: int,
    is_deep: bool = False,
    notes: Sequence[Finding] = (),
) -> Examination:
    """Look for broken rules, and for bytes that are missing or altered; nothing is changed.

    Args:
        store: The metadata.
        blobs: The bytes.
        silent_since_ms: A run that runs and gave no sign of life since is stale.
        is_deep: Read all bytes and all metric points, and compare them with their digests.
        notes: Findings from elsewhere, such as journals that wait.
    """
    findings = store.upkeep.check(silent_since_ms=silent_since_ms, is_deep=is_deep)
    if any(finding.check == DATABASE_FILE for finding in findings):
        return Examination(findings=(*findings, *notes), counts={}, blobs=0)
    named = [*store.upkeep.named_bytes()]
    # Listed after the names were read: bytes are put before they are named.
    if broken := _check_bytes(blobs, named, is_deep=is_deep):
        # Once more without what was removed for good meanwhile, with its bytes.
        still = {*store.upkeep.named_bytes()}
        broken = _check_bytes(blobs, [one for one in named if one in still], is_deep=is_deep)
    findings += broken
    return Examination(
        findings=(*findings, *notes),
        counts=store.upkeep.facts().counts,
        blobs=len({one.digest for one in named}),
    )


def repair(store: Store, *, silent_since_ms: int, is_deep: bool = False) -> list[Finding]:
    """Mend what the store can mend by itself; missing and altered bytes come back only from a backup.

    Returns:
        What was found and mended.
    """
    return store.upkeep.repair(silent_since_ms=silent_since_ms, is_deep=is_deep)


def _check_bytes(blobs: BlobStore, named: Iterable[NamedBytes], *, is_deep: bool) -> list[Finding]:
    owners: dict[str, list[str]] = defaultdict(list)
    for one in named:
        owners[one.digest].append(one.owner)
    stored = {blob.digest: blob for blob in blobs.stored()}
    missing: dict[str, str] = {}
    altered: dict[str, str] = {}
    files: dict[str, str] = {}
    for digest in owners:
        if digest not in stored:
            missing[digest] = digest
        elif is_folder(digest):
            _check_folder(blobs, digest, stored, missing, altered, files)
        else:
            files[digest] = digest
    if is_deep:
        altered |= _altered(blobs, {d: top for d, top in files.items() if d not in missing})
    return [
        *_byte_findings("bytes-missing", "bytes that the store names and nobody has", missing, owners),
        *_byte_findings("bytes-altered", "bytes that are not those of their digest", altered, owners),
    ]


def _check_folder(
    blobs: BlobStore,
    folder: str,
    stored: Mapping[str, StoredBlob],
    missing: dict[str, str],
    altered: dict[str, str],
    files: dict[str, str],
) -> None:
    """Look at the files of a folder; the dictionaries lead from a digest to what an artifact names."""
    try:
        entries = entries_of(blobs, folder)
    except NotFoundError:
        missing[folder] = folder
        return
    except CorruptError:
        altered[folder] = folder
        return
    for entry in entries:
        found = stored.get(entry.digest)
        if found is None:
            missing[entry.digest] = folder
        elif found.size_bytes != entry.size_bytes:
            altered[entry.digest] = folder
        else:
            files.setdefault(entry.digest, folder)


def _altered(blobs: BlobStore, files: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for digest, top in files.items():
        try:
            blobs.verify(digest)
        except CorruptError:
            found[digest] = top
        except NotFoundError:
            # Removed since it was listed, with all that named it.
            continue
    return found


def _byte_findings(
    check: str, problem: str, broken: Mapping[str, str], owners: Mapping[str, Sequence[str]]
) -> list[Finding]:
    if not broken:
        return []
    examples = [f"{owners[top][0]} {digest}" for digest, top in sorted(broken.items())]
    return [Finding(check=check, problem=problem, count=len(broken), examples=tuple(examples[:EXAMPLES]))]
