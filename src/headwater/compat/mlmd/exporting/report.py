"""What came of an export: rows by table, and what ML Metadata cannot say."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BYTES: Final = "bytes, written as google.protobuf.BytesValue"
LISTS: Final = "lists, written as google.protobuf.ListValue"
DIGITS: Final = "doubles of which ML Metadata reads 15 digits (the file has them all)"
NEGATIVE_ZERO: Final = "negative zeros, written as 0.0"
NUMBERS: Final = "whole numbers in structs that no double holds, written as the nearest one or as text"
NUL: Final = "texts with NUL, of which ML Metadata reads what stands before it (the file has all)"
NOT_UNICODE: Final = "texts with half of a surrogate pair, written with a backslash escape"
DELETED_ARTIFACTS: Final = "artifacts that are marked as deleted, written in state DELETED"
DELETED: Final = "executions and contexts that are marked as deleted, of which ML Metadata shows no mark"

MARKED: Final = "texts that ML Metadata takes for something else (__MLMD_NULL__, mlmd-struct::…)"
NO_URL: Final = "messages without the URL of their type, which ML Metadata cannot read"
TOO_DEEP: Final = "structs and lists that are nested too deep for a message"
PARAMS: Final = "params of executions"
CONTENT: Final = "digests and sizes of artifacts"
BASES: Final = "base types that are no system types"
EVENTS: Final = "events of executions that were removed for good"
_TABLES: Final = {
    "run": "runs: their status, times and people (their executions are there)",
    "series": "metrics of runs",
    "version": "numbers and stages of model and data versions (their artifacts are there)",
    "alias": "aliases of versions",
    "deprecation": "deprecations",
    "approval_request": "approval requests",
    "approval_vote": "votes",
    "ledger": "decisions of the ledger",
    "tombstone": "what is left of nodes that were removed for good",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What came of an export.

    Attributes:
        file: Where it is.
        tables: Rows by ML Metadata's names of its tables.
        altered: What is in the file in another form, and how often.
        left_out: What is not in the file, and how often.
    """

    file: Path
    tables: Counter[str] = field(default_factory=Counter[str])
    altered: Counter[str] = field(default_factory=Counter[str])
    left_out: Counter[str] = field(default_factory=Counter[str])

    def leave_out(self, counts: dict[str, int]) -> None:
        """Count the rows of the store's tables that ML Metadata has no place for."""
        for table, words in _TABLES.items():
            if counts.get(table):
                self.left_out[words] += counts[table]
        lost = counts.get("event", 0) - self.tables["Event"]
        if lost > 0:
            self.left_out[EVENTS] += lost
