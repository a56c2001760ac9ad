"""Database servers for tests: those named in the environment, else private ones started here."""

from tests.servers.mysql import MySQL
from tests.servers.pool import KINDS, Answers, Servers
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import NoServerError

__all__ = ["KINDS", "Answers", "MySQL", "NoServerError", "PostgreSQL", "Servers"]
