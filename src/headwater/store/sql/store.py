"""The store over SQL: opens a database and hands out its parts."""

import os
from collections.abc import Callable, Mapping
from copy import copy
from types import TracebackType
from typing import Self

from headwater.model.models import DEFAULT_STAGES, Stages
from headwater.model.times import now_ms
from headwater.store.sql import setup
from headwater.store.sql.access import Access
from headwater.store.sql.approvals import Approvals
from headwater.store.sql.data import Data
from headwater.store.sql.database import Database
from headwater.store.sql.deployments import Deployments
from headwater.store.sql.integrity import Integrity
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.links import Links
from headwater.store.sql.model_views import ModelViews
from headwater.store.sql.models import Models
from headwater.store.sql.needs import Needs
from headwater.store.sql.nodes import Artifacts, Contexts, Executions
from headwater.store.sql.past import PastDatabase
from headwater.store.sql.past_series import PastSeries
from headwater.store.sql.processes import Processes
from headwater.store.sql.releases import Releases
from headwater.store.sql.removal import Remover
from headwater.store.sql.requests import RequestViews
from headwater.store.sql.runs import Runs
from headwater.store.sql.sealing import Seal
from headwater.store.sql.series import SeriesTable
from headwater.store.sql.stages import StageMachine
from headwater.store.sql.standing import standing_at
from headwater.store.sql.transfer import Transfers
from headwater.store.sql.types import Types
from headwater.store.sql.upkeep import Upkeep
from headwater.store.sql.verdicts import Verdicts
from headwater.store.sql.walk import Lineage
from headwater.store.sql.webhooks import Webhooks


class SqlStore:
    """`Store` over SQLite, PostgreSQL, MySQL or MariaDB, or in memory."""

    def __init__(
        self,
        url: str,
        *,
        clock_ms: Callable[[], int] = now_ms,
        stages: Stages = DEFAULT_STAGES,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Open a store, and make its tables when the database is empty.

        Args:
            url: `memory://`, `sqlite:///PATH`, `postgresql://…` or `mysql://…`.
            clock_ms: Gives the time of every write.
            stages: The stages of model versions where the database has no release process.
            environment: Has the keys of webhooks' secrets; by default the process's own.

        Raises:
            SchemaError: the tables are of another version.
            UnavailableError: the database cannot be reached.
        """
        self.url = url
        self._db = Database(url, clock_ms=clock_ms)
        try:
            setup.prepare(self._db, url)
        except BaseException:
            self._db.close()
            raise
        self.types = Types(self._db)
        self._stages = stages
        self._seal = Seal(os.environ if environment is None else environment)
        self._open_parts(SeriesTable)

    def at(self, time_ms: int) -> "SqlStore":
        with self._db.read() as conn:
            exclusive = self._processes.exclusive_anywhere(conn)
            standing = standing_at(conn, self.ledger, time_ms, exclusive)
        then = copy(self)
        then._db = PastDatabase(self._db, time_ms, standing)
        then._open_parts(PastSeries)
        return then

    def _open_parts(self, series: type[SeriesTable]) -> None:
        self.artifacts = Artifacts(self._db, self.types)
        self.executions = Executions(self._db, self.types)
        self.contexts = Contexts(self._db, self.types)
        self.links = Links(self._db, self.artifacts, self.executions, self.contexts)
        self.series = series(self._db, self.executions)
        self.runs = Runs(self._db, self.types, self.executions, self.contexts, self.links, self.series)
        self.ledger = Ledger(self._db)
        self.access = Access(self._db, self.ledger)
        self._open_registry()
        self.data = Data(self._db, self.types, self.artifacts, self.contexts, self.links)
        self.lineage = Lineage(self._db, self.artifacts, self.executions)
        self.webhooks = Webhooks(self._db, self._seal)
        nodes = (self.artifacts, self.executions, self.contexts)
        self.upkeep = Upkeep(
            self._db,
            Remover(self._db, nodes, self.ledger, self._processes),
            Integrity(self._db, self.runs, self._processes),
        )
        self.transfer = Transfers(self._db, self.types)

    def _open_registry(self) -> None:
        db, types, ledger = self._db, self.types, self.ledger
        processes = self._processes = Processes(db, types, ledger, self._stages)
        requests = RequestViews(db, ledger, processes)
        verdicts = Verdicts(db, types, self.artifacts, self.executions, self.links)
        machine = StageMachine(self.artifacts, ledger, processes, Needs(db, verdicts, requests))
        self.models = Models(
            db,
            types,
            self.artifacts,
            self.executions,
            self.contexts,
            self.links,
            ledger,
            processes,
            machine,
            ModelViews(db, self.artifacts, self.contexts),
        )
        self.approvals = Approvals(db, types, self.links, ledger, processes, requests)
        deployments = Deployments(db, types, self.executions, self.contexts, self.links)
        self.releases = Releases(db, types, processes, machine, verdicts, deployments)

    def close(self) -> None:
        """Give back connections; a closed store is not used again."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
