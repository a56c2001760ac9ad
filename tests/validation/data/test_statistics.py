"""What is measured equals what pandas and NumPy say."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError, NotFoundError
from headwater.validation.data import Kind, Statistics, statistics
from headwater.validation.data.bins import MASSES

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])

numbers = st.one_of(st.none(), st.floats(width=32), st.sampled_from([0.0, 1.0, -1.0, 1e300, -1e300, 5e-324]))
texts = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6))
integers = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.integers(0, 3))
truths = st.one_of(st.none(), st.booleans())
rows = st.lists(st.tuples(numbers, texts, integers, truths), min_size=1, max_size=60)


def arrow(table: list[tuple]) -> pa.Table:
    columns = [list(column) for column in zip(*table, strict=True)]
    types = (pa.float64(), pa.string(), pa.int64(), pa.bool_())
    return pa.table({name: pa.array(c, t) for name, c, t in zip("nsib", columns, types, strict=True)})


@given(rows)
@FEW
def test_figures_equal_those_of_numpy(table):
    measured = statistics(arrow(table))

    given = [value for value, *_ in table if value is not None]
    finite = np.array([v for v in given if math.isfinite(v)], dtype=np.float64)
    found = measured["n"].numbers
    assert measured.row_count == len(table)
    assert (measured["n"].present, measured["n"].missing) == (len(given), len(table) - len(given))
    assert found.nans == sum(math.isnan(v) for v in given)
    assert found.infinities == sum(math.isinf(v) for v in given)
    assert (found.count, found.zeros) == (len(finite), int((finite == 0).sum()))
    if len(finite):
        assert (found.min, found.max) == (finite.min(), finite.max())
        assert sum(found.histogram.counts) == sum(b.count for b in found.bins) == len(finite)
        exact = math.fsum(finite) / len(finite)
        assert found.mean == pytest.approx(exact, rel=1e-9, abs=1e-12 * np.abs(finite).max())


@given(rows)
@FEW
def test_values_are_counted_as_pandas_counts_them(table):
    measured = statistics(arrow(table))

    for name, place in (("s", 1), ("i", 2), ("b", 3)):
        series = pd.Series([row[place] for row in table], dtype=object).dropna()
        counts = series.map(lambda v: str(v).lower() if isinstance(v, bool) else str(v)).value_counts()
        column = measured[name]
        assert {v.value: v.count for v in column.top_values} == counts.to_dict()
        assert [v.count for v in column.top_values] == sorted(counts, reverse=True)
        if len(series):
            assert (column.distinct.count, column.distinct.is_exact) == (series.nunique(), True)
    written = [row[1] for row in table if row[1] is not None]
    lengths = measured["s"].lengths
    assert lengths.empty == sum(not text for text in written)
    if written:
        assert (lengths.min, lengths.max) == (min(map(len, written)), max(map(len, written)))


@pytest.mark.parametrize("shape", ["normal", "heavy-tailed", "far-from-zero", "half-zero", "whole"])
def test_quantiles_are_off_by_one_part_in_128_of_the_rows_at_most(shape):
    random = np.random.default_rng(3)
    values = {
        "normal": lambda: random.normal(size=20_000),
        "heavy-tailed": lambda: np.exp(4 * random.normal(size=20_000)),
        "far-from-zero": lambda: 1.7e9 + random.normal(size=20_000),
        "half-zero": lambda: np.where(random.random(20_000) < 0.5, 0.0, random.exponential(size=20_000)),
        "whole": lambda: random.poisson(3, 20_000).astype(float),
    }[shape]()

    found = statistics(pa.table({"x": values}))["x"].numbers

    for share in (0.01, 0.25, 0.5, 0.9, 0.99):
        value = found.quantile(share)
        below, upto = (values < value).mean(), (values <= value).mean()
        assert below - 1 / MASSES <= share <= upto + 1 / MASSES
    assert found.std == pytest.approx(values.std(ddof=1), rel=1e-7)


def test_a_histogram_is_of_one_width():
    values = np.random.default_rng(1).uniform(-3, 7, 5_000)
    values[:2] = -3, 7

    found = statistics(pa.table({"x": values}))["x"].numbers.histogram

    counts, edges = np.histogram(values, bins=20)
    assert found.edges == pytest.approx(edges)
    assert found.counts == tuple(counts)


@pytest.mark.parametrize(
    "kind", ["pandas", "polars", "arrow", "rows", "parquet", "csv", "jsonl", "folder", "ibis"]
)
def test_data_are_measured_wherever_they_are(kind, tmp_path):
    frame = pd.DataFrame({"n": [1.5, 2.5, None, 4.0], "s": ["a", "b", "a", None], "i": [1, 2, 3, 4]})
    table = pa.Table.from_pandas(frame, preserve_index=False)

    def given() -> object:
        match kind:
            case "pandas":
                return frame
            case "polars":
                return pl.from_arrow(table)
            case "rows":
                return table.to_pylist()
            case "parquet":
                pq.write_table(table, tmp_path / "data.parquet")
                return tmp_path / "data.parquet"
            case "csv":
                frame.to_csv(tmp_path / "data.csv", index=False)
                return str(tmp_path / "data.csv")
            case "jsonl":
                frame.to_json(tmp_path / "data.jsonl", orient="records", lines=True)
                return (tmp_path / "data.jsonl").as_uri()
            case "folder":
                for part, rows in enumerate((table[:2], table[2:])):
                    (tmp_path / f"day={part}").mkdir()
                    pq.write_table(rows, tmp_path / f"day={part}" / "it's.parquet")
                return tmp_path
            case "ibis":
                import ibis

                return ibis.memtable(table)
            case _:
                return table

    expected = statistics(table)
    measured = statistics(given())

    if kind == "folder":
        # The folders' names are a column, too.
        assert [c.name for c in measured.columns] == ["n", "s", "i", "day"]
    for name in "nsi":
        assert measured[name] == expected[name]
    assert measured.row_count == 4


def test_times_and_lists_and_bytes_are_measured_as_far_as_it_makes_sense():
    table = pa.table(
        {
            "t": pd.to_datetime(["2013-01-01", "2013-01-03"]),
            "d": pa.array([15706, 15708], pa.date32()),
            "l": [[1, 2, 3], []],
            "b": [b"x", None],
        }
    )

    measured = statistics(table)

    assert [c.kind for c in measured.columns] == [Kind.TIME, Kind.TIME, Kind.LIST, Kind.OTHER]
    assert measured["t"].numbers.min == measured["d"].numbers.min == 1356998400
    assert (measured["l"].lengths.min, measured["l"].lengths.max, measured["l"].lengths.empty) == (0, 3, 1)
    assert (measured["b"].present, measured["b"].missing) == (1, 1)


def test_texts_that_were_no_utf_8_are_counted():
    measured = statistics(pa.table({"s": ["ok", "Z\N{REPLACEMENT CHARACTER}rich"]}))

    assert measured["s"].lengths.invalid == 1


def test_keys_are_counted_exactly_and_not_listed():
    table = pa.table({"id": [f"k{i}" for i in range(5_000)], "n": range(5_000)})

    measured = statistics(table)

    for column in measured.columns:
        assert (column.distinct.count, column.distinct.is_exact, column.top_values) == (5_000, True, ())


def test_of_many_values_the_most_frequent_are_kept():
    values = np.concatenate([np.arange(3_000), np.arange(1_200), np.arange(10)]).astype(str)

    column = statistics(pa.table({"s": values}))["s"]

    assert len(column.top_values) == 1_000
    assert {v.value for v in column.top_values[:10]} == {str(i) for i in range(10)}
    assert not column.has_all_values
    assert column.distinct.count == pytest.approx(3_000, rel=0.1)


def test_slices_equal_what_is_measured_of_their_rows():
    frame = pd.DataFrame(
        {"carrier": ["UA", "UA", "AA", None], "late": [True, False, True, True], "x": [1.0, 2.0, 3.0, 4.0]}
    )

    measured = statistics(frame, slices=["carrier", ("carrier", "late")])

    found = {each.name: each for each in measured.slices}
    assert {name: each.row_count for name, each in found.items()} == {
        "carrier=UA": 2,
        "carrier=AA": 1,
        "carrier=(missing)": 1,
        "carrier=UA, late=true": 1,
        "carrier=UA, late=false": 1,
        "carrier=AA, late=true": 1,
        "carrier=(missing), late=true": 1,
    }
    (x,) = (c for c in found["carrier=UA"].columns if c.name == "x")
    alone = statistics(frame[frame["carrier"] == "UA"])["x"]
    assert (x.numbers.mean, x.numbers.std, x.numbers.max) == (
        alone.numbers.mean,
        alone.numbers.std,
        alone.numbers.max,
    )


def test_a_column_with_too_many_values_parts_no_table():
    with pytest.raises(InvalidError, match="300 different values"):
        statistics(pa.table({"id": range(300)}), slices=["id"])


def test_columns_that_belong_together_are_compared_row_by_row():
    table = pa.table({"i": [[1, 2], [1], None], "v": [[0.1, 0.2], [0.1, 0.2], [0.3]]})

    (pair,) = statistics(table, pairs=[("i", "v")]).pairs

    assert pair.mismatches == 2


def test_an_empty_table_has_no_figures():
    measured = statistics(pa.table({"x": pa.array([], pa.float64()), "s": pa.array([], pa.string())}))

    assert measured.row_count == 0
    assert measured["x"].numbers.min is None
    assert measured["s"].top_values == ()


def test_statistics_are_the_same_bytes_each_time():
    random = np.random.default_rng(5)
    table = pa.table({"x": random.normal(size=200_000), "s": random.choice(list("abc"), 200_000)})

    first = statistics(table, slices=["s"])

    assert statistics(table, slices=["s"]).to_json() == first.to_json()
    assert Statistics.from_json(first.to_json()) == first


@pytest.mark.parametrize("data", [b"{}", b'{"row_count": "many"}', b"\xff"])
def test_bytes_that_are_no_statistics_are_refused(data):
    with pytest.raises(InvalidError, match="no statistics"):
        Statistics.from_json(data)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda folder: 3, "is no table"),
        (lambda folder: pd.DataFrame({"x": [1, "a"]}), "one type each"),
        (lambda folder: (folder / "a.txt").touch() or folder / "a.txt", "load it, and give the frame"),
        (lambda folder: folder, "holds no"),
        (
            lambda folder: (folder / "a.parquet").write_bytes(b"PAR1") and folder / "a.parquet",
            "cannot be read",
        ),
    ],
    ids=["number", "mixed", "text-file", "empty-folder", "broken"],
)
def test_what_is_no_table_is_refused(make, problem, tmp_path):
    with pytest.raises(InvalidError, match=problem):
        statistics(make(tmp_path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"gone\.parquet"):
        statistics(tmp_path / "gone.parquet")
