"""What a node is called in a picture."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from headwater.model.graph import Artifact, Execution
from headwater.model.refs import NodeIdRef

Label: TypeAlias = Callable[[Artifact | Execution], str]
"""Gives a node's text; one that knows models and data sets can show `models/late-flights/3`."""


def default_label(node: Artifact | Execution) -> str:
    """Return a node's type, name and reference, such as `mlmd.Model late-flights (artifacts/17)`."""
    kind = "artifacts" if isinstance(node, Artifact) else "executions"
    name = node.name or (node.uri if isinstance(node, Artifact) else None)
    mark = None if node.removed_ms is None else f"[removed {_day(node.removed_ms)}]"
    return " ".join(part for part in (node.type_name, name, f"({NodeIdRef(kind, node.id)})", mark) if part)


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}"


def printable(text: str) -> str:
    """Return text on one line, without characters that could steer a terminal or break a format."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
