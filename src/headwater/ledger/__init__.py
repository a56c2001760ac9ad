"""The ledger as evidence: how its entries are chained, checked, exported and signed."""

from headwater.ledger.chain import FIRST_HASH, Fault, Verification, record_hash, record_of, verify
from headwater.ledger.exporting import all_records, read_export, read_head, write_export, write_head
from headwater.ledger.signing import make_keys

__all__ = [
    "FIRST_HASH",
    "Fault",
    "Verification",
    "all_records",
    "make_keys",
    "read_export",
    "read_head",
    "record_hash",
    "record_of",
    "verify",
    "write_export",
    "write_head",
]
