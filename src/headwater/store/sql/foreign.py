"""Tables of a database that another program wrote: read by rows, at one moment, never written to."""

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from headwater.errors import CorruptError, InvalidError, NotFoundError, UnavailableError
from headwater.store.sql.dialects import dialect_for
from headwater.store.sql.dialects.sqlite import database_path, read_only

Rows: TypeAlias = Sequence[Sequence[Any]]

_BEGIN: Final = {
    "sqlite": ("BEGIN",),
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "mysql": ("ROLLBACK", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
}
"""How a transaction begins that sees one moment and cannot write."""

_PUT_IN: Final = {"sqlite": ", rowid", "postgresql": ", ctid"}
"""What puts the rows of one key into the order in which they came.

MySQL's InnoDB has no name for it, but gives the rows of a range in this order within each key, whether it
reads an index (whose entries end with the hidden number of the row) or the whole table (kept in its order).
"""


class SqlForeignTables:
    """`ForeignTables` over SQL."""

    def __init__(self, url: str) -> None:
        """Open a database for reading alone.

        Args:
            url: `sqlite:///PATH`, `postgresql://…` or `mysql://…`.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: the file is no SQLite database, or a folder.
            UnavailableError: the database cannot be reached.
        """
        self._dialect = dialect_for(url)
        self._name = _shown(url)
        self._engine = _open_file(url) if self.system == "sqlite" else self._dialect.open_engine(url)
        self._columns: dict[str, Mapping[str, str]] = {}
        try:
            with self._translated():
                self._conn = self._engine.connect()
                for statement in _BEGIN[self.system]:
                    self._conn.exec_driver_sql(statement)
                self._tables = {name.lower(): name for name in sa.inspect(self._conn).get_table_names()}
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def system(self) -> str:
        return self._dialect.name

    def has(self, table: str, /) -> bool:
        return table.lower() in self._tables

    def count(self, table: str, /) -> int:
        return self._number("count(*)", table)

    def greatest(self, table: str, column: str, /) -> int:
        return self._number(f"max({self._column(table, column)})", table)

    def all(self, table: str, columns: Sequence[str], /) -> Rows:
        return self._select(table, columns, "")

    def after(self, table: str, columns: Sequence[str], /, *, above: int, limit: int) -> Rows:
        key = self._column(table, "id")
        return self._select(table, columns, f"WHERE {key} > {int(above)} ORDER BY {key} LIMIT {int(limit)}")

    def between(self, table: str, columns: Sequence[str], /, *, key: str, first: int, last: int) -> Rows:
        put_in = _PUT_IN.get(self.system)
        order = f" ORDER BY {self._column(table, key)}{put_in}" if put_in else ""
        return self._select(table, columns, self._range(table, key, first, last) + order)

    def among(self, table: str, columns: Sequence[str], /, *, key: str, values: Sequence[str]) -> Rows:
        if not values:
            return []
        mark = "?" if self.system == "sqlite" else "%s"
        marks = ", ".join([mark] * len(values))
        tail = f"WHERE {self._column(table, key)} IN ({marks})"
        return self._select(table, columns, tail, tuple(values))

    def counts_between(self, table: str, /, *, key: str, first: int, last: int) -> Mapping[int, int]:
        column = self._column(table, key)
        tail = f"{self._range(table, key, first, last)} GROUP BY {column}"
        if not self.has(table):
            return {}
        return {
            row[0]: row[1] for row in self._run(f"SELECT {column}, count(*) FROM {self._table(table)} {tail}")
        }

    def close(self) -> None:
        with self._translated():
            self._conn.close()
        self._engine.dispose()

    def _range(self, table: str, key: str, first: int, last: int) -> str:
        return f"WHERE {self._column(table, key)} BETWEEN {int(first)} AND {int(last)}"

    def _number(self, what: str, table: str) -> int:
        return int(self._run(f"SELECT {what} FROM {self._table(table)}")[0][0] or 0) if self.has(table) else 0

    def _select(
        self, table: str, columns: Sequence[str], tail: str, values: tuple[str, ...] | None = None
    ) -> Rows:
        if not self.has(table):
            return []
        names = ", ".join(self._column(table, name) for name in columns)
        return self._run(f"SELECT {names} FROM {self._table(table)} {tail}", values)

    def _run(self, statement: str, values: tuple[str, ...] | None = None) -> Rows:
        with self._translated():
            # As text of the driver, in which a percent sign would be a parameter's: names hold none.
            return self._conn.exec_driver_sql(statement, values).fetchall()

    def _table(self, table: str) -> str:
        return self._quoted(self._tables[table.lower()])

    def _column(self, table: str, column: str) -> str:
        """Return a column as it stands in a statement; one that is not there is NULL."""
        if table not in self._columns:
            found: Sequence[str] = ()
            if self.has(table):
                with self._translated():
                    statement = f"SELECT * FROM {self._table(table)} LIMIT 0"
                    found = [*self._conn.exec_driver_sql(statement).keys()]
            self._columns[table] = {name.lower(): name for name in found}
        name = self._columns[table].get(column.lower())
        return "NULL" if name is None else self._quoted(name)

    def _quoted(self, name: str) -> str:
        return self._engine.dialect.identifier_preparer.quote_identifier(name)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            cause = str(error.orig or error)
            if "not a database" in cause:
                raise InvalidError(f"{self._name} is not a SQLite database") from error
            if "malformed" in cause or "corrupt" in cause:
                raise CorruptError(
                    f"the SQLite file {self._name} is damaged ({cause}): "
                    "mend a copy of it with `sqlite3 FILE .recover`, or restore it from a backup"
                ) from error
            if "readonly database" in cause:
                # Its journal has to be played back, which only a connection that writes can do.
                raise UnavailableError(
                    f"{self._name} was left in the middle of a write: let the program that it belongs to "
                    "open it once, or copy it with its -journal file and open the copy with `sqlite3`"
                ) from error
            way_out = ": try again when the other program has ended its write" if "is locked" in cause else ""
            raise UnavailableError(f"{self._name} cannot be read: {cause}{way_out}") from error


def _open_file(url: str) -> sa.Engine:
    path = database_path(url).absolute()
    if path.is_dir():
        raise InvalidError(f"{path} is a folder: name the SQLite file in it")
    if not path.is_file():
        raise NotFoundError("file", str(path))
    return sa.create_engine("sqlite://", creator=lambda: _connection(path), poolclass=sa.NullPool)


def _connection(path: Path) -> sqlite3.Connection:
    opened = read_only(path)
    opened.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    return opened


def _shown(url: str) -> str:
    """Return how messages name a database: without its password."""
    parts = sa.make_url(url)
    return str(parts.database) if parts.drivername == "sqlite" else parts.render_as_string(hide_password=True)
