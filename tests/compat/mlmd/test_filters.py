"""Filter queries select what they select in the original."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_service_pb2 as service_pb
from tests.compat.mlmd.conftest import fake_database
from tests.compat.mlmd.peer import Original

FOLDER = Path(__file__).with_name("queries")
POPULATION = [
    (method, text)
    for block in (FOLDER / "population.txt").read_text().split("\n\n")
    for method, _, text in [block.partition("\n")]
]
BEYOND = {
    "STATE = LIVE": [1, 4],
    "state = ABANDONED": [],
    "state = LIVE OR state = LIVE": [1, 4],
    "events_0.type = PENDING_OUTPUT": [],
    "state = 2": [1, 4],
    "state IN (2, 6)": [1, 4],
    r"uri = 'A\'b\\c'": [4],
}
"""What the original refuses or does not find."""


QUERIES = [
    (f"Get{kind.capitalize()}", query)
    for kind in ("artifacts", "contexts", "executions")
    for query in (FOLDER / f"{kind}.txt").read_text().splitlines()
]


@pytest.fixture(scope="module")
def populated():
    with mlmd.MetadataStore(fake_database()) as store:
        for method, text in POPULATION:
            store._call(method, request_of(method, text), getattr(service_pb, f"{method}Response")())
        yield store


def request_of(method: str, text: str) -> Any:
    return text_format.Parse(text, getattr(service_pb, f"{method}Request")())


def found(store: mlmd.MetadataStore, method: str, query: str) -> tuple[int, list[int]]:
    """The status code and the ids."""
    request, response = getattr(service_pb, f"{method}Request")(), getattr(service_pb, f"{method}Response")()
    request.options.filter_query = query
    try:
        store._call(method, request, response)
    except mlmd.errors.StatusError as error:
        return error.error_code if error.message.startswith("Invalid `filter_query`: ") else -1, []
    return 0, ids_of(response)


def ids_of(response: Any) -> list[int]:
    return [
        node.id for field, nodes in response.ListFields() if field.name != "next_page_token" for node in nodes
    ]


def test_queries_find_what_they_find_in_the_original(original: Original, populated):
    original.open()
    for method, text in POPULATION:
        assert original.call(method, request_of(method, text)).code == 0
    differing = []

    for method, query in QUERIES:
        request = getattr(service_pb, f"{method}Request")()
        request.options.filter_query = query
        code, response, message = original.call(method, request)
        theirs, ours = (code, ids_of(response)), found(populated, method, query)
        if ours != theirs:
            differing.append((query, theirs, ours, message[:100]))

    assert differing == []


@pytest.mark.parametrize(("query", "ids"), BEYOND.items())
def test_more_can_be_asked_than_in_the_original(populated, query, ids):
    assert found(populated, "GetArtifacts", query) == (0, ids)


def test_states_of_neighbours_can_differ_from_one(populated):
    assert found(populated, "GetContexts", "artifacts_a.state != LIVE") == (0, [1, 2])


def test_a_struct_is_no_string_though_the_original_keeps_it_as_one(original: Original):
    store = mlmd.MetadataStore(fake_database())
    original.open()
    node = 'type_id: 10 custom_properties { key: "i" value { struct_value {} } }'
    for method, text in (
        ("PutArtifactType", 'artifact_type { name: "T" }'),
        ("PutArtifacts", f"artifacts {{ {node} }}"),
    ):
        request = request_of(method, text)
        store._call(method, request, getattr(service_pb, f"{method}Response")())
        assert original.call(method, request).code == 0
    for condition in ("IS NOT NULL", "!= 'x'", "LIKE 'mlmd-struct::%'"):
        query = f"custom_properties.i.string_value {condition}"
        request = service_pb.GetArtifactsRequest()
        request.options.filter_query = query

        assert ids_of(original.call("GetArtifacts", request).response) == [1]
        assert found(store, "GetArtifacts", query) == (0, [])
    store.close()


def test_filters_go_with_orders_and_pages(populated):
    options = mlmd.ListOptions(
        limit=1, order_by=mlmd.OrderByField.ID, is_asc=False, filter_query="name = 'a'"
    )

    assert [a.id for a in populated.get_artifacts(options)] == [4]
    options.limit = None
    assert [a.id for a in populated.get_artifacts(options)] == [4, 1]
    by_context = mlmd.ListOptions(filter_query="properties.i.int_value > 1")
    assert [a.id for a in populated.get_artifacts_by_context(1, by_context)] == [2]


def test_huge_and_deep_queries_are_refused(populated):
    for query in ("(" * 1000 + "true" + ")" * 1000, " or ".join(["id = 1"] * 1000), "id = " + "1" * 200_000):
        assert found(populated, "GetArtifacts", query) == (mlmd.errors.INVALID_ARGUMENT, [])
