"""Registered models: a context with numbered artifacts that move between stages, each move in the ledger."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.model import builtin
from headwater.model.filters import And, Comparison, Entity, Field, Operator, Scope
from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    ArtifactState,
    Attribution,
    Context,
    Event,
    EventType,
    NewArtifact,
    NewContext,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.listing import Listing, Order, Page
from headwater.model.models import (
    ARCHIVED,
    NO_STAGE,
    ModelVersion,
    NewVersion,
    RegisteredModel,
    Stages,
    Transition,
)
from headwater.model.refs import ModelRef
from headwater.model.values import Properties, PropertyValue
from headwater.store.sql import properties, search, versions
from headwater.store.sql.database import Database
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.ledger import Ledger, below
from headwater.store.sql.links import Links
from headwater.store.sql.nodes import Artifacts, Contexts, Executions
from headwater.store.sql.schema import alias, artifact_property, context, event, version
from headwater.store.sql.types import Types
from headwater.store.sql.values import Space

LATEST: Final = "latest"
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
        stages: Stages,
    ) -> None:
        self._db = db
        self._types = types
        self._artifacts = artifacts
        self._executions = executions
        self._contexts = contexts
        self._links = links
        self._ledger = ledger
        self._stages = stages

    def register(
        self, name: str, /, *, description: str | None = None, tags: Properties | None = None
    ) -> RegisteredModel:
        versions.check_name("model", name)
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        facts: Properties = {} if description is None else {"description": description}
        new = NewContext(type_id=kind, name=name, properties=facts, custom_properties=tags or {})
        self._db.write(lambda conn: self._contexts.ensure(conn, new))
        return self.get(name)

    def get(self, name: str, /) -> RegisteredModel:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            owner = versions.require_context(conn, "registered model", kind, name)
            return self._models(conn, [owner])[0]

    def page(self, listing: Listing = Listing(), /) -> Page[RegisteredModel]:
        self._types.ensure(builtin.REGISTERED_MODEL)
        is_model = Comparison(Field(Scope.ATTRIBUTE, "type"), Operator.EQ, builtin.REGISTERED_MODEL.name)
        by_name = (Order(Field(Scope.ATTRIBUTE, "name")),)
        mine = Listing(
            filter=And((is_model, listing.filter)) if listing.filter else is_model,
            order_by=listing.order_by or by_name,
            limit=listing.limit,
            page_token=listing.page_token,
            with_deleted=listing.with_deleted,
        )
        with self._db.read() as conn:
            ids, token = search.page(conn, self._db.dialect, Entity.CONTEXT, mine)
            return Page(tuple(self._models(conn, [ContextId(i) for i in ids])), token)

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
            owner = versions.require_context(conn, "registered model", kind, name)
            mine = sa.and_(version.c.context_id == owner, version.c.number == number)
            found = self._load(conn, mine)
        if not found:
            raise NotFoundError("model version", str(ModelRef(name, number)))
        return found[0]

    def resolve(self, name: str, label: str, /) -> ModelVersion:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            owner = versions.require_context(conn, "registered model", kind, name)
            model = self._models(conn, [owner])[0]
            newest = sa.select(sa.func.max(version.c.number)).where(version.c.context_id == owner)
            if label == LATEST:
                number = conn.execute(newest).scalar()
            else:
                number = model.aliases.get(label, model.stages.get(label))
            if number is None:
                raise NotFoundError(
                    "model version", str(ModelRef(name, label=label)), near=[*model.aliases, *model.stages]
                )
            return self._load(conn, sa.and_(version.c.context_id == owner, version.c.number == number))[0]

    def page_versions(self, listing: Listing = Listing(), /) -> Page[ModelVersion]:
        with self._db.read() as conn:
            ids, token = search.page(conn, self._db.dialect, Entity.VERSION, listing)
        return Page(tuple(self.by_artifact_ids([ArtifactId(i) for i in ids])), token)

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[ModelVersion]:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            mine = self._db.dialect.ids_in(version.c.artifact_id, ids)
            found = self._load(conn, sa.and_(mine, context.c.type_id == kind))
        return versions.in_order(found, ids)

    def transition(self, transition: Transition, /) -> ModelVersion:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        if transition.to not in self._stages.transitions:
            raise InvalidError(
                f"no stage {transition.to!r}; the stages are {', '.join(self._stages.transitions)}"
            )

        def job(conn: sa.Connection) -> None:
            owner = versions.require_context(conn, "registered model", kind, transition.model, locks=True)
            self._transition(conn, owner, transition)

        self._db.write(job, is_durable=True)
        return self.version(transition.model, transition.version)

    def set_alias(self, name: str, label: str, number: int | None, /, *, actor: str, reason: str) -> None:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        self._check_alias(label)

        def job(conn: sa.Connection) -> None:
            owner = versions.require_context(conn, "registered model", kind, name, locks=True)
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
            in_stage = sa.and_(version.c.context_id == owner, version.c.exclusive_stage == stage)
            holder = next((row.number for row in versions.rows_of(conn, in_stage)), None)
            number = _previous(self._moves_into(conn, name, stage), holder)
        return None if number is None else self.version(name, number)

    def _put_artifact(self, conn: sa.Connection, new: NewVersion, type_id: Any) -> ArtifactId:
        facts = dict(new.properties)
        if new.description is not None:
            facts["description"] = new.description
        if new.artifact_id is not None:
            self._artifacts.change(
                conn, [ArtifactChange(id=new.artifact_id, properties=facts, custom_properties=new.tags)]
            )
            artifact_id = new.artifact_id
        else:
            artifact = NewArtifact(
                type_id=type_id,
                uri=new.uri,
                state=ArtifactState.LIVE,
                digest=new.digest,
                size_bytes=new.size_bytes,
                properties=facts,
                custom_properties=new.tags,
            )
            artifact_id = self._artifacts.insert(conn, [artifact])[0]
        spaces: dict[Space, Mapping[str, PropertyValue]] = {
            Space.METRIC: {name: float(value) for name, value in new.metrics.items()},
            Space.PARAM: new.params,
        }
        properties.insert(conn, self._db.dialect, artifact_property, [(artifact_id, spaces)])
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

    def _transition(self, conn: sa.Connection, owner: ContextId, wanted: Transition) -> None:
        rows = {row.number: row for row in versions.rows_of(conn, version.c.context_id == owner)}
        subject = str(ModelRef(wanted.model, wanted.version))
        if wanted.version not in rows:
            raise NotFoundError("model version", subject)
        moving = rows[wanted.version]
        self._check_move(moving.stage, wanted, subject)
        is_exclusive = wanted.to in self._stages.exclusive
        holder = next((r for r in rows.values() if is_exclusive and r.exclusive_stage == wanted.to), None)
        _check_holder(holder.number if holder else 0, wanted)
        if holder is not None:
            self._set_stage(conn, holder.artifact_id, ARCHIVED)
        self._set_stage(conn, moving.artifact_id, wanted.to)
        self._ledger.append(
            conn,
            actor=wanted.actor,
            action=wanted.kind,
            subject=subject,
            reason=wanted.reason,
            details={
                **wanted.evidence,
                "from": moving.stage,
                "to": wanted.to,
                "replaced": holder.number if holder else None,
            },
        )

    def _check_move(self, stage: str, wanted: Transition, subject: str) -> None:
        allowed = self._stages.transitions.get(stage, frozenset())
        if stage == wanted.to:
            raise RefusedError(f"{subject} is in {stage} already")
        if wanted.to not in allowed:
            raise RefusedError(
                f"{subject} is in {stage} and cannot go to {wanted.to}; from there: {sorted(allowed)}"
            )

    def _set_stage(self, conn: sa.Connection, artifact_id: int, stage: str) -> None:
        exclusive = stage if stage in self._stages.exclusive else None
        conn.execute(
            sa.update(version)
            .where(version.c.artifact_id == artifact_id)
            .values(stage=stage, exclusive_stage=exclusive)
        )
        # The version's revision counts its decisions too, so that a stale promotion can be noticed.
        self._artifacts.change(conn, [ArtifactChange(id=ArtifactId(artifact_id), touch=True)])

    def _check_alias(self, label: str) -> None:
        if not _ALIAS.fullmatch(label) or _VERSION_LIKE.fullmatch(label):
            raise InvalidError(
                f"alias {label!r} must have 1 to 128 letters, digits, _ or -, and not look like a version"
            )
        if label == LATEST or label in self._stages.transitions:
            raise InvalidError(f"{label!r} has a meaning of its own and cannot be an alias")

    def _move_alias(
        self, conn: sa.Connection, owner: ContextId, name: str, label: str, number: int | None
    ) -> int | None:
        mine = sa.and_(alias.c.context_id == owner, alias.c.name == label)
        held = sa.select(version.c.number).join(alias, alias.c.artifact_id == version.c.artifact_id).where(mine)
        before = conn.execute(held).scalar()
        if number is None and before is None:
            raise NotFoundError("alias", str(ModelRef(name, label=label)))
        conn.execute(sa.delete(alias).where(mine))
        if number is not None:
            target = sa.and_(version.c.context_id == owner, version.c.number == number)
            rows = versions.rows_of(conn, target)
            if not rows:
                raise NotFoundError("model version", str(ModelRef(name, number)))
            row = {"context_id": owner, "name": label, "artifact_id": rows[0].artifact_id}
            conn.execute(sa.insert(alias).values(row))
        return before

    def _moves_into(self, conn: sa.Connection, name: str, stage: str) -> Iterable[tuple[int, str]]:
        """Yield (version number, action) of every move into a stage, oldest first."""
        subject = str(ModelRef(name))
        for entry in self._ledger.entries_in(conn, below(subject)):
            number = entry.subject.removeprefix(subject + "/")
            # `models/a/b/3` is a version of `a/b`, not of `a`.
            if entry.details.get("to") == stage and number.isdigit():
                yield int(number), entry.action

    def _models(self, conn: sa.Connection, ids: Sequence[ContextId]) -> list[RegisteredModel]:
        found = self._contexts.by_ids(conn, ids)
        mine = self._db.dialect.ids_in(version.c.context_id, ids)
        count = sa.func.count(version.c.artifact_id)
        newest = sa.func.max(version.c.number)
        grouped = sa.select(version.c.context_id, version.c.stage, count, newest).where(mine)
        stages: dict[int, dict[str, int]] = {i: {} for i in ids}
        counts: dict[int, int] = dict.fromkeys(ids, 0)
        for owner, stage, total, number in conn.execute(grouped.group_by(version.c.context_id, version.c.stage)):
            counts[owner] += total
            if stage != NO_STAGE:
                stages[owner][stage] = number
        aliases: dict[int, dict[str, int]] = {i: {} for i in ids}
        named = sa.select(alias.c.context_id, alias.c.name, version.c.number).join(
            version, version.c.artifact_id == alias.c.artifact_id
        )
        for owner, name, number in conn.execute(
            named.where(self._db.dialect.ids_in(alias.c.context_id, ids)).order_by(alias.c.name)
        ):
            aliases[owner][name] = number
        return [_model(found[i], aliases[i], stages[i], counts[i]) for i in ids if i in found]

    def _load(self, conn: sa.Connection, condition: sa.ColumnElement[bool]) -> list[ModelVersion]:
        rows = versions.rows_of(conn, condition)
        ids = [row.artifact_id for row in rows]
        artifacts = self._artifacts.by_ids(conn, ids)
        spaces = properties.read(conn, self._db.dialect, artifact_property, ids)
        named = self._aliases(conn, ids)
        makers = self._makers(conn, ids)
        return [
            _version(
                row,
                artifacts[row.artifact_id],
                spaces.get(row.artifact_id, {}),
                named.get(row.artifact_id, ()),
                makers.get(row.artifact_id),
            )
            for row in rows
        ]

    def _aliases(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        mine = self._db.dialect.ids_in(alias.c.artifact_id, ids)
        found: dict[int, tuple[str, ...]] = {}
        for artifact_id, name in conn.execute(
            sa.select(alias.c.artifact_id, alias.c.name).where(mine).order_by(alias.c.name)
        ):
            found[artifact_id] = (*found.get(artifact_id, ()), name)
        return found

    def _makers(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, ExecutionId]:
        mine = self._db.dialect.ids_in(event.c.artifact_id, ids)
        made = sa.select(event.c.artifact_id, sa.func.min(event.c.execution_id)).where(
            mine, event.c.type == EventType.OUTPUT
        )
        return {a: ExecutionId(e) for a, e in conn.execute(made.group_by(event.c.artifact_id))}


def _check_holder(holder: int, wanted: Transition) -> None:
    if wanted.expect_holder not in {None, holder}:
        now = f"version {holder} is" if holder else "no version is"
        raise RefusedError(
            f"{now} in {wanted.to} now, not version {wanted.expect_holder}: look again and decide anew"
        )


def _previous(moves: Iterable[tuple[int, str]], holder: int | None) -> int | None:
    """Replay promotions and rollbacks as a stack: what a rollback leaves is not gone back to."""
    stack: list[int] = []
    for number, action in moves:
        if action == "rollback" and number in stack:
            while stack[-1] != number:
                stack.pop()
        elif not stack or stack[-1] != number:
            stack.append(number)
    if holder is None:
        return stack[-1] if stack else None
    while stack and stack[-1] == holder:
        stack.pop()
    return stack[-1] if stack else None


def _model(
    found: Context, aliases: Mapping[str, int], stages: Mapping[str, int], count: int
) -> RegisteredModel:
    return RegisteredModel(
        id=found.id,
        name=found.name or "",
        description=_text(found.properties.get("description")),
        tags=found.custom_properties,
        aliases=aliases,
        stages=stages,
        version_count=count,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
    )


def _version(
    row: Any,
    found: Artifact,
    spaces: properties.Spaces,
    aliases: tuple[str, ...],
    maker: ExecutionId | None,
) -> ModelVersion:
    metrics = {k: v for k, v in spaces.get(Space.METRIC, {}).items() if isinstance(v, float)}
    return ModelVersion(
        id=found.id,
        model_id=ContextId(row.context_id),
        model=row.name,
        version=row.number,
        stage=row.stage,
        aliases=aliases,
        description=_text(found.properties.get("description")),
        uri=found.uri,
        digest=found.digest,
        size_bytes=found.size_bytes,
        properties=found.properties,
        metrics=metrics,
        params=spaces.get(Space.PARAM, {}),
        tags=found.custom_properties,
        execution_id=maker,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        deleted_ms=found.deleted_ms,
        revision=found.revision,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
