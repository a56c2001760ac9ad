"""Laws of the translation: what goes in comes out, and no text leads out of its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.compat.mlflow.answers import encode, key_values
from headwater.compat.mlflow.batches import LogBatch, LogMetric
from headwater.compat.mlflow.errors import STATUSES, MlflowError, mlflow_error_of
from headwater.compat.mlflow.locations import check_location, proxied_path, run_location, safe_path
from headwater.compat.mlflow.pages import cut
from headwater.compat.mlflow.requests import Reader
from headwater.compat.mlflow.run_edges import CONTEXT_TAG, path_of, schema_text, schema_value, tags_of
from headwater.errors import HeadwaterError, InvalidError, StaleWriteError, UnavailableError

texts = st.text(max_size=5)
tags = st.dictionaries(st.one_of(texts, st.just(CONTEXT_TAG)), texts, max_size=3)


@given(name=texts, given_tags=tags)
def test_tags_of_a_data_set_survive_in_the_path_of_its_event(name, given_tags):
    path = path_of(name, [*given_tags.items()])

    assert tags_of(name, path) == key_values(dict(sorted(given_tags.items())))


@given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | texts, st.lists).map(json.dumps)))
def test_a_schema_comes_back_as_it_was(text):
    assert schema_text(schema_value(text)) == text


@given(st.text())
def test_a_safe_path_is_relative_and_stays_in_its_folder(text):
    try:
        path = safe_path(text)
    except MlflowError:
        return
    assert safe_path(path) == path
    assert not path.startswith("/")
    assert not {"..", "."} & set(path.split("/"))


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_pages_are_the_whole_list(items, size):
    token, found = "", []
    while True:
        page, token = cut(items, size, token)
        found += page
        if not token:
            break

    assert found == items


@pytest.mark.parametrize("token", ["x", "e30=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAieCJ9", "é"])
def test_tokens_of_others_are_refused(token):
    with pytest.raises(MlflowError, match="Invalid page token"):
        cut([1], 1, token)


def test_each_error_has_a_status_and_bad_input_is_never_tried_again():
    assert {mlflow_error_of(InvalidError("x")).status, MlflowError("x").status} == {400}
    assert mlflow_error_of(StaleWriteError("run", 1, expected=1, found=2)).status == 409
    assert mlflow_error_of(UnavailableError("x")).status == 503
    assert mlflow_error_of(HeadwaterError("x")).status == 500
    assert set(STATUSES.values()) == {400, 401, 403, 404, 409, 429, 499, 500, 501, 503, 504}


def test_queries_are_read_as_bodies_are():
    reader = Reader(LogMetric)
    pairs = [("run_id", "r"), ("key", "k"), ("value", "NaN"), ("timestamp", "7"), ("unknown", "x")]

    asked, sent = reader.of_query(pairs), reader.of_body(json.dumps(dict(pairs)).encode())

    assert repr(asked) == repr(sent)
    assert (asked.timestamp, asked.step) == (7, 0)


def test_old_names_nulls_and_bare_nan_are_understood():
    point = b'{"key": "k", "value": NaN, "timestamp": 1, "step": null}'
    body = b'{"run_uuid": "r", "metrics": [' + point + b'], "tags": null}'

    found = Reader(LogBatch).of_body(body)

    assert (found.run_id, found.metrics[0].step, found.tags) == ("r", 0, ())


def test_answers_leave_out_what_is_unset():
    assert encode(key_values({"a": ""})[0]) == b'{"key":"a","value":""}'


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/x", "s3://bucket/x/R/artifacts"),
        ("s3://bucket/x/", "s3://bucket/x/R/artifacts"),
        ("mlflow-artifacts:/7", "mlflow-artifacts:/7/R/artifacts"),
        ("https://host/x?token=1", "https://host/x/R/artifacts?token=1"),
    ],
)
def test_files_of_a_run_lie_below_its_experiment(location, expected):
    check_location(location, "artifact_location")

    assert run_location(location, "R") == expected


def test_only_places_in_the_proxy_are_ours():
    assert proxied_path("mlflow-artifacts:/7/R/artifacts") == "7/R/artifacts"
    assert proxied_path("mlflow-artifacts://host:1/7/R/artifacts") == "7/R/artifacts"
    assert proxied_path("s3://bucket/7/R/artifacts") is None
    assert proxied_path("/etc/passwd") is None


@pytest.mark.parametrize(
    "location",
    [
        "runs:/x",
        "s3://b/../x",
        "s3://b/%2e%2e/x",
        "s3://b/x#y",
        "s3://b/x;y",
        "s3://b/x?a=..",
        "s3://b/%00",
        "x" * 2049,
    ],
)
def test_odd_locations_are_refused(location):
    with pytest.raises(MlflowError):
        check_location(location, "artifact_location")
