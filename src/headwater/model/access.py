"""Who may do what: permissions, and the roles that carry them."""

from enum import IntEnum


class Permission(IntEnum):
    """What a call needs; each one includes those before it."""

    READ = 1
    WRITE = 2
    """Log, upload, register, tag: whatever adds to the record."""
    DECIDE = 3
    """Promote, roll back, approve, delete: whatever the ledger keeps as a decision."""
    ADMIN = 4
    """Accounts, tokens, release processes, upkeep."""
