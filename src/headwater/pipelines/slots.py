"""Names of what runs: a call of a step in one run of a pipeline, and its attempts."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from headwater.errors import InvalidError
from headwater.model.ids import RunId

_INDEXED: Final = re.compile(r"(?P<node>.+)\[(?P<index>[0-9]+)\]")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One call: a node of the graph, or one element of a node that is mapped over a list."""

    node: str
    index: int | None = None

    def __str__(self) -> str:
        return self.node if self.index is None else f"{self.node}[{self.index}]"


def parse_slot(text: str) -> Slot:
    """Read a slot as it is printed.

    Example:
        >>> parse_slot("monthly/train[3]")
        Slot(node='monthly/train', index=3)
    """
    if not text:
        raise InvalidError("the name of a step is missing")
    if m := _INDEXED.fullmatch(text):
        return Slot(m["node"], int(m["index"]))
    return Slot(text)


def attempt_run_id(seed: str, slot: Slot, attempt: int) -> RunId:
    """Return the run id of an attempt: whoever wants to make the same attempt gets the same."""
    text = f"{seed}/{slot}/{attempt}".encode("utf-8", "surrogatepass")
    return RunId(hashlib.sha256(text).hexdigest()[:32])
