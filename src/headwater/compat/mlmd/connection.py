"""MLMD's connection configurations as stores."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from headwater.errors import HeadwaterError, RefusedError
from headwater.model.protocols import Store
from headwater.store import open_store

_READONLY, _READWRITE = 1, 2
_MAGIC = b"SQLite format 3\x00"


def open_configured(config: Any) -> tuple[Store, bool]:
    """Open the store that a `ConnectionConfig` names.

    Returns:
        The store, and whether it may only be read.

    Raises:
        RefusedError: nothing is configured, or the database cannot be opened (a `RuntimeError`, as in MLMD).
    """
    field = config.WhichOneof("config")
    if field is None:
        raise RefusedError(
            "Unset ConnectionConfig: set fake_database, sqlite, mysql or postgresql in the connection config"
        )
    is_read_only = field == "sqlite" and config.sqlite.connection_mode == _READONLY
    try:
        return open_store(store_url(config)), is_read_only
    except RefusedError:
        raise
    except HeadwaterError as error:
        raise RefusedError(f"the store cannot be opened: {error}") from error


def store_url(config: Any) -> str:
    """Return the URL of the store that a `ConnectionConfig` names.

    Raises:
        RefusedError: a SQLite file is missing where it has to exist, or was written by MLMD itself.
    """
    match config.WhichOneof("config"):
        case "sqlite":
            return _sqlite_url(config.sqlite)
        case "mysql":
            return _mysql_url(config.mysql)
        case "postgresql":
            return _postgresql_url(config.postgresql)
        case _:
            return "memory://"


def _sqlite_url(config: Any) -> str:
    name, query = str(config.filename_uri), ""
    if name.startswith("file:"):
        parts = urlsplit(name)
        name = unquote(parts.path)
        level = parse_qs(parts.query).get("synchronous", [""])[-1]
        query = "?synchronous=full" if level.lower() == "full" else ""
    if name in {"", ":memory:"}:
        return "memory://"
    path = Path(name).absolute()
    if config.connection_mode in {_READONLY, _READWRITE} and not path.is_file():
        raise RefusedError(f"Cannot connect sqlite3 database: unable to open database file {path}")
    _refuse_original(path)
    return f"sqlite:///{path}{query}"


def _refuse_original(path: Path) -> None:
    """Leave a file alone that the original library wrote: it is imported, not opened."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as conn:
        found = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'MLMDEnv'").fetchone()
    if found:
        raise RefusedError(
            f"Schema migration is disabled: {path} was written by ML Metadata itself; bring it into a store "
            f"with `headwater --store sqlite:///NEW.db import mlmd {path}`, and open that"
        )


def _mysql_url(config: Any) -> str:
    if not config.database:
        raise RefusedError("the mysql config names no database")
    arguments = {"unix_socket": config.socket} if config.socket else {}
    ssl = {field.name: value for field, value in config.ssl_options.ListFields()}
    arguments |= {
        f"ssl_{name}": ssl[name] for name in ("key", "cert", "ca", "capath", "cipher") if ssl.get(name)
    }
    if ssl.get("verify_server_cert"):
        arguments["ssl_verify_cert"] = "true"
    address = config.host or "localhost"
    return _server_url(
        "mysql",
        config.user,
        config.password,
        f"{address}:{config.port}" if config.port else address,
        config.database,
        arguments,
    )


def _postgresql_url(config: Any) -> str:
    if not config.dbname:
        raise RefusedError("the postgresql config names no dbname")
    arguments = {"hostaddr": config.hostaddr, "passfile": config.passfile}
    arguments |= {field.name: value for field, value in config.ssloption.ListFields()}
    address = config.host or config.hostaddr or "localhost"
    return _server_url(
        "postgresql",
        config.user,
        config.password,
        f"{address}:{config.port}" if config.port else address,
        config.dbname,
        {name: value for name, value in arguments.items() if value},
    )


def _server_url(
    scheme: str, user: str, password: str, address: str, database: str, arguments: dict[str, str]
) -> str:
    secret = f":{quote(password, safe='')}" if password else ""
    account = f"{quote(user, safe='')}{secret}@" if user else ""
    tail = f"?{urlencode(arguments)}" if arguments else ""
    return f"{scheme}://{account}{address}/{database}{tail}"
