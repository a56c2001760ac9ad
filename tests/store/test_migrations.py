"""Migrations lead to the same tables as a fresh database, and carry their evidence."""

import shutil
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from headwater.errors import SchemaError
from headwater.store import upgrade_store
from headwater.store.sql import schema, setup
from headwater.store.sql.database import Database
from headwater.store.sql.setup import Migrations
from headwater.store.sql.store import SqlStore
from headwater.version import VERSION
from tests.store import children

SCRIPTS = sorted(ScriptDirectory(str(Migrations().folder)).walk_revisions(), key=lambda s: s.revision)

NOW, NEXT = schema.SCHEMA_VERSION, schema.SCHEMA_VERSION + 1

ADD_COLUMN = f'''
"""Adds a column, for a test."""
from alembic import op
revision, down_revision = "{NEXT:04}", "{NOW:04}"
BEFORE, AFTER = (), ()
def upgrade():
    op.execute("ALTER TABLE alias ADD COLUMN note INTEGER")
'''


@contextmanager
def database(url):
    """Open a database below the store."""
    db = Database(url, clock_ms=lambda: 0)
    try:
        yield db
    finally:
        db.close()


@pytest.fixture
def next_version(tmp_path):
    """Migrations with one more than there is."""
    folder = shutil.copytree(Migrations().folder, tmp_path / "100% migrations")
    (folder / "versions" / f"{NEXT:04}_add_column.py").write_text(ADD_COLUMN)
    return Migrations(folder=folder, newest=NEXT)


def described(url):
    """Everything that the database knows about its tables, for comparison."""
    with database(url) as db, db.read() as conn:
        name = db.dialect.name
        if name == "sqlite":
            rows = conn.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'"
            )
            return sorted((row.name, row.sql) for row in rows)
        if name == "mysql":
            tables = [
                conn.exec_driver_sql(f"SHOW CREATE TABLE `{t}`").one()[1] for t in schema.metadata.tables
            ]
            # The indexes of a table are made in no order, and the counter stands where it stands.
            return [
                sorted(line.rstrip(",") for line in t.splitlines() if "AUTO_INCREMENT=" not in line)
                for t in tables
            ]
        columns = (
            "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, "
            "collation_name, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"
        )
        indexes = (
            "SELECT indexdef FROM pg_indexes "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
        )
        return [tuple(row) for query in (columns, indexes) for row in conn.exec_driver_sql(query)]


def seeds(url):
    """The rows of a new database, without what differs on purpose."""
    with database(url) as db, db.read() as conn:
        types = conn.execute(sa.select(schema.type_).order_by(schema.type_.c.id)).all()
        settings = conn.execute(sa.select(schema.setting).order_by(schema.setting.c.name)).all()
    return [tuple(t) for t in types], [s.name if s.name == "store_id" else tuple(s) for s in settings]


def test_newest_migration_has_the_number_of_the_schema():
    assert [int(script.revision) for script in SCRIPTS] == list(range(1, schema.SCHEMA_VERSION + 1))


def test_migrated_database_equals_a_fresh_one(make_database):
    fresh, migrated = make_database(), make_database()
    SqlStore(fresh).close()
    with database(migrated) as db:
        setup.upgrade(db)

    assert described(migrated) == described(fresh), "schema.py has changed: it needs a migration"
    assert seeds(migrated) == seeds(fresh)


def test_autogenerate_finds_nothing_to_migrate(sql_url):
    with database(sql_url) as db:
        setup.upgrade(db)
        with db.read() as conn:
            context = MigrationContext.configure(conn, opts={"compare_type": True})
            assert compare_metadata(context, schema.metadata) == []


def test_migrated_database_is_a_store(sql_url):
    with database(sql_url) as db:
        setup.upgrade(db)

    with SqlStore(sql_url) as store:
        assert store.models.register("m").name == "m"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.revision)
def test_migration_keeps_its_promises(sql_url, script):
    with database(sql_url) as db:
        if script.down_revision:
            setup.upgrade(db, to=script.down_revision)
        db.write(lambda conn: [conn.exec_driver_sql(sql) for sql in script.module.BEFORE])

        setup.upgrade(db)

        with db.read() as conn:
            answers = {sql: conn.exec_driver_sql(sql).scalar() for sql in script.module.AFTER}
    assert answers
    assert all(answers.values()), answers


def test_newer_schema_is_refused_with_both_versions_and_left_alone(sql_url, next_version):
    SqlStore(sql_url).close()
    with database(sql_url) as db:
        setup.upgrade(db, next_version)
    before = described(sql_url)

    with pytest.raises(
        SchemaError, match=rf"schema {NEXT}, last upgraded by headwater {VERSION}.* up to {NOW}: install"
    ):
        SqlStore(sql_url)
    with pytest.raises(SchemaError, match=f"schema {NEXT}"):
        upgrade_store(sql_url)

    assert described(sql_url) == before


def test_older_schema_is_upgraded_at_open_on_sqlite_and_refused_on_servers(
    sql_url, next_version, sql_backend
):
    SqlStore(sql_url).close()

    with database(sql_url) as db:
        if sql_backend == "sqlite":
            setup.prepare(db, sql_url, next_version)
            assert setup.stored_version(db) == NEXT
        else:
            with pytest.raises(
                SchemaError, match=rf"schema {NOW}, .* needs {NEXT}: run `headwater db upgrade`"
            ):
                setup.prepare(db, sql_url, next_version)
            assert setup.stored_version(db) == NOW


@pytest.mark.parametrize("upgrade", ["at-open", "by-command"])
def test_sqlite_file_is_copied_before_its_upgrade(tmp_path, next_version, upgrade):
    url = f"sqlite:///{tmp_path}/store.db"
    with SqlStore(url) as store:
        store.models.register("m")

    if upgrade == "by-command":
        assert setup.upgrade_url(url, next_version) == (NOW, NEXT)
    else:
        with database(url) as db:
            setup.prepare(db, url, next_version)

    [copy] = tmp_path.glob("store.db.schema-*.bak")
    with SqlStore(f"sqlite:///{copy}") as store:
        assert store.models.get("m").name == "m"


def test_upgrade_by_command_on_servers_and_again(sql_url, next_version):
    SqlStore(sql_url).close()

    assert setup.upgrade_url(sql_url, next_version) == (NOW, NEXT)
    assert setup.upgrade_url(sql_url, next_version) == (NEXT, NEXT)
    with database(sql_url) as db, db.read() as conn:
        assert conn.exec_driver_sql("SELECT note FROM alias").all() == []


def test_empty_database_is_not_upgraded(sql_url):
    with pytest.raises(SchemaError, match="empty"):
        upgrade_store(sql_url)


def test_failed_migration_leaves_a_sqlite_file_as_it_was(tmp_path, next_version):
    url = f"sqlite:///{tmp_path}/store.db"
    SqlStore(url).close()
    before = described(url)
    broken = next_version.folder / "versions" / f"{NEXT:04}_add_column.py"
    broken.write_text(broken.read_text() + '    op.execute("SELECT * FROM nowhere")\n')

    with pytest.raises(OperationalError), database(url) as db:
        setup.prepare(db, url, next_version)

    assert described(url) == before


def test_processes_that_open_one_empty_database_at_once_make_it_once(sql_url):
    with children.start("look", sql_url) as parent:
        assert parent.communicate(timeout=50) == ("", "")

    assert len(seeds(sql_url)[1]) == 5


def test_process_that_was_killed_while_it_made_the_tables_leaves_no_trouble(make_database, sql_backend):
    url = make_database()
    with database(url) as db:
        # What a server without transactions for tables keeps of a half-made database.
        db.write(lambda conn: schema.metadata.create_all(conn, tables=[schema.setting, schema.type_]))
        db.write(setup.make_version_table)

    with SqlStore(url) as store:
        assert len(store.types.all(1)) == 4
