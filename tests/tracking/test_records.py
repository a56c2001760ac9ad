from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import CorruptError
from headwater.model.ids import ExecutionId, RunId
from headwater.model.runs import NewRun, RunStatus
from headwater.model.series import Points
from headwater.tracking.records import (
    Checkpoint,
    Header,
    PointsRecord,
    RunEnd,
    RunEntry,
    RunOp,
    RunRecord,
    Seal,
    SeriesRecord,
    decode,
    encode,
    frame,
    frames,
    is_mark,
    point_frame,
)

RUN_ID = RunId("0" * 32)
NEW = NewRun(
    run_id=RUN_ID, experiment="e", params={"lr": 0.1, "layers": [1, {"a": None}]}, tags={"raw": b"\x00"}
)
RECORDS = [
    Header(writer=1, segment=2, first_batch=3, store="sqlite:///x", pid=4, host="h"),
    RunRecord(1, RunEntry(run_id=RUN_ID, new=NEW, parent=RunId("1" * 32))),
    RunRecord(2, RunEntry(run_id=RUN_ID, execution_id=ExecutionId(7))),
    SeriesRecord(3, 1, "välue/auc"),
    PointsRecord(
        3, Points(array("q", [1, -5]), array("q", [0, 2]), array("d", [float("nan"), float("-inf")]))
    ),
    RunOp(1, params={"a": 1, "b": "x\x00y"}, tags={"gone": None}),
    RunOp(1, tags={"a": 2}, tags_before={"a": 1}, time_ms=12),
    RunOp(1, properties={"machine": {"os": "Linux"}}, end=RunEnd(RunStatus.FAILED, 12, "boom")),
    Seal(2**63),
    Checkpoint(0),
]

int64s = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("record", RECORDS, ids=repr)
def test_a_record_comes_back_as_it_was(record):
    assert decode(encode(record)) == record


@given(st.integers(0, 2**32 - 1), int64s, int64s, st.floats())
def test_any_point_comes_back_bit_by_bit(series, step, time_ms, value):
    [(_, payload)] = frames(point_frame(series, step, time_ms, value))

    assert decode(payload) == PointsRecord(series, Points.of([(step, time_ms, value)]))


@given(st.integers(min_value=1))
def test_a_torn_record_is_not_read_and_the_ones_before_are(cut):
    whole = [frame(encode(record)) for record in RECORDS]
    data = b"".join(whole)
    kept = data[: len(data) - 1 - cut % len(whole[-1])]

    assert [payload for _, payload in frames(kept)] == [encode(record) for record in RECORDS[:-1]]


def test_a_flipped_bit_ends_the_reading():
    data = bytearray(b"".join(frame(encode(record)) for record in RECORDS))
    data[len(frame(encode(RECORDS[0]))) + 12] ^= 1

    assert len(list(frames(bytes(data)))) == 1


def test_zeros_after_a_power_cut_are_no_records():
    assert list(frames(bytes(4096))) == []


@pytest.mark.parametrize("payload", [b"", b"\x63", b"\x04short", b"\x06\x01"], ids=repr)
def test_an_unknown_payload_is_an_error(payload):
    with pytest.raises(CorruptError, match="newer headwater"):
        decode(payload)


def test_only_seals_and_checkpoints_are_marks():
    assert [type(r).__name__ for r in RECORDS if is_mark(encode(r))] == ["Seal", "Checkpoint"]
