"""Equal content has one digest, and any change another."""

import datetime as dt
import decimal
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.fingerprints import fingerprint
from headwater.fingerprints.frames import _bare_polars_column, _polars_column

TIMES = [dt.datetime.fromisoformat(text) for text in ("2013-01-01T05:15", "2013-01-01T05:29")] + [None]
ROWS = {
    "hour": [5, 6, 7],
    "delay": [2.5, -0.0, 1e30],
    "carrier": ["UA", None, "ünïcode ✈"],
    "late": [True, False, True],
    "at": TIMES,
}
texts = st.lists(st.none() | st.text(), max_size=8)
floats = st.lists(st.floats(width=64), max_size=8)


def digest(data, **options) -> str:
    return fingerprint(data, **options).digest


def bits(values: list[float]) -> list[bytes]:
    return [np.float64(np.nan if v != v else v).tobytes() for v in values]


def run_python(code: str, *hidden: str) -> str:
    """Run code in a process that cannot import some packages."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", hide + code]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.strip()


def test_every_library_gives_one_digest_for_one_table():
    frames = [pd.DataFrame(ROWS), pl.DataFrame(ROWS), pa.table(ROWS), pl.DataFrame(ROWS).to_arrow()]

    assert len({digest(frame) for frame in frames}) == 1


def test_records_count_as_the_table_that_they_make():
    rows = {"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.0], "d": [True, False]}
    records = pl.DataFrame(rows).to_dicts()

    assert digest(records) == digest(pd.DataFrame(rows))
    assert digest([{"a": 1}, {"b": 2}]) == digest([{"a": 1, "b": None}, {"a": None, "b": 2}])


def test_schema_and_size_are_told():
    found = fingerprint(pd.DataFrame(ROWS))

    assert (found.kind, found.row_count, found.size_bytes) == ("frame", 3, None)
    assert found.schema == [
        {"name": "hour", "dtype": "int64"},
        {"name": "delay", "dtype": "float64"},
        {"name": "carrier", "dtype": "str"},
        {"name": "late", "dtype": "bool"},
        {"name": "at", "dtype": "datetime64[us]"},
    ]
    assert found == fingerprint(pl.DataFrame(ROWS))


def changed(**columns) -> pd.DataFrame:
    return pd.DataFrame(ROWS | columns)


@pytest.mark.parametrize(
    "frame",
    [
        changed(hour=[5, 6, 8]),
        changed(delay=[2.5, 0.0, 1e30]),
        changed(delay=[2.5, float("nan"), 1e30]),
        changed(carrier=["UA", "", "ünïcode ✈"]),
        changed(carrier=["UA", None, "ünïcode"]),
        changed(carrier=["U", None, "Aünïcode ✈"]),
        changed(late=[True, True, True]),
        changed(at=[TIMES[0], None, TIMES[1]]),
        changed().rename(columns={"hour": "Hour"}),
        changed().rename(columns={"hour": 1}),
        changed().astype({"hour": "int32"}),
        changed().astype({"hour": "uint64"}),
        changed().astype({"hour": "float64"}),
        changed().astype({"hour": "str"}),
        changed().astype({"delay": "float32"}),
        changed().astype({"late": "int64"}),
        changed().astype({"at": "datetime64[ns]"}),
        changed().assign(at=changed()["at"].dt.tz_localize("UTC")),
        changed().astype({"carrier": "category"}),
        changed().iloc[::-1].reset_index(drop=True),
        changed().iloc[:2],
        changed()[["delay", "hour", "carrier", "late", "at"]],
        changed().drop(columns="late"),
        changed().set_index("hour"),
        changed().set_index("hour", append=True),
        changed().set_axis([0, 1, 3]),
        changed().set_axis(pd.RangeIndex(3, name="row")),
    ],
    ids=range(27),
)
def test_any_change_gives_another_digest(frame):
    assert digest(frame) != digest(pd.DataFrame(ROWS))


@pytest.mark.parametrize(
    "frame",
    [
        changed().copy(),
        changed().set_axis(pd.Index([0, 1, 2])),
        changed().set_axis(pd.Index([0, 1, 2], dtype="int8")),
        changed().convert_dtypes().astype({"at": "datetime64[us]"}),
        changed().astype({"carrier": object}),
        changed().astype({"carrier": "string[python]"}),
        changed().astype({"carrier": pd.ArrowDtype(pa.string())}),
        changed().astype({"hour": "Int64"}),
        changed().astype({"hour": ">i8"}),
        changed().astype({"hour": pd.ArrowDtype(pa.int64())}),
        pd.concat([changed(), changed()]).iloc[3:].reset_index(drop=True),
        pd.concat([changed().iloc[:1], changed().iloc[1:]]),
        pd.DataFrame(ROWS | {"x": 1}).drop(columns="x"),
    ],
    ids=range(13),
)
def test_representation_makes_no_difference(frame):
    frame.attrs["note"] = "not content"

    assert digest(frame) == digest(pd.DataFrame(ROWS))


def test_chunks_and_slices_of_arrow_make_no_difference():
    table = pa.table(ROWS)
    nested = pa.table({"l": [[1, None], None, []], "s": [{"a": 1}, None, {"a": 2}], "c": ["x", "y", "x"]})
    nested = nested.set_column(2, "c", nested["c"].dictionary_encode())
    for whole in (table, nested, nested.slice(0, 0)):
        parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1)])
        padded = pa.concat_tables([whole, whole]).combine_chunks().slice(len(whole), len(whole))

        assert digest(whole) == digest(parts) == digest(padded)
        assert digest(whole) == digest(whole.replace_schema_metadata({"note": "not content"}))


def test_numbering_of_categories_makes_no_difference():
    values = ["b", None, "a", "b"]
    frames = [
        pd.DataFrame({"c": pd.Categorical(values, categories=list(order))})
        for order in ("ab", "ba", "cab", "zba")
    ]
    polars = pl.DataFrame({"c": values}, schema={"c": pl.Categorical})

    assert len({digest(f) for f in [*frames, polars, polars.to_arrow()]}) == 1
    assert digest(frames[0]) != digest(pd.DataFrame({"c": pd.Categorical(["a", None, "b", "a"])}))
    ordered = [frame.assign(c=frame["c"].cat.as_ordered()) for frame in frames[:2]]
    assert len({digest(f) for f in [frames[0], *ordered]}) == 3


def test_missing_values_are_stable():
    assert digest(pd.DataFrame({"a": ["x", None]})) == digest(pd.DataFrame({"a": ["x", float("nan")]}))
    assert digest(pd.DataFrame({"a": [1.5, None]})) == digest(pd.DataFrame({"a": [1.5, float("nan")]}))
    odd_nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], "u8").view("f8")
    assert digest(pd.DataFrame({"a": odd_nan})) == digest(pd.DataFrame({"a": [float("nan")] * 2}))
    assert digest(pl.DataFrame({"a": [1.5, None]})) != digest(pl.DataFrame({"a": [1.5, float("nan")]}))


def test_what_lies_under_a_missing_value_makes_no_difference():
    mask = np.array([False, True])
    tables = [pa.table({"a": pa.array(np.array([1, hidden]), mask=mask)}) for hidden in (7, 8)]

    assert digest(tables[0]) == digest(tables[1])


@settings(deadline=None)
@given(texts, texts)
def test_columns_of_texts_are_equal_when_their_digests_are(one, other):
    frames = [pl.DataFrame({"a": values}, schema={"a": pl.String}) for values in (one, other)]

    assert (digest(frames[0]) == digest(frames[1])) == (one == other)


@settings(deadline=None)
@given(floats, floats)
def test_columns_of_floats_are_equal_when_their_digests_are(one, other):
    frames = [pd.DataFrame({"a": np.array(values, "f8")}) for values in (one, other)]

    assert (digest(frames[0]) == digest(frames[1])) == (bits(one) == bits(other))
    assert digest(frames[0]) == digest(pa.table({"a": np.array(one, "f8")}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(json_values, json_values)
def test_objects_are_equal_when_their_digests_are(one, other):
    first, second = ([{"a": ["always", "object", value]}] for value in (one, other))

    assert (digest(first) == digest(second)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value):
    """Dicts in the order of their keys, because that order is not content."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def test_polars_needs_no_arrow():
    frame = pl.DataFrame(
        {
            "n": [1, None, 3],
            "f": [0.5, None, float("nan")],
            "s": ["a", None, "ü"],
            "b": [True, None, False],
            "d": [dt.date(2013, 1, 1), None, dt.date(1960, 1, 1)],
            "t": TIMES,
            "z": pl.Series(TIMES).dt.replace_time_zone("America/New_York"),
            "u": [dt.timedelta(1), None, dt.timedelta(0, 1)],
            "h": [dt.time(5, 15), None, dt.time(0)],
            "c": pl.Series(["x", "y", None], dtype=pl.Categorical),
            "y": [b"1", None, b""],
        }
    )

    for series in frame:
        bare, arrow = _bare_polars_column(series), _polars_column(series)
        assert (bare.dtype, bare.digest()) == (arrow.dtype, arrow.digest())


def test_pandas_needs_no_arrow(tmp_path):
    code = (
        "import datetime as dt, pandas as pd\n"
        "from pathlib import Path\n"
        "from headwater.fingerprints import fingerprint\n"
        f"import datetime; found = fingerprint(pd.DataFrame({ROWS!r}))\n"
        f"print(found.digest, found.write(Path({str(tmp_path)!r})).name)"
    )

    assert run_python(code, "pyarrow", "pyarrow.parquet").split() == [digest(pd.DataFrame(ROWS)), "data.csv"]


def test_import_loads_no_data_library():
    code = "import sys, headwater.fingerprints, headwater.formats as f\n"
    code += "from headwater.fingerprints import fingerprint\n"
    code += "fingerprint([{'a': 'x'}]); f.choose_format(3)\n"
    code += "print(*{'pandas', 'polars', 'pyarrow', 'sklearn', 'skops', 'joblib'} & set(sys.modules))"

    assert run_python(code) == ""


def test_arrays_differ_by_dtype_shape_and_values():
    array = np.arange(12.0).reshape(3, 4)
    others = [array.T, array.reshape(4, 3), array.astype("f4"), array + 1, array.reshape(12), array[:0]]

    assert len({digest(a) for a in [array, *others]}) == 7
    assert (
        digest(np.asfortranarray(array))
        == digest(array[:, :])
        == digest(array.astype(">f8"))
        == digest(array)
    )
    assert digest(np.repeat(array, 2, axis=1)[:, ::2]) == digest(array)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3),
        np.empty((0, 3)),
        np.array(["a", "ü"]),
        np.array(["2013-01-01", "NaT"], "M8[D]"),
        np.array([1 + 2j, complex("nan")]),
        np.array([{"a": [1]}, None], object),
        np.array([(1, "x")], [("a", "i4"), ("b", "U3")]),
        np.ma.masked_array([1, 2], [False, True]),
    ],
    ids=range(8),
)
def test_every_kind_of_array_has_a_digest(array):
    assert digest(array.copy()) == digest(array)


def test_array_is_told_by_columns_or_shape():
    assert fingerprint(np.zeros((2, 2))).schema == [
        {"name": "x0", "dtype": "float64"},
        {"name": "x1", "dtype": "float64"},
    ]
    images = fingerprint(np.zeros((2, 28, 28), "u1"))
    assert (images.kind, images.row_count) == ("array", 2)
    assert images.schema == [{"name": "x", "dtype": "uint8", "shape": [None, 28, 28]}]


@pytest.mark.parametrize(
    "values",
    [
        [decimal.Decimal("1.10"), decimal.Decimal("1.1")],
        [(1, 2), {1, 2}, frozenset({3})],
        [pd.Timestamp("2013-01-01T00:00:00.000000001"), dt.date(2013, 1, 1)],
        [np.float32(1.5), np.array([1, 2])],
        [pd.Period("2013-01"), pd.Period("2013-02")],
        [pd.Interval(0, 1), pd.Interval(1, 2)],
        [[1, 2], {"b": 1, "a": [None, float("nan")]}],
    ],
    ids=range(7),
)
def test_odd_values_have_stable_digests(values):
    frame = pd.DataFrame({"a": values})

    assert digest(frame) == digest(frame.copy(deep=True)) != digest(frame.iloc[::-1].reset_index(drop=True))


def test_object_without_a_stable_form_is_refused():
    with pytest.raises(InvalidError, match="column 'a' holds a"):
        fingerprint(pd.DataFrame({"a": [object()]}))


@pytest.mark.parametrize(
    "data", [3, None, b"bytes", [], [1, 2], {"a": [1]}, pl.LazyFrame({"a": [1]})], ids=range(7)
)
def test_what_is_no_data_is_refused(data):
    with pytest.raises(InvalidError, match="cannot identify a"):
        fingerprint(data)


def test_digests_stay_the_same_from_version_to_version():
    """Stored digests would no longer be found otherwise: never change these, add a scheme."""
    assert (
        digest([{"a": 1, "b": "x"}])
        == "blake3-frame:aab2c4ed14f158c6d47918763d58ee785d99e5c4a860f609079a73a61dff6fea"
    )
    assert (
        digest(np.arange(3))
        == "blake3-array:476c2e479e3d12de8a63bf5f73fcde0dc2c5b56f477ba6b99554e867468c299c"
    )
    assert (
        digest("s3://bucket/key", fingerprint="v1")
        == "blake3-uri:a9941f2d434e387d137d667931fa72ff4b3154fd459eb586df2c3ff15db307bf"
    )
