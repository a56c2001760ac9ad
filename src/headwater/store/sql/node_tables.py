"""Where each kind of node is kept."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import sqlalchemy as sa

from headwater.errors import InvalidError, StaleWriteError
from headwater.model.filters import Entity
from headwater.model.graph import (
    Artifact,
    Context,
    Execution,
    NodeChange,
    NodeKind,
)
from headwater.store.sql import schema

LIMITED: Final = ("name", "external_id", "digest", "size_bytes")
"""Columns that do not hold every value of their type."""


@dataclass(frozen=True)
class NodeTable:
    """Where one kind of node is kept.

    Attributes:
        own: The columns that only this kind has.
    """

    kind: NodeKind
    entity: Entity
    table: sa.Table
    properties: sa.Table
    own: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kind in words."""
        return self.table.name

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """All columns of the table, in its order: id and type first."""
        return tuple(self.table.columns.keys())

    @cached_property
    def limited(self) -> tuple[str, ...]:
        """The columns of this kind that do not hold every value of their type."""
        return tuple(name for name in LIMITED if name in self.table.columns)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What an insert writes, in the table's order."""
        return ("type_id", "name", "external_id", *self.own, "created_ms", "updated_ms", "revision")

    @cached_property
    def changeable(self) -> tuple[str, ...]:
        """The columns that a change can name."""
        named = ("name",) if self.kind is NodeKind.CONTEXT else ()
        return (*named, "external_id", *self.own)


ARTIFACTS: Final = NodeTable(
    NodeKind.ARTIFACT,
    Entity.ARTIFACT,
    schema.artifact,
    schema.artifact_property,
    ("uri", "state", "digest", "size_bytes"),
)
EXECUTIONS: Final = NodeTable(
    NodeKind.EXECUTION,
    Entity.EXECUTION,
    schema.execution,
    schema.execution_property,
    ("state",),
)
CONTEXTS: Final = NodeTable(NodeKind.CONTEXT, Entity.CONTEXT, schema.context, schema.context_property)


def check_expected(kind: str, node: Artifact | Execution | Context, change: NodeChange) -> None:
    """Check that a node is what a change expects.

    Raises:
        StaleWriteError: it is at another revision.
        InvalidError: it is of another type.
    """
    if change.expect_revision is not None and change.expect_revision != node.revision:
        raise StaleWriteError(kind, node.id, expected=change.expect_revision, found=node.revision)
    if change.expect_type is not None and change.expect_type != node.type_id:
        raise InvalidError(f"{kind} {node.id} is of type {node.type_id}, not of {change.expect_type}")
