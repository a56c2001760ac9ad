"""The servers of one test session: each found or started once, when first asked for."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from tests.servers.mysql import MySQL
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import NoServerError

Kind = Literal["postgresql", "mysql"]
KINDS: tuple[Kind, ...] = ("postgresql", "mysql")
Server = PostgreSQL | MySQL
# By kind: ("url", where it is) or ("why", why there is none). Plain words: it travels to xdist's workers.
Answers = dict[str, tuple[str, str]]


class Servers:
    """Finds servers, and stops at the end those that it started."""

    def __init__(self, told: Answers | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._answers: Answers = dict(told or {})
        self._started: list[Server] = []
        self._environ = environ

    def postgresql(self) -> PostgreSQL:
        """The PostgreSQL server; NoServerError says why there is none."""
        return PostgreSQL(self._url("postgresql", PostgreSQL.start))

    def mysql(self) -> MySQL:
        """The MySQL or MariaDB server; NoServerError says why there is none."""
        return MySQL(self._url("mysql", MySQL.start))

    def answers(self) -> Answers:
        """Ask for every kind at once; the answers are for the workers of a parallel session."""
        with ThreadPoolExecutor() as threads:
            list(threads.map(self._ask, KINDS, (PostgreSQL.start, MySQL.start)))
        return self._answers

    def plan(self, kind: Kind) -> str:
        """Say in one line, without starting anything, where a server of this kind comes from."""
        if url := self._environ.get(variable(kind)):
            return f"{kind}: {url.rpartition('@')[2]}"
        try:
            found = {"postgresql": PostgreSQL, "mysql": MySQL}[kind].binary()
        except NoServerError as why:
            return f"{kind}: skipped, {why}; set {variable(kind)} to the URL of a server"
        return f"{kind}: a private server from {found}"

    def stop(self) -> None:
        """Stop what was started here."""
        for server in self._started:
            server.stop()
        self._started.clear()

    def _url(self, kind: Kind, start: Callable[[], Server]) -> str:
        word, said = self._ask(kind, start)
        if word == "why":
            raise NoServerError(f"no {kind} server for tests: {said}")
        return said

    def _ask(self, kind: Kind, start: Callable[[], Server]) -> tuple[str, str]:
        if kind not in self._answers:
            self._answers[kind] = self._find(kind, start)
        return self._answers[kind]

    def _find(self, kind: Kind, start: Callable[[], Server]) -> tuple[str, str]:
        if url := self._environ.get(variable(kind)):
            return ("url", url)
        try:
            server = start()
        except NoServerError as why:
            return ("why", str(why))
        self._started.append(server)
        return ("url", server.url)


def variable(kind: Kind) -> str:
    """The environment variable that names a server of this kind."""
    return f"HEADWATER_TEST_{kind.upper()}"
