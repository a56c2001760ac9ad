"""Placeholder to be replaced by the walks (phase 3)."""

from headwater.store.sql.database import Database
from headwater.store.sql.nodes import Artifacts, Executions


class Lineage:
    """`LineageStore` in SQL."""

    def __init__(self, db: Database, artifacts: Artifacts, executions: Executions) -> None:
        self._db = db
        self._artifacts = artifacts
        self._executions = executions
