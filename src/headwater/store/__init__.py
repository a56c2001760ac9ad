"""Stores: implementations of the protocols in `headwater.model.protocols`."""

from pathlib import Path

from headwater.errors import InvalidError, RefusedError
from headwater.model.protocols import ForeignTables, Store
from headwater.model.upkeep import DatabaseCopy
from headwater.transport.address import is_server_url

SCHEMES = ("memory", "sqlite", "postgresql", "postgres", "mysql", "mariadb", "http", "https")

__all__ = [
    "SCHEMES",
    "copy_database",
    "is_empty_database",
    "load_database",
    "needed_bytes",
    "open_foreign",
    "open_store",
    "require_database",
    "upgrade_store",
]


def open_store(url: str) -> Store:
    """Open the store that a URL names.

    Args:
        url: `memory://` (gone with the process), `sqlite:///PATH`, `postgresql://…`,
            `mysql://…`, or the address of a server: `http://HOST:PORT`.

    Raises:
        InvalidError: no kind of store has such a URL.
        MissingDependencyError: the driver is not installed.
        SchemaError: the database's tables are of another version.
        UnavailableError: the database cannot be reached.
    """
    if is_server_url(url):
        from headwater.store.remote import RemoteStore

        return RemoteStore(url)
    _check_url(url)
    # SQLAlchemy takes a while to load: `import headwater` does not wait for it.
    from headwater.store.sql.store import SqlStore

    return SqlStore(url)


def open_foreign(url: str) -> ForeignTables:
    """Open a database that another program wrote, for reading alone.

    Raises:
        InvalidError: no kind of database has such a URL, or the file is no SQLite database.
        NotFoundError: there is no such file.
        MissingDependencyError, UnavailableError: as in `open_store`.
    """
    _check_url(url)
    from headwater.store.sql.foreign import SqlForeignTables

    return SqlForeignTables(url)


def upgrade_store(url: str) -> tuple[int, int]:
    """Bring the tables of a database to the version that this headwater needs.

    Returns:
        The version before and after.

    Raises:
        InvalidError, MissingDependencyError, UnavailableError: as in `open_store`.
        SchemaError: the database is empty, or newer than this headwater.
    """
    _check_url(url)
    from headwater.store.sql.setup import upgrade_url

    return upgrade_url(url)


def copy_database(url: str, folder: Path) -> DatabaseCopy:
    """Copy the database at `url` into a folder, while others write.

    Raises:
        InvalidError, MissingDependencyError, UnavailableError: as in `open_store`.
        RefusedError: the program that dumps such a server is not installed, or failed.
        CorruptError: the SQLite file is damaged.
    """
    _check_url(url)
    from headwater.store.sql import backup

    return backup.copy_database(url, folder)


def needed_bytes(url: str) -> frozenset[str]:
    """Return the digests of the bytes that the database at `url` needs now, whatever its schema.

    Raises:
        InvalidError, MissingDependencyError, UnavailableError: as in `open_store`.
    """
    _check_url(url)
    from headwater.store.sql import backup

    return backup.needed_bytes(url)


def load_database(url: str, file: Path) -> None:
    """Make the database at `url` what a copy of one of the same kind holds.

    Raises:
        InvalidError, MissingDependencyError, UnavailableError: as in `open_store`.
        RefusedError: it is a copy of another kind of database, or the program that loads it is not
            installed, or failed.
    """
    _check_url(url)
    from headwater.store.sql import backup

    backup.load_database(url, file)


def is_empty_database(url: str) -> bool:
    """Tell whether nothing would be lost if the database at `url` were replaced.

    Raises:
        InvalidError, MissingDependencyError, UnavailableError: as in `open_store`.
    """
    _check_url(url)
    from headwater.store.sql import backup

    return backup.is_empty(url)


def require_database(url: str) -> None:
    """Check that a store is not behind a server, for what only its database can do.

    Raises:
        RefusedError: it is.
    """
    if is_server_url(url):
        raise RefusedError(f"{url} is a server: do this where its database is")


def _check_url(url: str) -> None:
    require_database(url)
    scheme = url.partition(":")[0].partition("+")[0]
    if "://" not in url or scheme not in SCHEMES:
        raise InvalidError(f"{url!r} is not a store URL; it begins with one of {', '.join(SCHEMES)} and ://")
