"""Registered models: a context with numbered artifacts, stages and aliases; every decision in the ledger."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.filters import And, Comparison, Entity, Field, Filter, Operator, Scope
from headwater.model.graph import (
    ArtifactChange,
    ArtifactState,
    Attribution,
    Event,
    EventType,
    NewArtifact,
    NewContext,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.listing import Listing, Order, Page
from headwater.model.models import (
    NO_STAGE,
    Description,
    ModelVersion,
    NewVersion,
    RegisteredModel,
    Transition,
)
from headwater.model.refs import ModelRef
from headwater.model.values import Properties
from headwater.store.sql import search, versions
from headwater.store.sql.database import Database
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.lifecycle import Lifecycle
from headwater.store.sql.links import Links
from headwater.store.sql.model_views import LATEST, ModelViews
from headwater.store.sql.nodes import Artifacts, Contexts, Executions
from headwater.store.sql.processes import Processes
from headwater.store.sql.schema import alias, version
from headwater.store.sql.stages import StageMachine
from headwater.store.sql.types import Types

_ALIAS: Final = re.compile(r"[\w-]{1,128}")
_VERSION_LIKE: Final = re.compile(r"v?[0-9]+")


class Models:
    """`ModelStore` in SQL."""

    def __init__(
        self,
        db: Database,
        types: Types,
        artifacts: Artifacts,
        executions: Executions,
        contexts: Contexts,
        links: Links,
        ledger: Ledger,
        processes: Processes,
        stages: StageMachine,
        views: ModelViews,
    ) -> None:
        self._db = db
        self._types = types
        self._artifacts = artifacts
        self._executions = executions
        self._contexts = contexts
        self._links = links
        self._ledger = ledger
        self._processes = processes
        self._stages = stages
        self._views = views
        self._lifecycle = Lifecycle(db, artifacts, contexts, ledger, processes)

    def register(
        self,
        name: str,
        /,
        *,
        description: str | None = None,
        owner: str | None = None,
        tags: Properties | None = None,
        actor: str | None = None,
        is_new: bool = False,
    ) -> RegisteredModel:
        versions.check_name("model", name)
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        given = {"description": description, "owner": owner}
        facts: Properties = {key: value for key, value in given.items() if value is not None}
        new = NewContext(type_id=kind, name=name, properties=facts, custom_properties=tags or {})

        def job(conn: sa.Connection) -> None:
            was_there = versions.context_id(conn, kind, name) is not None
            if was_there and is_new:
                raise ConflictError(f"a model {name!r} is registered already")
            if is_new and self._contexts.id_of(conn, new) is None:
                # Of two who do this at once, the second breaks the uniqueness of names.
                self._contexts.insert(conn, [new])
            else:
                versions.lock_live(conn, self._contexts.ensure(conn, new))
            if not was_there and actor is not None:
                self._ledger.append(
                    conn,
                    actor=actor,
                    action="register",
                    subject=str(ModelRef(name)),
                    reason=description or "",
                    details={"owner": owner},
                )

        self._db.write(job, is_durable=True)
        return self.get(name)

    def get(self, name: str, /) -> RegisteredModel:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._views.model(conn, kind, name)

    def page(self, listing: Listing = Listing(), /) -> Page[RegisteredModel]:
        self._types.ensure(builtin.REGISTERED_MODEL)
        by_name = (Order(Field(Scope.ATTRIBUTE, "name")),)
        mine = Listing(
            filter=_among_models(listing.filter),
            order_by=listing.order_by or by_name,
            limit=listing.limit,
            page_token=listing.page_token,
            with_deleted=listing.with_deleted,
        )
        with self._db.read() as conn:
            ids, token = search.page(conn, self._db, Entity.CONTEXT, mine)
            return Page(tuple(self._views.models(conn, [ContextId(i) for i in ids])), token)

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return search.count(conn, self._db, Entity.CONTEXT, _among_models(filter), limit)

    def add_version(self, new: NewVersion, /, *, actor: str, key: str | None = None) -> ModelVersion:
        versions.check_name("model", new.model)
        model_type = self._types.ensure(builtin.REGISTERED_MODEL)
        version_type = self._types.ensure(builtin.MODEL)

        def job(conn: sa.Connection) -> int:
            owner = self._contexts.ensure(conn, NewContext(type_id=model_type, name=new.model))
            number = versions.next_number(conn, owner)
            artifact_id = self._put_artifact(conn, new, version_type)
            self._insert_version(conn, artifact_id, owner, number)
            self._link_run(conn, artifact_id, new.execution_id)
            self._ledger.append(
                conn,
                actor=actor,
                action="register",
                subject=str(ModelRef(new.model, number)),
                reason=new.description or "",
                details={"digest": new.digest},
            )
            return artifact_id

        stored = write_once(self._db, job, key=key, request=new, result=int, is_durable=True)
        return self.by_artifact_ids([ArtifactId(stored)])[0]

    def version(self, name: str, number: int, /) -> ModelVersion:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._views.version(conn, kind, name, number)

    def resolve(self, name: str, label: str, /) -> ModelVersion:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._views.labelled(conn, kind, name, label)

    def newest(self, ids: Sequence[ContextId], /) -> list[ModelVersion]:
        with self._db.read() as conn:
            return self._views.newest(conn, ids)

    def page_versions(self, listing: Listing = Listing(), /) -> Page[ModelVersion]:
        with self._db.read() as conn:
            ids, token = search.page(conn, self._db, Entity.VERSION, listing)
        return Page(tuple(self.by_artifact_ids([ArtifactId(i) for i in ids])), token)

    def count_versions(self, filter: Filter | None = None, /, *, limit: int) -> int:
        with self._db.read() as conn:
            return search.count(conn, self._db, Entity.VERSION, filter, limit)

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[ModelVersion]:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._views.by_artifacts(conn, kind, ids)

    def transition(self, transition: Transition, /) -> ModelVersion:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)

        def job(conn: sa.Connection) -> None:
            owner = versions.require_context(conn, "registered model", kind, transition.model, locks=True)
            self._stages.move(conn, owner, transition)

        self._db.write(job, is_durable=True)
        return self.version(transition.model, transition.version)

    def set_alias(self, name: str, label: str, number: int | None, /, *, actor: str, reason: str) -> None:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        _check_alias(label)

        def job(conn: sa.Connection) -> None:
            owner = versions.require_context(conn, "registered model", kind, name, locks=True)
            if label in self._processes.of(conn, owner, locks=True).stages.transitions:
                raise InvalidError(f"{label!r} is a stage and cannot be an alias")
            before = self._move_alias(conn, owner, name, label, number)
            self._ledger.append(
                conn,
                actor=actor,
                action="alias",
                subject=str(ModelRef(name)),
                reason=reason,
                details={"alias": label, "from": before, "to": number},
            )

        self._db.write(job, is_durable=True)

    def previous_holder(self, name: str, stage: str, /) -> ModelVersion | None:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            owner = versions.require_context(conn, "registered model", kind, name)
            number = self._stages.previous(conn, owner, name, stage)
        return None if number is None else self.version(name, number)

    def describe(self, new: Description, /) -> None:
        self._decide(new.model, lambda conn, owner: self._lifecycle.describe(conn, owner, new))

    def rename(self, name: str, new_name: str, /, *, actor: str, reason: str) -> RegisteredModel:
        versions.check_name("model", new_name)
        self._decide(
            name,
            lambda conn, owner: self._lifecycle.rename(
                conn, owner, name, new_name, actor=actor, reason=reason
            ),
        )
        return self.get(new_name)

    def deprecate(self, name: str, number: int, /, *, actor: str, reason: str) -> None:
        self._decide(
            name,
            lambda conn, owner: self._lifecycle.deprecate(
                conn, owner, name, number, actor=actor, reason=reason
            ),
        )

    def undeprecate(self, name: str, number: int, /, *, actor: str, reason: str) -> None:
        self._decide(
            name,
            lambda conn, owner: self._lifecycle.undeprecate(
                conn, owner, name, number, actor=actor, reason=reason
            ),
        )

    def delete(
        self, name: str, number: int | None = None, /, *, actor: str, reason: str, force: bool = False
    ) -> None:
        def job(conn: sa.Connection, owner: ContextId) -> None:
            given: Any = {"actor": actor, "reason": reason, "force": force}
            if number is None:
                self._lifecycle.delete(conn, owner, name, **given)
            else:
                self._lifecycle.delete_version(conn, owner, name, number, **given)

        self._decide(name, job)

    def restore(self, name: str, number: int | None = None, /, *, actor: str, reason: str) -> None:
        if number is not None:
            self._decide(
                name,
                lambda conn, owner: self._lifecycle.restore_version(
                    conn, owner, name, number, actor=actor, reason=reason
                ),
            )
            return
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        self._db.write(
            lambda conn: self._lifecycle.restore(conn, kind, name, actor=actor, reason=reason),
            is_durable=True,
        )

    def _decide(self, name: str, job: Callable[[sa.Connection, ContextId], None]) -> None:
        """Run a decision on a model whose row stays locked until the commit."""
        kind = self._types.ensure(builtin.REGISTERED_MODEL)

        def locked(conn: sa.Connection) -> None:
            owner = versions.require_context(conn, "registered model", kind, name, locks=True)
            # Whether a stage is exclusive must not change while something is deleted.
            self._processes.of(conn, owner, locks=True)
            job(conn, owner)

        self._db.write(locked, is_durable=True)

    def _put_artifact(self, conn: sa.Connection, new: NewVersion, type_id: TypeId) -> ArtifactId:
        facts = dict(new.properties)
        if new.description is not None:
            facts["description"] = new.description
        if new.artifact_id is not None:
            artifact_id = self._require_model(conn, new.artifact_id, type_id)
            change = ArtifactChange(
                id=artifact_id,
                properties=facts,
                custom_properties=new.tags,
                params=new.params,
                metrics=new.metrics,
            )
            self._artifacts.change(conn, [change])
            return artifact_id
        artifact = NewArtifact(
            type_id=type_id,
            uri=new.uri,
            state=ArtifactState.LIVE,
            digest=new.digest,
            size_bytes=new.size_bytes,
            properties=facts,
            custom_properties=new.tags,
            params=new.params,
            metrics=new.metrics,
        )
        return self._artifacts.insert(conn, [artifact])[0]

    def _require_model(self, conn: sa.Connection, artifact_id: ArtifactId, type_id: TypeId) -> ArtifactId:
        self._artifacts.require(conn, [artifact_id])
        found = self._artifacts.by_ids(conn, [artifact_id])[artifact_id]
        if found.type_id != type_id:
            raise InvalidError(
                f"artifact {artifact_id} is a {found.type_name}: a version is a {builtin.MODEL.name}"
            )
        return artifact_id

    def _insert_version(
        self, conn: sa.Connection, artifact_id: ArtifactId, owner: ContextId, number: int
    ) -> None:
        row = {"artifact_id": artifact_id, "context_id": owner, "number": number, "stage": NO_STAGE}
        conn.execute(sa.insert(version).values(row))
        self._links.attribute(conn, [Attribution(owner, artifact_id)])

    def _link_run(self, conn: sa.Connection, artifact_id: ArtifactId, execution: ExecutionId | None) -> None:
        if execution is not None:
            self._executions.require(conn, [execution])
            made = Event(artifact_id=artifact_id, execution_id=execution, type=EventType.OUTPUT)
            self._links.add_missing_events(conn, [made])

    def _move_alias(
        self, conn: sa.Connection, owner: ContextId, name: str, label: str, number: int | None
    ) -> int | None:
        mine = sa.and_(alias.c.context_id == owner, alias.c.name == label)
        held = (
            sa.select(version.c.number).join(alias, alias.c.artifact_id == version.c.artifact_id).where(mine)
        )
        before = conn.execute(held).scalar()
        if number is None and before is None:
            raise NotFoundError("alias", str(ModelRef(name, label=label)))
        conn.execute(sa.delete(alias).where(mine))
        if number is not None:
            target = versions.require_live(conn, owner, name, number)
            row = {"context_id": owner, "name": label, "artifact_id": target.artifact_id}
            conn.execute(sa.insert(alias).values(row))
        return before


def _check_alias(label: str) -> None:
    if not _ALIAS.fullmatch(label) or _VERSION_LIKE.fullmatch(label):
        raise InvalidError(
            f"alias {label!r} must have 1 to 128 letters, digits, _ or -, and not look like a version"
        )
    if label == LATEST:
        raise InvalidError(f"{label!r} has a meaning of its own and cannot be an alias")


def _among_models(filter: Filter | None) -> Filter:
    is_model = Comparison(Field(Scope.ATTRIBUTE, "type"), Operator.EQ, builtin.REGISTERED_MODEL.name)
    return And((is_model, filter)) if filter else is_model
