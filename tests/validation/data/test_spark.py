"""The same expressions on PySpark give the same statistics as on DuckDB."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.validation.data import Statistics, infer_schema, statistics, validate
from tests.required import is_required

HAS_JAVA = shutil.which("java") is not None or "JAVA_HOME" in os.environ

pytestmark = [
    pytest.mark.skipif(not HAS_JAVA and not is_required("spark"), reason="there is no Java"),
    pytest.mark.filterwarnings("ignore"),  # pyspark uses what pandas deprecates
]


ROWS = 20_000


def frame(shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(9)
    return pd.DataFrame(
        {
            "x": np.where(random.random(ROWS) < 0.02, np.nan, random.normal(shift, 2, ROWS)),
            "n": random.integers(0, 12, ROWS),
            "carrier": random.choice(["UA", "AA", "DL", ""], ROWS),
        }
    )


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """An ibis connection to a local Spark with as little of everything as it starts with."""
    import ibis
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        # Compiling a query would take longer than running it.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.warehouse.dir", str(folder))
        .getOrCreate()
    )
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture
def on_spark(spark, tmp_path):
    def put(data: pd.DataFrame, name: str):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(data, preserve_index=False), path)
        return spark.read_parquet(path, table_name=name)

    return put


def comparable(measured: Statistics) -> Statistics:
    """Without what engines estimate or name in their own way."""
    return replace(
        measured,
        columns=tuple(
            replace(c, distinct=c.distinct if c.distinct and c.distinct.is_exact else None, type="")
            for c in measured.columns
        ),
    )


def test_spark_and_duckdb_agree_to_the_bit(on_spark):
    found = statistics(on_spark(frame(), "flights"))

    assert comparable(found) == comparable(statistics(frame()))


def test_data_on_spark_are_judged(on_spark):
    before, after = frame(), frame(shift=3.0)
    schema = infer_schema(before)

    verdict = validate(on_spark(after, "after"), schema, previous=before)

    expected = validate(after, schema, previous=before)
    assert [str(a) for a in verdict.anomalies] == [str(a) for a in expected.anomalies]
    assert verdict.distances == expected.distances
