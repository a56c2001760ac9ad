"""MySQL hands out the original's text encoded twice; it comes over as it was meant."""

import pytest
import sqlalchemy as sa

from headwater.compat.mlmd.importing import import_database, open_source
from headwater.model.protocols import Store
from headwater.store import open_store
from tests.compat.mlmd.importing.originals import message, populate
from tests.compat.mlmd.peer import Original
from tests.conftest import FreshUrl


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4", "binary"])
def test_text_on_mysql_is_what_was_put_in_whatever_its_columns_are(
    original: Original, fresh_mysql_url: FreshUrl, store_url: str, charset: str
):
    source = fresh_mysql_url()
    text = "é ÿ € ключ ﹏"
    change(source, f"ALTER DATABASE CHARACTER SET {charset}")
    original.open(source)
    put = message("PutArtifactTypeRequest", "artifact_type { name: 'T' }")
    type_id = original.call("PutArtifactType", put).response.type_id
    node = f"artifacts {{ type_id: {type_id} name: '{text}' uri: '{text}' "
    node += f"custom_properties {{ key: '{text}' value {{ string_value: '{text}' }} }} }}"
    assert original.call("PutArtifacts", message("PutArtifactsRequest", node)).code == 0
    original.open()

    with open_store(store_url) as store:
        bring(source, store)
        [found] = store.artifacts.page().items

    assert (found.name, found.uri, found.custom_properties) == (text, text, {text: text})


def test_text_on_mysql_that_others_put_in_stays(
    original: Original, fresh_mysql_url: FreshUrl, store_url: str
):
    source = fresh_mysql_url()
    populate(original, source)
    original.open()
    texts = ["é", "ключ", "Ã", "Ã© ключ", "😀"]
    for i, text in enumerate(texts):
        change(source, f"INSERT INTO Artifact (id, type_id, uri) VALUES ({20 + i}, 11, '{text}')")

    with open_store(store_url) as store:
        bring(source, store)
        found = [each.uri for each in store.artifacts.get([20 + i for i in range(len(texts))])]

    assert found == texts


def bring(url: str, store: Store) -> None:
    """Import a database."""
    with open_source(url) as source:
        assert import_database(source, store).is_complete


def change(url: str, statement: str) -> None:
    """Change a database on MySQL, as a client that says what it sends."""
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"})
    )
    with engine.begin() as conn:
        conn.exec_driver_sql(statement)
    engine.dispose()
