"""MariaDB, or MySQL by URL, for tests."""

from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

import pymysql

from tests.servers.process import NoServerError, Process, find_binary

SYSTEM = [Path("/usr/sbin"), Path("/usr/libexec"), Path("/opt/homebrew/bin"), Path("/usr/local/sbin")]
# A test server may forget everything in a power cut, and is several times faster for it.
FAST = ("--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync")
# For each connection the driver would read the certificates of the machine, 27 ms, for TLS that is not there.
PLAIN = "?ssl_disabled=true"
# An init file takes one statement a line.
ACCOUNT = "CREATE USER headwater@'127.0.0.1' IDENTIFIED BY 'pw';\nGRANT ALL ON *.* TO headwater@'127.0.0.1';"


class MySQL:
    """A server whose databases tests make and drop."""

    def __init__(self, url: str, process: Process | None = None) -> None:
        self.url = url
        self._process = process

    @staticmethod
    def binary() -> Path:
        """The program that a private server starts from; NoServerError where there is none."""
        return find_binary("mariadbd", "mysqld", folders=SYSTEM)

    @classmethod
    def start(cls) -> "MySQL":
        """Start a private MariaDB from the binaries on this machine."""
        daemon = cls.binary()
        install = find_binary("mariadb-install-db", folders=SYSTEM)
        process = Process(accounts=["mysql", "nobody"], stop_signal="KILL")
        server = cls(f"mysql://headwater:pw@127.0.0.1:{process.port}/mysql{PLAIN}", process)
        data, accounts = process.folder / "data", process.folder / "accounts.sql"
        accounts.write_text(ACCOUNT)
        settings = (f"--datadir={data}", f"--socket={process.folder}/s", f"--pid-file={process.folder}/pid")
        listen = ("--bind-address=127.0.0.1", f"--port={process.port}", "--skip-name-resolve")
        try:
            process.run(install, "--no-defaults", f"--datadir={data}", "--skip-test-db")
            process.start(
                daemon,
                "--no-defaults",
                *settings,
                *listen,
                *FAST,
                f"--init-file={accounts}",
                "--max-connections=300",
                is_ready=server.answers,
            )
        except NoServerError:
            server.stop()
            raise
        return server

    @contextmanager
    def fresh(self, *, template: str | None = None) -> Generator[str]:
        """Make an empty database, or a copy of the one at the URL `template`; yield its URL, then drop it."""
        name = f"hw_{uuid4().hex}"
        self._execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        try:
            if template:
                self._copy(urlsplit(template).path[1:], name)
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            self._execute(f"DROP DATABASE `{name}`")

    def answers(self) -> bool:
        """Whether the server takes a connection now."""
        with suppress(pymysql.err.OperationalError), closing(self._connect()):
            return True
        return False

    def stop(self) -> None:
        """Stop the server if it is ours."""
        if self._process:
            self._process.stop()

    def _connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        url = urlsplit(self.url)
        return pymysql.connect(
            host=url.hostname,
            port=url.port or 3306,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            database=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _execute(self, statement: str) -> None:
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def _copy(self, source: str, target: str) -> None:
        """Copy tables and rows: there is no CREATE DATABASE from a template here."""
        with closing(self._connect(target)) as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(f"SHOW TABLES FROM `{source}`")
            for (table,) in cursor.fetchall():
                cursor.execute(f"SHOW CREATE TABLE `{source}`.`{table}`")
                ((_, create),) = cursor.fetchall()
                cursor.execute(create)
                cursor.execute(f"INSERT INTO `{table}` SELECT * FROM `{source}`.`{table}`")
