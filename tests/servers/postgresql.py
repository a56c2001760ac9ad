"""PostgreSQL for tests."""

import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.servers.process import NoServerError, Process, find_binary

# A test server may forget everything in a power cut, and is several times faster for it.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", *FAST)


class PostgreSQL:
    """A server whose databases tests make and drop."""

    def __init__(self, url: str, process: Process | None = None) -> None:
        self.url = url
        self._process = process

    @staticmethod
    def binary() -> Path:
        """The program that a private server starts from; NoServerError where there is none."""
        return find_binary("initdb", folders=newest_first())

    @classmethod
    def start(cls) -> "PostgreSQL":
        """Start a private server from the binaries on this machine."""
        initdb = cls.binary()
        process = Process(accounts=["postgres", "nobody"], stop_signal="QUIT")
        server = cls(f"postgresql://headwater@127.0.0.1:{process.port}/postgres", process)
        data = process.folder / "data"
        options = ("--username=headwater", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        try:
            process.run(initdb, "-D", data, *options)
            postgres = initdb.resolve().with_name("postgres")
            process.start(postgres, "-D", data, "-p", str(process.port), *settings, is_ready=server.answers)
        except NoServerError:
            server.stop()
            raise
        return server

    @contextmanager
    def fresh(self, *, template: str | None = None) -> Generator[str]:
        """Make an empty database, or a copy of the one at the URL `template`; yield its URL, then drop it.

        Nobody may be connected to the template while it is copied.
        """
        name = f"hw_{uuid4().hex}"
        source = urlsplit(template).path[1:] if template else "template0"
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        self._execute(make)
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def answers(self) -> bool:
        """Whether the server takes a connection now."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
            return True
        return False

    def stop(self) -> None:
        """Stop the server if it is ours."""
        if self._process:
            self._process.stop()

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


def newest_first() -> list[Path]:
    """Where Debian, Homebrew and Red Hat keep servers that are not on the path."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    found += [*Path("/usr").glob("pgsql-*/bin")]
    return sorted(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
