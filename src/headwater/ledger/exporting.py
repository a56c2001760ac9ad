"""A ledger and its head as files, for whoever keeps them elsewhere."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headwater.errors import CorruptError, InvalidError
from headwater.ledger.chain import canonical
from headwater.ledger.signing import Signed, signed, verified
from headwater.model.ledger import LedgerHead, LedgerRecord


def all_records(read: Callable[..., Sequence[LedgerRecord]]) -> Iterator[LedgerRecord]:
    """Yield every entry of a ledger, by number.

    Args:
        read: Gives some of the entries after a number, as `LedgerStore.records` does.
    """
    last = 0
    while more := read(after=last):
        yield from more
        last = more[-1].seq


def write_export(path: Path, records: Iterable[LedgerRecord]) -> int:
    """Write entries as JSON, one a line, as they are hashed; a file that is there is replaced.

    Returns:
        How many.
    """
    count = 0
    # Half of a surrogate pair is escaped in JSON, so every text has bytes.
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record._asdict() | {"details": json.loads(record.details)}) + "\n")
            count += 1
    return count


def read_export(path: Path) -> Iterator[LedgerRecord]:
    """Read entries again, in the order of the file.

    Raises:
        CorruptError: a line is no entry; naming it.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                fields = json.loads(line)
                record = LedgerRecord(**(fields | {"details": canonical(fields["details"])}))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise CorruptError(f"line {number} of {path} is no entry of a ledger: {error}") from error
            yield record


def write_head(path: Path, head: LedgerHead, key: Path | None = None) -> None:
    """Write a head as JSON, signed with a private key if one is given.

    Raises:
        InvalidError: the key file holds no Ed25519 private key.
    """
    fields: dict[str, Any] = asdict(head)
    signature = None if key is None else signed(_bytes(head), key)
    path.write_text(json.dumps(fields | (asdict(signature) if signature else {}), indent=1) + "\n")


def read_head(path: Path, key: Path | None = None) -> LedgerHead:
    """Read a head, and check its signature if a public key is given.

    Raises:
        InvalidError: the file holds no head, or the key file no Ed25519 public key.
        CorruptError: the head is not signed, or not by this key.
    """
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        head = LedgerHead(**{name: fields[name] for name in ("store_id", "seq", "hash", "time_ms")})
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidError(
            f"{path} holds no head of a ledger: write one with `headwater ledger head`"
        ) from error
    if key is not None and not verified(_bytes(head), _signature(fields), key):
        raise CorruptError(f"{path} is not signed by the owner of {key}")
    return head


def _bytes(head: LedgerHead) -> bytes:
    return canonical(asdict(head)).encode()


def _signature(fields: dict[str, Any]) -> Signed | None:
    return Signed(signature=str(fields["signature"])) if "signature" in fields else None
