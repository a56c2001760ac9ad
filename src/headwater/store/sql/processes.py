"""Release processes: rows of `setting`, one for all models and one for each that has its own."""

import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import InvalidError, RefusedError
from headwater.model import builtin
from headwater.model.ids import ContextId
from headwater.model.models import Stages
from headwater.model.process_files import check_process, process_from, process_values
from headwater.model.refs import ModelRef
from headwater.model.release import ReleaseProcess
from headwater.model.values import Json
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.locks import RELEASES, lock
from headwater.store.sql.schema import alias, context, setting, version
from headwater.store.sql.types import Types

_PREFIX: Final = "release:"
_DEFAULT: Final = f"{_PREFIX}default"
DEFAULT_SUBJECT: Final = "settings/release-process"
"""What a ledger entry on the process of all models names."""


class Processes:
    """Reads and changes release processes."""

    def __init__(self, db: Database, types: Types, ledger: Ledger, fallback: Stages) -> None:
        self._db = db
        self._types = types
        self._ledger = ledger
        self._fallback = ReleaseProcess(stages=fallback)
        self.fallback_exclusive = fallback.exclusive

    def of(self, conn: sa.Connection, owner: ContextId | None, *, locks: bool = False) -> ReleaseProcess:
        """Return the process of a model, or that of all models.

        Args:
            conn: A running transaction.
            owner: The model; None for those without a process of their own.
            locks: Keep every process as it is until the commit; others may do so at the same time.
        """
        if locks:
            lock(conn, RELEASES, is_shared=True)
        names = [_DEFAULT] if owner is None else [_name(owner), _DEFAULT]
        found = _stored(conn, names)
        return next((process_from(found[name]) for name in names if name in found), self._fallback)

    def exclusive_anywhere(self, conn: sa.Connection) -> frozenset[str]:
        """Return the stages that are exclusive in any process."""
        rows = conn.execute(sa.select(setting.c.value).where(setting.c.name.startswith(_PREFIX)))
        own = (process_from(json.loads(value)).stages.exclusive for value in rows.scalars())
        return self._fallback.stages.exclusive.union(*own)

    def exclusive_stage(self, conn: sa.Connection) -> sa.ColumnElement[Any]:
        """Build what a version's `exclusive_stage` has to be: its stage where one may hold it, else NULL."""
        named = sa.select(setting.c.name, setting.c.value).where(setting.c.name.startswith(_PREFIX))
        rows = conn.execute(named)
        stored = {name: process_from(json.loads(value)) for name, value in rows}
        default = stored.pop(_DEFAULT, self._fallback)
        owned = {int(name.removeprefix(_PREFIX)): process for name, process in stored.items()}
        branches = [(version.c.context_id == owner, _held_alone(process)) for owner, process in owned.items()]
        return sa.case(*branches, else_=_held_alone(default)) if branches else _held_alone(default)

    def get(self, name: str | None) -> ReleaseProcess:
        """Return the process of a model, or with None that of all models."""
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            owner = name and versions.require_context(conn, "registered model", kind, name)
            return self.of(conn, owner or None)

    def set(self, process: ReleaseProcess | None, name: str | None, *, actor: str, reason: str) -> None:
        """Change the process of a model or of all; None removes it. See `ReleaseStore.set_process`."""
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        if process is not None:
            check_process(process)

        def job(conn: sa.Connection) -> None:
            # Whoever moves a version holds this lock shared: nobody decides by a process that is changing.
            lock(conn, RELEASES)
            owner = None
            if name is not None:
                owner = versions.require_context(conn, "registered model", kind, name)
            row = _DEFAULT if owner is None else _name(owner)
            before = _stored(conn, [row]).get(row)
            after = None if process is None else process_values(process)
            _write(conn, row, after)
            self._apply(conn, owner)
            self._ledger.append(
                conn,
                actor=actor,
                action="process",
                subject=DEFAULT_SUBJECT if name is None else str(ModelRef(name)),
                reason=reason,
                details={"before": before, "after": after},
            )

        self._db.write(job, is_durable=True)

    def _apply(self, conn: sa.Connection, owner: ContextId | None) -> None:
        """Check that what stands fits the new process, and mark who holds an exclusive stage now."""
        stages = self.of(conn, owner).stages
        mine = _affected(conn, owner, version.c.context_id)
        held = sa.select(version.c.stage).where(mine, version.c.stage.is_not(None)).distinct()
        if lost := set(conn.execute(held).scalars()) - stages.transitions.keys():
            raise RefusedError(f"versions stand in {', '.join(sorted(lost))}: move them, or keep the stage")
        self._check_exclusive(conn, mine, stages)
        shadowed = sa.select(alias.c.name).where(
            _affected(conn, owner, alias.c.context_id), alias.c.name.in_([*stages.transitions])
        )
        if taken := conn.execute(shadowed.limit(1)).scalar():
            raise RefusedError(f"{taken!r} is the name of an alias: remove it, or name the stage otherwise")
        conn.execute(
            sa.update(version)
            .where(mine, version.c.stage.is_not(None))
            .values(exclusive_stage=self.exclusive_stage(conn))
        )

    def _check_exclusive(self, conn: sa.Connection, mine: sa.ColumnElement[bool], stages: Stages) -> None:
        crowded = (
            sa.select(context.c.name, version.c.stage)
            .join(context, context.c.id == version.c.context_id)
            .where(mine, version.c.stage.in_([*stages.exclusive]))
            .group_by(context.c.name, version.c.stage)
            .having(sa.func.count() > 1)
        )
        row = conn.execute(crowded.limit(1)).one_or_none()
        if row is not None:
            raise RefusedError(
                f"several versions of {row.name!r} are in {row.stage}: move all but one of them first"
            )


def _held_alone(process: ReleaseProcess) -> sa.ColumnElement[Any]:
    is_exclusive = version.c.stage.in_(sorted(process.stages.exclusive))
    return sa.case((is_exclusive, version.c.stage), else_=sa.null())


def _name(owner: ContextId) -> str:
    return f"{_PREFIX}{owner}"


def _stored(conn: sa.Connection, names: list[str]) -> dict[str, Any]:
    rows = conn.execute(sa.select(setting.c.name, setting.c.value).where(setting.c.name.in_(names)))
    return {name: json.loads(value) for name, value in rows}


def _write(conn: sa.Connection, name: str, values: Mapping[str, Json] | None) -> None:
    conn.execute(sa.delete(setting).where(setting.c.name == name))
    if values is not None:
        conn.execute(sa.insert(setting).values(name=name, value=json.dumps(values)))


def _affected(
    conn: sa.Connection, owner: ContextId | None, column: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Build the condition that a row belongs to a model whose process it is."""
    if owner is not None:
        return column == owner
    named = conn.execute(sa.select(setting.c.name).where(setting.c.name.startswith(_PREFIX))).scalars()
    own = [int(found.removeprefix(_PREFIX)) for found in named if found != _DEFAULT]
    return column.not_in(own)


def require_stage(process: ReleaseProcess, stage: str) -> None:
    """Check that there is such a stage.

    Raises:
        InvalidError: naming those that there are.
    """
    known = process.stages.transitions
    if stage not in known:
        raise InvalidError(f"no stage {stage!r}; the stages are {', '.join(known)}")
