"""Releases: the process, what a move lacks, verdicts and deployments."""

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.models import Transition
from headwater.model.release import Need, ReleaseProcess
from headwater.model.verdicts import Deployment, NewDeployment, NewVerdict, Verdict
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.deployments import Deployments
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.processes import Processes
from headwater.store.sql.stages import StageMachine
from headwater.store.sql.types import Types
from headwater.store.sql.verdicts import Verdicts


class Releases:
    """`ReleaseStore` in SQL."""

    def __init__(
        self,
        db: Database,
        types: Types,
        processes: Processes,
        stages: StageMachine,
        verdicts: Verdicts,
        deployments: Deployments,
    ) -> None:
        self._db = db
        self._types = types
        self._processes = processes
        self._stages = stages
        self._verdicts = verdicts
        self._deployments = deployments

    def process(self, name: str | None = None, /) -> ReleaseProcess:
        return self._processes.get(name)

    def set_process(
        self, process: ReleaseProcess | None, /, *, name: str | None = None, actor: str, reason: str
    ) -> None:
        self._processes.set(process, name, actor=actor, reason=reason)

    def check(self, wanted: Transition, /) -> list[Need]:
        self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._stages.check(conn, self._owner(conn, wanted.model), wanted)

    def add_verdict(self, new: NewVerdict, /, *, key: str | None = None) -> Verdict:
        self._types.ensure(builtin.REGISTERED_MODEL)
        self._verdicts.ensure_types()

        def job(conn: sa.Connection) -> int:
            return self._verdicts.add(conn, self._owner(conn, new.model), new)

        stored = write_once(self._db, job, key=key, request=new, result=int, is_durable=True)
        with self._db.read() as conn:
            return self._verdicts.one(conn, ArtifactId(stored))

    def verdicts(self, name: str, number: int, /) -> list[Verdict]:
        self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            row = versions.require_row(conn, self._owner(conn, name), name, number)
            return self._verdicts.of(conn, row.artifact_id)

    def record_deployment(self, new: NewDeployment, /, *, key: str | None = None) -> Deployment:
        self._types.ensure(builtin.REGISTERED_MODEL)
        self._deployments.ensure_types()

        def job(conn: sa.Connection) -> int:
            return self._deployments.add(conn, self._owner(conn, new.model), new)

        stored = ExecutionId(write_once(self._db, job, key=key, request=new, result=int, is_durable=True))
        with self._db.read() as conn:
            return self._deployments.one(conn, stored, new.model)

    def deployments(self, name: str | None = None, /) -> list[Deployment]:
        self._types.ensure(builtin.REGISTERED_MODEL)
        with self._db.read() as conn:
            return self._deployments.newest(conn, None if name is None else self._owner(conn, name))

    def _owner(self, conn: sa.Connection, name: str) -> ContextId:
        kind = self._types.ensure(builtin.REGISTERED_MODEL)
        return versions.require_context(conn, "registered model", kind, name)
