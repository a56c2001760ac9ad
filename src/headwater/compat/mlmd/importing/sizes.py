"""How much of a batch of nodes goes over in one call."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from headwater.model.graph import Artifact, Context, Execution
from headwater.model.values import PropertyValue, ProtoValue

Node = TypeVar("Node", bound=Artifact | Execution | Context)

MOST: Final = 8 * 2**20
"""Characters and bytes in the values of one call; a server takes 64 MiB, and JSON escapes some sixfold."""


def by_size(nodes: Iterable[Node], *, most: int = MOST) -> Iterator[list[Node]]:
    """Yield nodes in lists, in order: each of values up to some size, or of one node that is larger."""
    piece: list[Node] = []
    total = 0
    for node in nodes:
        size = sum(map(_size, (*node.properties.values(), *node.custom_properties.values())))
        if piece and total + size > most:
            yield piece
            piece, total = [], 0
        piece.append(node)
        total += size
    if piece:
        yield piece


def _size(value: PropertyValue) -> int:
    match value:
        case str() | bytes():
            return len(value)
        case ProtoValue():
            return len(value.value)
        case dict() | list():
            return len(str(value))
        case _:
            return 0
