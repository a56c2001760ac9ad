"""The past: every read as it was at a moment, by common table expressions that take the tables' names.

`WITH event AS (SELECT … FROM event WHERE time_ms <= :at)` before a statement
makes it see the events of then, whatever the statement is. So lists, search
and walks are answered as of a moment by the very code that answers them now.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy.event import listen

from headwater.errors import RefusedError
from headwater.model.approvals import RequestStatus
from headwater.model.runs import RunStatus
from headwater.store.sql import schema
from headwater.store.sql.database import Database
from headwater.store.sql.standing import Standing

Column = sa.ColumnElement[Any]
Row = tuple[int, str, int]
"""A row of `alias`."""

UNION_ROWS: Final = 400
"""SQLite takes at most 500 parts in one UNION."""


class PastDatabase(Database):
    """A database whose reads see a moment; it shares the connections of the present one, and never writes."""

    def __init__(self, present: Database, at_ms: int, standing: Standing) -> None:
        """Look at `present` as it was at `at_ms`."""
        self._present = present
        self.at_ms = at_ms
        self.clock_ms = lambda: at_ms
        self._remembered = {}
        self.dialect = present.dialect
        # Shares the pool, but has listeners of its own.
        self.engine = present.engine.execution_options()
        self._shadows = shadows = _shadows(self.engine, at_ms, standing)

        def shadow(_: object, __: object, statement: str, parameters: Any, *___: object) -> tuple[str, Any]:
            return shadowed(statement, shadows), parameters

        listen(self.engine, "before_cursor_execute", shadow, retval=True)

    def text_of(self, statement: str) -> str:
        return shadowed(statement, self._shadows)

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        with self._present.reading(self.engine) as conn:
            yield conn

    look = read

    def write(self, job: Callable[[sa.Connection], object], *, is_durable: bool = False) -> NoReturn:  # noqa: ARG002
        raise RefusedError("this is the store as it was: open it without a moment to write")

    def close(self) -> None:
        """Nothing to give back: the connections are the present's."""


def shadowed(statement: str, shadows: Mapping[str, str]) -> str:
    """Put the shadows of the tables that a statement names before it."""
    words = set(_WORD.findall(statement))
    # All in their order, because later ones are made from earlier ones.
    used = [text for name, text in shadows.items() if name in words or name in _INNER]
    return f"WITH {', '.join(used)} {statement}" if words & shadows.keys() else statement


_WORD: Final = re.compile(r"\w+")
_INNER: Final = frozenset({"execution", "attribution"})
"""Tables that others' shadows look at."""


def _shadows(engine: sa.Engine, at_ms: int, standing: Standing) -> dict[str, str]:
    """Return the text of a common table expression for every table that has a past, by name."""
    quote = engine.dialect.identifier_preparer.quote
    is_mysql = engine.dialect.name in {"mysql", "mariadb"}
    # Read along an index where there is one, instead of being written out first.
    hint = "" if is_mysql else "NOT MATERIALIZED "
    found: dict[str, str] = {}
    for name, select in _selects(_tables(engine), at_ms, standing).items():
        text = select.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
        found[name] = f"{quote(name)} AS {hint}({text})"
    return found


def _tables(engine: sa.Engine) -> Mapping[str, sa.Table]:
    """Return the tables by names that mean them and not their shadows."""
    tables = schema.metadata.tables
    if engine.dialect.name != "sqlite":
        # There a name inside a common table expression of the same name is the table's.
        return tables
    return {name: table.to_metadata(sa.MetaData(), schema="main") for name, table in tables.items()}


def _selects(real: Mapping[str, sa.Table], at_ms: int, standing: Standing) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: _columns(real[name], deleted_ms=_until(real[name].c.deleted_ms, at_ms)).where(
            real[name].c.created_ms <= at_ms
        )
        for name in ("artifact", "execution")
    }
    found["context"] = _context(real["context"], at_ms, standing)
    for name in ("attribution", "association", "parent_context", "tombstone"):
        found[name] = _columns(real[name]).where(real[name].c.created_ms <= at_ms)
    for name in ("event", "deprecation", "approval_vote", "ledger"):
        found[name] = _columns(real[name]).where(real[name].c.time_ms <= at_ms)
    found["run"] = _run(real["run"], at_ms)
    found["approval_request"] = _request(real["approval_request"], at_ms)
    found["version"] = _version(real["version"], standing)
    found["alias"] = _alias(real["alias"], standing)
    return found


def _context(context: sa.Table, at_ms: int, standing: Standing) -> sa.Select[Any]:
    branches = [(context.c.id == i, sa.literal(name, schema.Name())) for i, name in standing.names.items()]
    return _columns(
        context,
        name=sa.case(*branches, else_=context.c.name) if branches else context.c.name,
        deleted_ms=_until(context.c.deleted_ms, at_ms),
    ).where(context.c.created_ms <= at_ms)


def _columns(table: sa.Table, **masked: Column) -> sa.Select[Any]:
    return sa.select(*(masked[c.name].label(c.name) if c.name in masked else c for c in table.columns))


def _until(column: Column, at_ms: int) -> Column:
    """Build the value that a time had: none while it lay ahead."""
    return sa.case((column <= at_ms, column), else_=sa.null())


def _run(run: sa.Table, at_ms: int) -> sa.Select[Any]:
    execution = sa.table("execution", sa.column("id"))
    went_on = run.c.end_ms > at_ms
    return _columns(
        run,
        status=sa.case((went_on, int(RunStatus.RUNNING)), else_=run.c.status),
        end_ms=_until(run.c.end_ms, at_ms),
        error=sa.case((went_on, sa.null()), else_=run.c.error),
        heartbeat_ms=sa.case((run.c.heartbeat_ms > at_ms, at_ms), else_=run.c.heartbeat_ms),
    ).where(sa.exists(sa.select(1).where(execution.c.id == run.c.execution_id)))


def _request(request: sa.Table, at_ms: int) -> sa.Select[Any]:
    was_open = sa.or_(request.c.closed_ms.is_(None), request.c.closed_ms > at_ms)
    return _columns(
        request,
        status=sa.case((was_open, int(RequestStatus.OPEN)), else_=request.c.status),
        open_stage=sa.case((was_open, request.c.stage), else_=sa.null()),
        closed_ms=_until(request.c.closed_ms, at_ms),
    ).where(request.c.created_ms <= at_ms)


def _version(version: sa.Table, standing: Standing) -> sa.Select[Any]:
    link = sa.table("attribution", sa.column("context_id"), sa.column("artifact_id"))
    is_registered = sa.and_(
        link.c.context_id == version.c.context_id, link.c.artifact_id == version.c.artifact_id
    )
    exclusive = {i: s if s in standing.exclusive else None for i, s in standing.stages.items()}
    return _columns(
        version,
        stage=_replaced(version.c.artifact_id, version.c.stage, standing.stages),
        exclusive_stage=_replaced(version.c.artifact_id, version.c.exclusive_stage, exclusive),
    ).where(sa.exists(sa.select(1).where(is_registered)))


def _replaced(key: Column, column: Column, values: Mapping[int, str | None]) -> Column:
    """Build a column with other values for some keys, one branch a value, however many keys there are."""
    keys: dict[str | None, list[int]] = {}
    for i, value in values.items():
        keys.setdefault(value, []).append(i)
    branches = [(key.in_(ids), sa.null() if value is None else value) for value, ids in keys.items()]
    return sa.case(*branches, else_=column) if branches else column


def _alias(alias: sa.Table, standing: Standing) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    if not standing.aliases:
        return _columns(alias)
    others = _columns(alias).where(alias.c.context_id.not_in(list(standing.aliases)))
    rows = [(owner, name, i) for owner, named in standing.aliases.items() for name, i in named.items()]
    return sa.union_all(others, *_literals(rows))


def _literals(rows: list[Row]) -> list[sa.Select[Any]]:
    """Return selects of literal rows, few enough for one UNION of them."""
    single: list[Any] = [
        sa.select(
            sa.literal(owner).label("context_id"),
            sa.literal(name, schema.Name()).label("name"),
            sa.literal(artifact).label("artifact_id"),
        )
        for owner, name, artifact in rows
    ]
    while len(single) > UNION_ROWS:
        parts = [single[i : i + UNION_ROWS] for i in range(0, len(single), UNION_ROWS)]
        single = [sa.select(sa.union_all(*part).subquery()) for part in parts]
    return single
