"""`client.data_gate`: data versions by reference."""

import subprocess
import sys

import pandas as pd
import pytest

import headwater
from headwater.errors import InvalidError, NotFoundError
from headwater.model.verdicts import Outcome
from headwater.validation.data import infer_schema, statistics

GOOD = [{"carrier": c, "delay": float(i)} for i in range(60) for c in ("UA", "AA")]


def test_a_version_is_compared_with_the_newest_earlier_one_that_passed(connected):
    gate = connected.data_gate
    schema = infer_schema(GOOD)
    for rows in (GOOD, [*GOOD, {"carrier": "ZZ", "delay": 1.0}], [*GOOD, *GOOD[:4]]):
        connected.dataset("flights", rows)

    verdicts = [gate.validate(f"data/flights/{number}", schema) for number in (1, 2, 3)]

    assert [v.outcome for v in verdicts] == [Outcome.PASS, Outcome.FAIL, Outcome.PASS]
    assert gate.last_passed(gate.open("data/flights/3")).ref == "data/flights/1"
    assert verdicts[2].references["drift"] == statistics(GOOD)
    assert gate.last_passed(gate.open("data/flights/1")) is None


def test_other_data_can_be_named(connected):
    first, second = connected.dataset("flights", GOOD), connected.dataset("flights", GOOD[:50])

    verdict = connected.data_gate.validate(
        second, infer_schema(GOOD), previous="data/flights/1", serving=first
    )

    assert {str(d.comparison) for d in verdict.distances} == {"drift", "skew"}
    assert [d.column for d in connected.data_gate.distances(second, first)] == ["carrier", "delay"]


@pytest.mark.parametrize("kind", ["rows", "frame", "mixed", "file", "folder"])
def test_a_data_version_is_measured_however_it_is_stored(connected, kind, tmp_path):
    frame = pd.DataFrame(GOOD)
    if kind in {"file", "folder"}:
        (tmp_path / "parts").mkdir()
        frame.to_csv(tmp_path / "parts" / "one.csv", index=False)
    data = {
        "rows": GOOD,
        "frame": frame,
        # Two columns of one name in Arrow's eyes would not do; an index with a name is a column of its own.
        "mixed": frame.rename_axis("row"),
        "file": tmp_path / "parts" / "one.csv",
        "folder": tmp_path / "parts",
    }[kind]
    version = connected.dataset("flights", data)

    measured = connected.data_gate.statistics(version.ref)

    assert measured["carrier"] == statistics(GOOD)["carrier"]
    assert measured["delay"].numbers == statistics(GOOD)["delay"].numbers


def test_data_that_stay_elsewhere_are_given_as_a_table(connected):
    connected.dataset("lake", "s3://bucket/flights", fingerprint="abc")

    with pytest.raises(InvalidError, match="read it as an ibis table"):
        connected.data_gate.statistics("data/lake/1")


def test_a_reference_names_a_data_version(connected):
    with pytest.raises(NotFoundError):
        connected.data_gate.statistics("data/flights/7")
    with pytest.raises(InvalidError, match="no data set"):
        connected.data_gate.open("runs/0123456789abcdef")


def test_names_that_come_later_are_there():
    assert headwater.Statistics is type(statistics(GOOD))
    assert headwater.Schema is type(infer_schema(GOOD))
    with pytest.raises(AttributeError, match="no attribute 'Statistic'"):
        _ = headwater.Statistic


def test_importing_the_gate_imports_no_engine():
    script = "import sys, headwater.validation.data; print(*sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"ibis", "duckdb", "scipy", "pandas", "numpy", "yaml", "msgspec"} & set(
        done.stdout.split()
    ) == set()
