"""Answers that are made bit by bit."""

from collections.abc import Iterable, Iterator
from typing import Final

PIECE_BYTES: Final = 2**20


def in_pieces(bits: Iterable[bytes]) -> Iterator[bytes]:
    """Put short bits together into pieces of about a mebibyte: each one that is sent changes threads."""
    waiting: list[bytes] = []
    size = 0
    for bit in bits:
        waiting.append(bit)
        size += len(bit)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
