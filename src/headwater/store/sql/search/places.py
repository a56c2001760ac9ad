"""Where each entity's attributes, properties and neighbours stand in the tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.filters import Entity, Relation
from headwater.model.graph import INPUT_EVENTS, OUTPUT_EVENTS, NodeKind
from headwater.store.sql import schema
from headwater.store.sql.values import Space

Column: TypeAlias = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Linked:
    """An attribute that stands in another table: `column` of the rows of `source` where `on` holds."""

    column: Column
    source: sa.FromClause
    on: sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One node in a statement.

    Attributes:
        role: Tells its aliases from those of other places in the statement.
        id: Its id.
        table: The table that has its id.
        joined: Tables that have exactly one row for each of its rows, with the condition.
        where: What tells it from other rows of `table`.
        deleted_ms: When it was deleted.
        own: Attributes that are columns of these tables.
        linked: Attributes that are not.
        properties: The table of its properties.
        has_series: Its metrics are series, not properties.
    """

    entity: Entity
    role: str
    id: Column
    table: sa.FromClause
    joined: tuple[tuple[sa.FromClause, sa.ColumnElement[bool]], ...] = ()
    where: tuple[sa.ColumnElement[bool], ...] = ()
    deleted_ms: Column
    own: Mapping[str, Column]
    linked: Mapping[str, Linked]
    properties: sa.Table
    has_series: bool = False

    @property
    def source(self) -> sa.FromClause:
        """All tables, joined."""
        return self.after(None, None)

    def after(self, first: sa.FromClause | None, on: sa.ColumnElement[bool] | None) -> sa.FromClause:
        """Return all tables, joined to one that comes before them."""
        source = self.table if first is None else first.join(self.table, on)
        for table, condition in self.joined:
            source = source.join(table, condition)
        return source

    def column(self, name: str) -> Column:
        """Return a column of one of the tables, or what an attribute that stands elsewhere has for each row.

        Raises:
            KeyError: there is none of this name.
        """
        for table in (self.table, *(joined for joined, _ in self.joined)):
            if name in table.c:
                return table.c[name]
        elsewhere = self.linked[name]
        found = sa.select(elsewhere.column).select_from(elsewhere.source).where(elsewhere.on)
        return found.scalar_subquery()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """How related nodes are reached: rows of `link` with `near` this node's id and `far` the other's."""

    link: sa.FromClause
    near: Column
    far: Column
    only: tuple[sa.ColumnElement[bool], ...] = field(default=())


@cache
def alias_of(table: sa.Table, role: str) -> sa.FromClause:
    """Return a table under another name; building its columns anew for every search would cost most of it."""
    return table.alias(f"{table.name}_{role}")


@cache
def place_of(entity: Entity, role: str = "own") -> Place:
    """Return an entity's place; in one statement a role may not stand inside itself."""
    return _PLACES[entity](role)


@cache
def neighbour_of(entity: Entity, relation: Relation, role: str) -> Neighbour:
    """Return how an entity is related; see `headwater.query.attributes.RELATIONS` for what there is."""
    is_artifact = entity in {Entity.ARTIFACT, Entity.VERSION}
    match relation:
        case Relation.INPUTS | Relation.OUTPUTS:
            return _events("execution_id", "artifact_id", is_output=relation is Relation.OUTPUTS, role=role)
        case Relation.PRODUCERS | Relation.CONSUMERS:
            return _events("artifact_id", "execution_id", is_output=relation is Relation.PRODUCERS, role=role)
        case Relation.CONTEXTS if is_artifact:
            return _link(schema.attribution, "artifact_id", "context_id", role=role)
        case Relation.CONTEXTS:
            return _link(schema.association, "execution_id", "context_id", role=role)
        case Relation.ARTIFACTS:
            return _link(schema.attribution, "context_id", "artifact_id", role=role)
        case Relation.EXECUTIONS:
            return _link(schema.association, "context_id", "execution_id", role=role)
        case Relation.PARENTS:
            return _link(schema.parent_context, "child_id", "parent_id", role=role)
        case Relation.CHILDREN:
            return _link(schema.parent_context, "parent_id", "child_id", role=role)


def _link(table: sa.Table, near: str, far: str, *, role: str) -> Neighbour:
    link = alias_of(table, f"{role}_link")
    return Neighbour(link, link.c[near], link.c[far])


def _events(near: str, far: str, *, is_output: bool, role: str) -> Neighbour:
    link = alias_of(schema.event, f"{role}_link")
    return Neighbour(link, link.c[near], link.c[far], (_is_among(link.c.type, is_output=is_output),))


def _is_among(column: Column, *, is_output: bool) -> sa.ColumnElement[bool]:
    return column.in_(sorted(OUTPUT_EVENTS if is_output else INPUT_EVENTS))


def _node(table: sa.FromClause) -> dict[str, Column]:
    return {
        "id": table.c.id,
        "name": table.c.name,
        "type_id": table.c.type_id,
        "external_id": table.c.external_id,
        "created_time": table.c.created_ms,
        "updated_time": table.c.updated_ms,
        "deleted_time": table.c.deleted_ms,
    }


def _bytes(table: sa.FromClause) -> dict[str, Column]:
    return {name: table.c[name] for name in ("uri", "digest", "size_bytes", "state")}


def _type_name(table: sa.FromClause, role: str) -> Linked:
    kind = alias_of(schema.type_, role)
    return Linked(kind.c.name, kind, kind.c.id == table.c.type_id)


def _run(role: str) -> Place:
    run, execution = alias_of(schema.run, role), alias_of(schema.execution, role)
    experiment = alias_of(schema.context, role)
    times = {"start_time": run.c.start_ms, "end_time": run.c.end_ms, "heartbeat_time": run.c.heartbeat_ms}
    same = ("run_id", "name", "status", "experiment_id", "user", "host", "parent_id", "error")
    return Place(
        entity=Entity.RUN,
        role=role,
        id=run.c.execution_id,
        table=run,
        joined=((execution, execution.c.id == run.c.execution_id),),
        deleted_ms=execution.c.deleted_ms,
        own={
            **_node(execution),
            "state": execution.c.state,
            **{name: run.c[name] for name in same},
            **times,
            "id": run.c.execution_id,
        },
        linked={
            "type": _type_name(execution, role),
            "experiment": Linked(experiment.c.name, experiment, experiment.c.id == run.c.experiment_id),
        },
        properties=schema.execution_property,
        has_series=True,
    )


def _execution(role: str) -> Place:
    execution = alias_of(schema.execution, role)
    return Place(
        entity=Entity.EXECUTION,
        role=role,
        id=execution.c.id,
        table=execution,
        deleted_ms=execution.c.deleted_ms,
        own={**_node(execution), "state": execution.c.state},
        linked={"type": _type_name(execution, role)},
        properties=schema.execution_property,
        has_series=True,
    )


def _artifact(role: str) -> Place:
    artifact = alias_of(schema.artifact, role)
    return Place(
        entity=Entity.ARTIFACT,
        role=role,
        id=artifact.c.id,
        table=artifact,
        deleted_ms=artifact.c.deleted_ms,
        own=_node(artifact) | _bytes(artifact),
        linked={"type": _type_name(artifact, role)},
        properties=schema.artifact_property,
    )


def _context(role: str) -> Place:
    context = alias_of(schema.context, role)
    return Place(
        entity=Entity.CONTEXT,
        role=role,
        id=context.c.id,
        table=context,
        deleted_ms=context.c.deleted_ms,
        own=_node(context),
        linked={"type": _type_name(context, role)},
        properties=schema.context_property,
    )


def _version(role: str) -> Place:
    version, artifact = alias_of(schema.version, role), alias_of(schema.artifact, role)
    model = alias_of(schema.context, role)
    return Place(
        entity=Entity.VERSION,
        role=role,
        id=version.c.artifact_id,
        table=version,
        joined=(
            (artifact, artifact.c.id == version.c.artifact_id),
            (model, model.c.id == version.c.context_id),
        ),
        where=(_is_model(model.c.type_id),),
        deleted_ms=artifact.c.deleted_ms,
        own={
            **_node(artifact),
            **_bytes(artifact),
            "id": version.c.artifact_id,
            "name": model.c.name,
            "model": model.c.name,
            "model_id": version.c.context_id,
            "version": version.c.number,
            "stage": version.c.stage,
        },
        linked={"type": _type_name(artifact, role), **_version_links(version.c.artifact_id, role)},
        properties=schema.artifact_property,
    )


def _is_model(type_id: Column) -> sa.ColumnElement[bool]:
    """Tell model versions from data versions, which stand in the same table."""
    kind = schema.type_
    models = sa.select(kind.c.id).where(
        kind.c.kind == NodeKind.CONTEXT, kind.c.name == builtin.REGISTERED_MODEL.name
    )
    return type_id.in_(models)


def _version_links(artifact_id: Column, role: str) -> dict[str, Linked]:
    alias, fact = alias_of(schema.alias, role), alias_of(schema.artifact_property, f"{role}_fact")
    made, run = alias_of(schema.event, f"{role}_made"), alias_of(schema.run, role)
    is_description = sa.and_(
        fact.c.node_id == artifact_id, fact.c.space == Space.PROPERTY, fact.c.name == "description"
    )
    is_made = sa.and_(made.c.artifact_id == artifact_id, _is_among(made.c.type, is_output=True))
    return {
        "alias": Linked(alias.c.name, alias, alias.c.artifact_id == artifact_id),
        "description": Linked(sa.func.coalesce(fact.c.text_value, fact.c.head), fact, is_description),
        "execution_id": Linked(made.c.execution_id, made, is_made),
        "run_id": Linked(
            run.c.run_id,
            run.join(made, made.c.execution_id == run.c.execution_id),
            is_made,
        ),
    }


_PLACES: Final[Mapping[Entity, Callable[[str], Place]]] = {
    Entity.RUN: _run,
    Entity.EXECUTION: _execution,
    Entity.ARTIFACT: _artifact,
    Entity.CONTEXT: _context,
    Entity.VERSION: _version,
}
