"""Conditions on rows that are joined to a node, in SQL's logic: what MLMD's filter queries mean.

Beside the tests of `filters`, which ask whether some related node meets one
condition, several conditions here can be about the same related row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias


class Side(Enum):
    """What a row is to the node."""

    OWN = "own"
    """The node itself."""
    PROPERTY = "properties"
    """One of its declared properties."""
    TAG = "custom_properties"
    """One of its free properties."""
    CONTEXTS = "contexts"
    EVENTS = "events"
    PARENTS = "parent_contexts"
    CHILDREN = "child_contexts"
    ARTIFACTS = "artifacts"
    EXECUTIONS = "executions"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is joined to the node; equal ones are the same row.

    Attributes:
        side: What it is to the node.
        alias: The name of the property, or any word that tells one related row from another.
    """

    side: Side
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a row.

    An attribute of a node; `type`, `time`, `artifact_id` or `execution_id` of an event; `int`, `double`,
    `string` or `bool` of a property, which is NULL when the property is of another kind.
    """

    row: Row
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in the condition."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function of `OPERATORS` with its arguments."""

    operator: str
    arguments: "tuple[Expression, ...]"


Expression: TypeAlias = Column | Constant | Call

OPERATORS: Final = frozenset(
    {"and", "or", "not", "=", "!=", "<", "<=", ">", ">=", "like", "in", "between", "is null", "is true"}
    | {"+", "-", "*", "/", "negative", "upper", "lower", "length", "abs", "coalesce", "nullif", "case"}
    | {"text", "integer", "double"}
)
"""`like` ignores the case of a to z; `case` takes conditions and values in turn, and the value of ELSE."""


@dataclass(frozen=True, slots=True)
class Joined:
    """True for a node when there is a row for every `Row` that the condition names, which together meet it.

    It stands alone or under AND.
    """

    condition: Expression


def rows_of(condition: Expression, *, with_own: bool = False) -> tuple[Row, ...]:
    """Return the rows that a condition names, each once; the node's own only if that is wanted."""
    found: dict[Row, None] = {}
    waiting = [condition]
    while waiting:
        match waiting.pop():
            case Column(row) if with_own or row.side is not Side.OWN:
                found[row] = None
            case Call(_, arguments):
                waiting += arguments
            case _:
                continue
    return tuple(found)


def factors_of(joined: Joined) -> tuple[Joined, ...]:
    """Split a condition under AND into parts that name no row together; they hold one by one."""
    parts: list[tuple[set[Row], list[Expression]]] = []
    for term in _conjuncts(joined.condition):
        rows, terms = set(rows_of(term)), [term]
        for part in [part for part in parts if part[0] & rows]:
            parts.remove(part)
            rows, terms = rows | part[0], [*part[1], *terms]
        parts.append((rows, terms))
    return tuple(Joined(terms[0] if len(terms) == 1 else Call("and", tuple(terms))) for _, terms in parts)


def _conjuncts(condition: Expression) -> Iterator[Expression]:
    match condition:
        case Call("and", arguments):
            for argument in arguments:
                yield from _conjuncts(argument)
        case _:
            yield condition
