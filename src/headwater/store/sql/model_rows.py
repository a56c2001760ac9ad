"""Statements that read models and their versions, with parameters: built here, run by `ModelViews`."""

from typing import Any, Final

import sqlalchemy as sa

from headwater.model.graph import EventType
from headwater.store.sql.database import Database
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import alias, artifact, context, deprecation, event, version

_OTHER: Final = version.alias("other")

_IS_NAMED: Final = sa.and_(
    context.c.type_id == sa.bindparam("type_id"),
    context.c.name == sa.bindparam("name"),
    context.c.deleted_ms.is_(None),
)
"""The registered model `name`, unless it is deleted."""


class ModelRows:
    """The statements of one store."""

    def __init__(self, db: Database) -> None:
        """Take where they will run; `ids` are model ids, or artifact ids of versions.

        Attributes:
            numbered: The version `number` of the model `name`, as all below in columns of `_versions`.
            aliased: Its version with the alias `label`.
            latest: Its newest version that is not deleted.
            staged: The newest of these in the stage `label`.
            given: Versions that artifacts are, of models of `type_id`.
            newest: The newest version of each stage of models.
            labels: Model, stage, newest number and count of live versions, and model, alias, number and no
                count, of models.
            aliases: Artifact and alias, of versions.
        """

        def named(*conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
            return _versions().where(_IS_NAMED, *conditions)

        number, model, among = version.c.number, version.c.context_id, db.dialect.among
        self.numbered = Prepared(db, lambda: named(number == sa.bindparam("number")))
        self.aliased = Prepared(db, lambda: _with_alias(named()))
        self.latest = Prepared(db, lambda: named(number == _newest_number()))
        in_stage = _OTHER.c.stage == sa.bindparam("label")
        self.staged = Prepared(db, lambda: named(number == _newest_number(in_stage)))
        is_of_type = context.c.type_id == sa.bindparam("type_id")
        self.given = Prepared(db, lambda: _versions().where(among(version.c.artifact_id), is_of_type))
        self.newest = Prepared(db, lambda: _newest(_stages(among(model))))
        self.labels = Prepared(
            db, lambda: _stages(among(model)).union_all(_aliased(among(alias.c.context_id)))
        )
        its = (alias.c.artifact_id, alias.c.name)
        self.aliases = Prepared(db, lambda: sa.select(*its).where(among(its[0])).order_by(its[1]))


def _versions() -> sa.Select[*tuple[Any, ...]]:
    """Build rows of versions, each with the first execution that it is an output of."""
    made = event.c.artifact_id == version.c.artifact_id
    maker = sa.select(sa.func.min(event.c.execution_id)).where(made, event.c.type == EventType.OUTPUT)
    columns: list[Any] = [
        *(version.c.artifact_id, version.c.context_id, context.c.name, version.c.number, version.c.stage),
        maker.correlate(version).scalar_subquery(),
        *(deprecation.c.reason, deprecation.c.actor, deprecation.c.time_ms),
    ]
    return (
        sa.select(*columns)
        .join(context, context.c.id == version.c.context_id)
        .outerjoin(deprecation, deprecation.c.artifact_id == version.c.artifact_id)
        .order_by(version.c.context_id, version.c.number)
    )


def _with_alias(versions: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    is_its = sa.and_(alias.c.context_id == context.c.id, alias.c.artifact_id == version.c.artifact_id)
    return versions.join(alias, is_its).where(alias.c.name == sa.bindparam("label"))


def _newest_number(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    live = (
        sa.select(sa.func.max(_OTHER.c.number))
        .join(artifact, artifact.c.id == _OTHER.c.artifact_id)
        .where(_OTHER.c.context_id == context.c.id, artifact.c.deleted_ms.is_(None), *conditions)
    )
    return live.correlate(context).scalar_subquery()


def _stages(condition: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    newest = sa.func.max(version.c.number).label("number")
    columns: list[Any] = [version.c.context_id, version.c.stage, newest, sa.func.count()]
    return (
        sa.select(*columns)
        .join(artifact, artifact.c.id == version.c.artifact_id)
        .where(condition, artifact.c.deleted_ms.is_(None))
        .group_by(version.c.context_id, version.c.stage)
    )


def _aliased(condition: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """Build rows of aliases, in columns of `_stages`."""
    no_count = sa.cast(sa.null(), sa.BigInteger())
    return (
        sa.select(alias.c.context_id, alias.c.name, version.c.number, no_count)
        .join(version, version.c.artifact_id == alias.c.artifact_id)
        .where(condition)
    )


def _newest(stages: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    newest = stages.subquery("newest")
    is_newest = sa.and_(newest.c.context_id == version.c.context_id, newest.c.number == version.c.number)
    return _versions().join(newest, is_newest)
