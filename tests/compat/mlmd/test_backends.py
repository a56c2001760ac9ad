"""Servers give the answers that SQLite gives, which are compared with the original's."""

from typing import Any

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.connection import store_url
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.service import MetadataService
from headwater.store import open_store
from tests.compat.mlmd.conftest import config_of
from tests.compat.mlmd.test_filters import POPULATION, QUERIES, found, request_of


class OnUrl(mlmd.MetadataStore):
    """A store at a URL of ours."""

    def __init__(self, url: str) -> None:
        self._store = open_store(url)
        self._is_read_only = False
        self._service = MetadataService(self._store)


@pytest.mark.parametrize("backend", ["postgresql", "mysql"])
def test_queries_find_the_same_on_servers(backend: str, request: pytest.FixtureRequest):
    url = request.getfixturevalue(f"fresh_{backend}_url")()
    with OnUrl(url) as server, OnUrl("memory://") as reference:
        for store in (server, reference):
            for method, text in POPULATION:
                store._service.call(method, request_of(method, text))

        differing = [
            (query, ours, wanted)
            for method, query in QUERIES
            if (ours := found(server, method, query)) != (wanted := found(reference, method, query))
        ]

    assert differing == []


def test_configs_become_urls(tmp_path):
    assert url_of(sqlite={"filename_uri": str(tmp_path / "a b.db")}) == f"sqlite:///{tmp_path}/a b.db"
    assert (
        url_of(sqlite={"filename_uri": f"file:{tmp_path}/a%20b.db?mode=rwc"})
        == f"sqlite:///{tmp_path}/a b.db"
    )
    assert (
        url_of(sqlite={"filename_uri": f"file:{tmp_path}/a.db?synchronous=FULL"})
        == f"sqlite:///{tmp_path}/a.db?synchronous=full"
    )
    assert url_of(sqlite={}) == "memory://"
    mysql = {"host": "db", "port": 3306, "database": "m", "user": "me", "password": "p@:/"}
    assert url_of(mysql=mysql) == "mysql://me:p%40%3A%2F@db:3306/m"
    assert (
        url_of(mysql={"socket": "/run/m.sock", "database": "m", "ssl_options": {"ca": "/ca.pem"}})
        == "mysql://localhost/m?unix_socket=%2Frun%2Fm.sock&ssl_ca=%2Fca.pem"
    )
    postgresql = {
        "host": "db",
        "port": "5432",
        "dbname": "m",
        "user": "me",
        "ssloption": {"sslmode": "require"},
    }
    assert url_of(postgresql=postgresql) == "postgresql://me@db:5432/m?sslmode=require"


def test_a_config_opens_a_server(fresh_postgresql_url: Any):
    config = config_of(fresh_postgresql_url())

    with mlmd.MetadataStore(config) as store:
        assert store.put_artifact_type(pb.ArtifactType(name="T")) == 10


def url_of(**config: Any) -> str:
    return store_url(pb.ConnectionConfig(**config))
