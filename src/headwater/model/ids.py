"""Identifiers: 64-bit integers per kind, counted up by the store."""

import secrets
from typing import NewType

TypeId = NewType("TypeId", int)
ArtifactId = NewType("ArtifactId", int)
ExecutionId = NewType("ExecutionId", int)
ContextId = NewType("ContextId", int)
RunId = NewType("RunId", str)
"""32 lower-case hexadecimal digits, made by the client: a run has its id before any store knows it."""


def new_run_id() -> RunId:
    """Make a run id that no other run has (128 random bits)."""
    return RunId(secrets.token_hex(16))


def new_writer_id() -> int:
    """Make an id for one writer of metric batches: 63 random bits, never 0."""
    return secrets.randbits(63) or 1
