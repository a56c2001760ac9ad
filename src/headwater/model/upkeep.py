"""Looking after a store: what was deleted, what may be removed for good, what is broken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headwater.model.graph import NodeKind
from headwater.model.ids import ArtifactId


def date_words(time_ms: int) -> str:
    """Return a time to the minute, in UTC.

    Example:
        >>> date_words(1_700_000_000_000)
        '2023-11-14 22:13Z'
    """
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A node that somebody deletes or restores.

    Attributes:
        ref: Its reference, such as `runs/ID`; the ledger names it so.
        parts: Artifacts that share its fate.
    """

    kind: NodeKind
    id: int
    ref: str
    parts: tuple[ArtifactId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a node that was removed for good.

    Attributes:
        name: Its name; of a run the run's name.
        uri: Its URI; of a run its reference, such as `runs/ID`.
    """

    kind: NodeKind
    node_id: int
    type_name: str
    name: str | None = None
    uri: str | None = None
    digest: str | None = None
    created_ms: int
    deleted_ms: int
    removed_ms: int

    @property
    def obituary(self) -> str:
        """When it was deleted and removed, in words."""
        deleted, removed = date_words(self.deleted_ms), date_words(self.removed_ms)
        return f"it was deleted on {deleted} and removed for good on {removed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """How old something has to be before it is removed for good; times are milliseconds since the epoch.

    Attributes:
        nodes_ms: Nodes that were deleted, or given up while PENDING, up to this moment.
        keys_ms: Idempotency keys that were used up to this moment.
    """

    nodes_ms: int
    keys_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What would be removed, or was.

    Attributes:
        nodes: How many nodes of each type, by its name.
        points: Metric points of the runs among them.
        kept: References of versions that stay although somebody deleted them, and why.
        keys: Idempotency keys.
    """

    nodes: Mapping[str, int] = field(default_factory=dict[str, int])
    points: int = 0
    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    keys: int = 0

    @property
    def count(self) -> int:
        """Nodes of all types."""
        return sum(self.nodes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedBytes:
    """Bytes that a node says it has.

    Attributes:
        owner: Reference of the node, such as `artifacts/17`.
        size_bytes: None where the node does not say.
    """

    owner: str
    digest: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        check: Name of the check that found it, such as `events-without-node`.
        problem: What is wrong, in words.
        count: How many there are.
        examples: The first few, as references or keys.
        repair: What a repair does about it; None where only a person can decide.
        is_fault: False for something to know that breaks nothing.
    """

    check: str
    problem: str
    count: int
    examples: tuple[str, ...] = ()
    repair: str | None = None
    is_fault: bool = True


DATABASE_FILE: Final = "database-file"
"""The check that fails when a file's own structure is damaged, and no row can be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCopy:
    """A copy of a whole database.

    Attributes:
        facts: What is in it; None where the program that made it cannot tell.
        digests: At least every digest that it names.
        needed: Those among them whose bytes have to be there.
    """

    file: Path
    facts: "StoreFacts | None"
    digests: frozenset[str]
    needed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """What two copies of a store have in common.

    Attributes:
        schema: Version of the tables.
        counts: Rows by table, in one moment.
        ledger_seq: Number of the newest decision; 0 without any.
        ledger_hash: Its hash.
    """

    schema: int
    counts: Mapping[str, int]
    ledger_seq: int = 0
    ledger_hash: str = ""
