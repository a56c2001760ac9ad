"""Which events are read, and what is said of those that are none."""

import json

import pytest

from headwater.compat.openlineage import decode_event
from headwater.compat.openlineage.events import RunEvent
from headwater.errors import InvalidError
from tests.compat.openlineage.story import data, happened, said


def with_time(text):
    return json.dumps({**json.loads(happened("START", 0)), "eventTime": text})


@pytest.mark.parametrize(
    "text",
    [
        "2013-10-25T06:00:00.123Z",
        "2013-10-25T06:00:00.123456789Z",
        "2013-10-25T08:00:00.123+02:00",
        "2013-10-25T08:00:00.123+02:00[Europe/Berlin]",
        "2013-10-25T06:00:00.123",
    ],
)
def test_times_are_read_as_clients_of_all_languages_write_them(text):
    assert decode_event(with_time(text)).time_ms == 1_382_680_800_123


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "JSON object"),
        (b"\xff\xfe", "JSON object"),
        ("[]", "`run` and `job`"),
        ('{"eventTime": "2013-10-25T06:00:00Z"}', "`run` and `job`"),
        ('{"run": {"runId": "1"}, "eventTime": ""}', "runId|job"),
        (with_time("yesterday"), "'yesterday' is no time"),
        (happened("STOP", 0), "'STOP' is none of ABORT"),
        (happened("START", 0, job=" "), "a job needs a namespace and a name"),
        (happened("START", 0, inputs=data("")), "a dataset needs a namespace and a name"),
        (happened("START", 0, inputs=["flights"]), "inputs"),
        (said(0, dataset={"name": "flights"}), "namespace"),
        ("[" * 100_000, "JSON object"),
    ],
)
def test_what_is_no_event_is_refused_with_the_place_where_it_is_wrong(body, words):
    with pytest.raises(InvalidError, match=words):
        decode_event(body)


def test_unknown_fields_and_empty_lists_are_left_as_they_are():
    event = json.loads(happened("START", 0)) | {"inputs": None, "outputs": None, "new": 1}
    del event["producer"], event["eventType"]

    found = decode_event(json.dumps(event))

    assert isinstance(found, RunEvent)
    assert found.kind == "OTHER"
