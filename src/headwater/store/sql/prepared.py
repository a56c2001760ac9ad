"""Statements that are built with SQLAlchemy once, and then are text that the driver runs."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.store.sql import driver
from headwater.store.sql.database import Database

Rows: TypeAlias = Sequence[Sequence[Any]]
T = TypeVar("T")


def padded(values: Sequence[T]) -> list[T]:
    """Repeat the last value until their number is a power of two, so that lists share few statements."""
    places = 1 << (len(values) - 1).bit_length() if values else 0
    return [*values, *(values[-1] for _ in range(places - len(values)))]


class Prepared:
    """One statement of a store.

    Building a statement and looking its text up anew for each call costs many
    times what the database takes to answer.
    """

    def __init__(self, db: Database, build: Callable[[], Any], *, replans: bool = False) -> None:
        """Take how to build the statement; that happens when it is first run.

        Args:
            db: Where it will run: the same statement reads otherwise of a past moment.
            build: Gives it, with named bind parameters for what differs between calls.
            replans: As `driver.fetch` says of its rows.
        """
        self._db, self._build, self._replans = db, build, replans
        self._compiled: tuple[str, tuple[str, ...] | None, dict[str, Any]] | None = None

    def rows(self, conn: sa.Connection, **values: Any) -> Rows:
        """Run it inside a transaction and return the driver's own rows.

        Args:
            conn: In a transaction of `db`.
            values: Bind parameters by name, as the driver takes them.
        """
        text, names, fixed = self._compiled or self._compile()
        given = fixed | values
        parameters = given if names is None else [given[name] for name in names]
        return driver.fetch(conn, text, parameters, replans=self._replans)

    def among(self, conn: sa.Connection, ids: Sequence[int], **values: Any) -> Rows:
        """`rows` of a statement with a `Dialect.among` condition, for these ids."""
        dialect = self._db.dialect
        if dialect.for_one is not None and len(ids) == 1 and INT64_MIN <= ids[0] <= INT64_MAX:
            text, _, fixed = self._compiled or self._compile()
            return driver.fetch(conn, dialect.for_one(text), fixed | values | {"ids": ids[0]})
        return self.rows(conn, ids=dialect.pack_ids(ids), **values)

    def run(self, conn: sa.Connection, **values: Any) -> None:
        """Run a statement that has no rows, as `rows` does."""
        text, names, fixed = self._compiled or self._compile()
        given = fixed | values
        driver.execute(conn, text, given if names is None else [given[name] for name in names])

    def run_many(self, conn: sa.Connection, columns: tuple[str, ...], rows: Rows) -> None:
        """Run a statement that has no rows once for each row of values.

        Args:
            conn: In a transaction of `db`.
            columns: The bind parameters, in the order in which a row has their values.
            rows: The values, as the driver takes them.
        """
        if not rows:
            return
        text, names, fixed = self._compiled or self._compile()
        if names == columns:
            driver.execute_many(conn, text, rows)
            return
        given = [fixed | dict(zip(columns, row, strict=True)) for row in rows]
        if names is not None:
            driver.execute_many(conn, text, [[values[name] for name in names] for values in given])
        else:
            driver.execute_many(conn, text, given)

    @classmethod
    def insert_missing(cls, db: Database, table: sa.Table, columns: Sequence[str]) -> "Prepared":
        """Prepare an INSERT of these columns that leaves out rows whose key is there."""
        key = [c.name for c in table.primary_key]
        places: dict[str, Any] = {name: sa.bindparam(name) for name in columns}
        return cls(db, lambda: db.dialect.insert_missing(table, key).values(places))

    @property
    def fixed(self) -> dict[str, Any]:
        """The values that its parameters have from the start, by name."""
        return (self._compiled or self._compile())[2]

    def _compile(self) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        statement = self._build()
        options = {"render_postcompile": True}
        compiled = statement.compile(dialect=self._db.engine.dialect, compile_kwargs=options)
        names = tuple(compiled.positiontup) if compiled.positional else None
        types = {name: bind.type for bind, name in compiled.bind_names.items()}
        fixed = {
            # The values of a list are numbered: theirs is the type of the list.
            name: self._bound(value, types.get(name, types.get(name.rpartition("_")[0])))
            for name, value in compiled.params.items()
        }
        self._compiled = self._db.text_of(str(compiled)), names, fixed
        return self._compiled

    def _bound(self, value: Any, kind: sa.types.TypeEngine[Any] | None) -> Any:
        """Return a value as SQLAlchemy would hand it to the driver."""
        dialect = self._db.engine.dialect
        process = None if kind is None else kind.dialect_impl(dialect).bind_processor(dialect)
        bound = process(value) if process else value
        return int(bound) if isinstance(bound, IntEnum) else bound
