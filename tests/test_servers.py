import os
import subprocess
import sys
import textwrap
from contextlib import closing
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql
import pytest

from tests.servers import NoServerError, Servers


def query_postgresql(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def query_mysql(url, statement):
    at = urlsplit(url)
    user, password = unquote(at.username or ""), unquote(at.password or "")
    connection = pymysql.connect(
        host=at.hostname,
        port=at.port or 3306,
        user=user,
        password=password,
        database=at.path[1:],
        autocommit=True,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else None


@pytest.fixture(params=["postgresql", "mysql"])
def backend(request):
    """(server, query) of each kind of database."""
    query = {"postgresql": query_postgresql, "mysql": query_mysql}[request.param]
    return request.getfixturevalue(f"{request.param}_server"), query


def test_a_fresh_database_is_empty_and_goes_when_it_was_used(backend):
    server, query = backend
    name = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'only_here'"

    with server.fresh() as url:
        query(url, "CREATE TABLE only_here (id INTEGER PRIMARY KEY)")
        assert query(url, name) == [(1,)]
    with server.fresh() as other:
        assert other != url
        assert query(other, name) == [(0,)]

    with pytest.raises((psycopg.OperationalError, pymysql.err.OperationalError), match="database"):
        query(url, "SELECT 1")


def test_a_copy_of_a_template_holds_its_tables_keys_and_rows(backend):
    server, query = backend

    with server.fresh() as template:
        query(template, "CREATE TABLE b_parent (id INTEGER PRIMARY KEY)")
        query(
            template, "CREATE TABLE a_child (parent INTEGER, FOREIGN KEY (parent) REFERENCES b_parent (id))"
        )
        query(template, "INSERT INTO b_parent VALUES (7)")
        with server.fresh(template=template) as copy:
            query(copy, "INSERT INTO a_child VALUES (7)")
            with pytest.raises((psycopg.IntegrityError, pymysql.err.IntegrityError)):
                query(copy, "INSERT INTO a_child VALUES (8)")

            assert query(copy, "SELECT parent FROM a_child") == [(7,)]
        assert query(template, "SELECT parent FROM a_child") in ([], ())


def test_one_test_may_have_several_databases(fresh_postgresql_url, fresh_mysql_url):
    urls = {fresh_postgresql_url(), fresh_postgresql_url(), fresh_mysql_url(), fresh_mysql_url()}

    assert len(urls) == 4


def test_a_url_in_the_environment_is_used_as_it_is():
    servers = Servers(environ={"HEADWATER_TEST_MYSQL": "mysql://me:secret@db:3306/x"})

    assert servers.mysql().url == "mysql://me:secret@db:3306/x"
    assert "secret" not in servers.plan("mysql")


def test_a_missing_server_says_why():
    servers = Servers({"mysql": ("why", "no mariadbd on the path")})

    with pytest.raises(NoServerError, match="no mysql server for tests: no mariadbd on the path"):
        servers.mysql()


def test_a_killed_session_leaves_no_server_behind(postgresql_server):
    if os.environ.get("HEADWATER_TEST_POSTGRESQL"):
        pytest.skip("needs a server started from binaries")
    script = """
        import os, signal
        from tests.servers import PostgreSQL
        print(PostgreSQL.start().url, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """

    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    url = done.stdout.strip()
    assert url.startswith("postgresql://headwater@127.0.0.1:")
    assert is_gone(url)


def is_gone(url, tries=100):
    for _ in range(tries):
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return True
    return False
