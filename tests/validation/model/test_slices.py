"""Slices and the expressions that select them, held against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.validation.model.slices import check_spec, slices_of
from headwater.validation.model.tables import columns_of

TABLE = pd.DataFrame(
    {
        "hour": [6, 7, 18, 23, 18],
        "carrier": ["UA", "AA", "UA", None, "AA"],
        "delay": [1.5, np.nan, -3.0, 60.0, 0.0],
        "departure hour": [6, 7, 18, 23, 18],
    }
)
COLUMNS = columns_of(TABLE)


def selected(spec):
    return {part.name: np.flatnonzero(part.mask).tolist() for part in slices_of(spec, COLUMNS, len(TABLE))}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("hour >= 18 and carrier == 'UA'", [2]),
        ("hour >= 18 or carrier == 'UA'", [0, 2, 3, 4]),
        ("not carrier == 'UA'", [1, 3, 4]),
        ("carrier != 'UA'", [1, 4]),
        ("6 < hour <= 18", [1, 2, 4]),
        ("carrier in ('UA', 'DL')", [0, 2]),
        ("carrier not in ['UA']", [1, 4]),
        ("hour not in (6, 7)", [2, 3, 4]),
        ("carrier is None", [3]),
        ("delay is not None and delay < 0", [2]),
        ("delay > -5", [0, 2, 3, 4]),
        ("hour == 18", [2, 4]),
        ("hour > delay", [0, 2, 4]),
        ("col('departure hour') < 7", [0]),
    ],
)
def test_an_expression_selects_rows(text, rows):
    assert selected(text) == {text: rows}


def test_a_column_makes_a_slice_of_each_value_and_one_of_what_is_missing():
    assert selected("carrier") == {
        "carrier == 'AA'": [1, 4],
        "carrier == 'UA'": [0, 2],
        "carrier is None": [3],
    }


def test_a_cross_makes_a_slice_of_each_pair_that_there_is():
    assert selected("carrier * hour") == {
        "carrier == 'AA' and hour == 7": [1],
        "carrier == 'AA' and hour == 18": [4],
        "carrier == 'UA' and hour == 6": [0],
        "carrier == 'UA' and hour == 18": [2],
        "carrier is None and hour == 23": [3],
    }


@pytest.mark.parametrize("spec", ["carrier * hour", "carrier", "hour", "col('departure hour')"])
def test_the_name_of_a_slice_selects_it(spec):
    for name, rows in selected(spec).items():
        assert selected(name) == {name: rows}


@given(
    values=st.lists(st.sampled_from([1.0, 2.0, 3.0, None]), min_size=1, max_size=20),
    low=st.integers(0, 3),
    high=st.integers(0, 3),
)
def test_a_range_selects_what_pandas_does(values, low, high):
    table = pd.DataFrame({"x": pd.array(values, "Float64").to_numpy(float, na_value=np.nan)})
    wanted = table.query(f"{low} <= x <= {high}").index.tolist()

    try:
        (part,) = slices_of(f"{low} <= x <= {high}", columns_of(table), len(table))
    except InvalidError:
        assert wanted == []
        return
    assert np.flatnonzero(part.mask).tolist() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "hour.__class__ == 3",
        "hour[0] == 3",
        "(lambda: 1)() == hour",
        "open('x') == hour",
        "hour == f'{hour}'",
        "hour + 1 == 3",
        "1 == 1",
        "hour == [1]",
        "hour in 3",
        "hour is 3",
        "hour == None",
        "hour if hour else hour",
        "[x for x in hour]",
        "hour := 3",
        "",
        "hour >",
        "hour == 3; hour",
        "a" * 3000,
        "(" * 1000,
        "not " * 400 + "hour",
    ],
)
def test_what_is_no_plain_comparison_is_refused(text):
    with pytest.raises(InvalidError):
        check_spec(text)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("hospital", "no column 'hospital'"),
        ("hospital == 3", "no column 'hospital'"),
        ("hour == 99", "selects no row"),
        ("carrier < 3", "cannot be compared"),
    ],
)
def test_what_the_data_lack_is_told(spec, says):
    with pytest.raises(InvalidError, match=says):
        slices_of(spec, COLUMNS, len(TABLE))


def test_a_column_of_too_many_values_is_no_slice():
    columns = {"id": np.arange(1000)}

    with pytest.raises(InvalidError, match="1,000 values"):
        slices_of("id", columns, 1000)


@pytest.mark.parametrize("library", ["polars", "pyarrow", "dict", "rows"])
def test_every_kind_of_table_gives_the_same_slices(library):
    import polars as pl
    import pyarrow as pa

    table = {
        "polars": lambda: pl.from_pandas(TABLE),
        "pyarrow": lambda: pa.Table.from_pandas(TABLE),
        "dict": lambda: {name: TABLE[name].to_numpy() for name in TABLE},
        "rows": lambda: TABLE.to_dict("records"),
    }[library]()

    found = slices_of("carrier * hour", columns_of(table), len(TABLE))

    assert {part.name: np.flatnonzero(part.mask).tolist() for part in found} == selected("carrier * hour")
