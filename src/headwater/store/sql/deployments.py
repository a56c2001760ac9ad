"""Deployments: executions that say which version was put, or seen, at a target."""

from typing import Any

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.graph import (
    Association,
    Event,
    EventType,
    Execution,
    ExecutionState,
    NewContext,
    NewExecution,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.values import PropertyValue
from headwater.model.verdicts import Deployment, NewDeployment
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.links import Links
from headwater.store.sql.nodes import Contexts, Executions
from headwater.store.sql.schema import association, context, execution, type_
from headwater.store.sql.text import check_length
from headwater.store.sql.types import Types


class Deployments:
    """Writes and reads deployments inside a running transaction."""

    def __init__(
        self, db: Database, types: Types, executions: Executions, contexts: Contexts, links: Links
    ) -> None:
        self._db = db
        self._types = types
        self._executions = executions
        self._contexts = contexts
        self._links = links

    def ensure_types(self) -> None:
        """Store the types of deployments; a transaction of its own, before `add`."""
        for kind in (builtin.DEPLOYMENT, builtin.DEPLOYMENT_TARGET):
            self._types.ensure(kind)

    def add(self, conn: sa.Connection, owner: ContextId, new: NewDeployment) -> ExecutionId:
        """Store a deployment with its edges.

        Raises:
            NotFoundError: there is no such version.
        """
        check_length("target", new.target, least=1)
        check_length("actor", new.actor, least=1)
        target_type = self._types.ensure(builtin.DEPLOYMENT_TARGET)
        target = self._contexts.ensure(conn, NewContext(type_id=target_type, name=new.target))
        work = NewExecution(
            type_id=self._types.ensure(builtin.DEPLOYMENT),
            state=ExecutionState.COMPLETE,
            properties=_properties(new),
        )
        made = self._executions.insert(conn, [work])[0]
        if new.version is not None:
            row = versions.require_row(conn, owner, new.model, new.version)
            put = Event(
                artifact_id=ArtifactId(row.artifact_id),
                execution_id=made,
                type=EventType.INPUT,
                path=("version",),
            )
            self._links.add_missing_events(conn, [put])
        self._links.associate(conn, [Association(target, made), Association(owner, made)])
        return made

    def newest(self, conn: sa.Connection, owner: ContextId | None = None) -> list[Deployment]:
        """Return what was seen last of each model at each target, by model and target."""
        rows = conn.execute(_of_models(owner)).all()
        found = self._executions.by_ids(conn, [row.id for row in rows])
        newest: dict[tuple[str, str], Deployment] = {}
        for row in rows:
            deployment = _deployment(found[row.id], row.name)
            newest[row.name, deployment.target] = deployment
        return [newest[key] for key in sorted(newest)]

    def one(self, conn: sa.Connection, stored: ExecutionId, model: str) -> Deployment:
        """Return a stored deployment of a model."""
        return _deployment(self._executions.by_ids(conn, [stored])[stored], model)


def _of_models(owner: ContextId | None) -> sa.Select[Any, Any]:
    """Build (execution id, model) rows of deployments, oldest first."""
    kind, model = type_.alias("kind"), type_.alias("model")
    statement = (
        sa.select(execution.c.id, context.c.name)
        .join(kind, kind.c.id == execution.c.type_id)
        .join(association, association.c.execution_id == execution.c.id)
        .join(context, context.c.id == association.c.context_id)
        .join(model, model.c.id == context.c.type_id)
        .where(
            kind.c.name == builtin.DEPLOYMENT.name,
            model.c.name == builtin.REGISTERED_MODEL.name,
            execution.c.deleted_ms.is_(None),
        )
        .order_by(execution.c.created_ms, execution.c.id)
    )
    return statement if owner is None else statement.where(association.c.context_id == owner)


def _properties(new: NewDeployment) -> dict[str, PropertyValue]:
    found: dict[str, PropertyValue] = {"actor": new.actor, "target": new.target, "note": new.note}
    if new.url is not None:
        found["url"] = new.url
    if new.version is not None:
        found["version"] = new.version
    return found


def _deployment(found: Execution, model: str) -> Deployment:
    facts = found.properties
    number, url = facts.get("version"), facts.get("url")
    return Deployment(
        id=found.id,
        model=model,
        version=number if isinstance(number, int) else None,
        target=str(facts["target"]),
        actor=str(facts["actor"]),
        url=url if isinstance(url, str) else None,
        note=str(facts.get("note", "")),
        time_ms=found.created_ms,
    )
