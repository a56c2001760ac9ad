import numpy as np
import pandas as pd
import pytest

from headwater.demo import features
from headwater.demo.estimator import daily_auc
from headwater.demo.features import COLUMNS, WEATHER, features_of, join, window
from headwater.demo.months import Days, Month
from tests.demo.made_up import by_carrier, sources


@pytest.fixture
def year(tmp_path):
    return sources(tmp_path, 2, lambda _: by_carrier)


def january(year):
    return year.flights_of(Month(1)), year.weather_of(Month(1))


def test_flights_that_never_arrived_are_left_out(year):
    flights, weather = january(year)
    arrived = int(flights["arr_delay"].notna().sum())

    joined = join(flights, weather)

    assert 0 < len(joined) == arrived < len(flights)


def test_late_is_more_than_fifteen_minutes(year):
    flights, weather = january(year)

    joined = join(flights.head(3).assign(arr_delay=[15.0, 16.0, -3.0]), weather)

    assert features_of(joined)["late"].tolist() == [0, 1, 0]


def test_an_hour_that_stands_twice_gives_its_first_row(year):
    flights, weather = january(year)
    twice = pd.concat([weather, weather.assign(temp=99.0)])

    pd.testing.assert_frame_equal(join(flights, twice), join(flights, weather))


def test_a_flight_without_weather_stays(year):
    flights, weather = january(year)

    joined = join(flights, weather.head(0))

    assert len(joined) == len(join(flights, weather))
    assert bool(joined[WEATHER].isna().all(axis=None))


def test_the_model_sees_nothing_that_is_known_only_after_take_off():
    assert not {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "late"} & set(COLUMNS)


def test_a_window_has_its_first_day_and_not_its_end(year):
    days = Days(Month(1).days.end.replace(month=1, day=30), Month(2).days.first.replace(day=2))
    months = [
        features_of(join(year.flights_of(month), year.weather_of(month))) for month in (Month(1), Month(2))
    ]

    found = window(months, days)

    assert sorted(found["day"].dt.date.astype(str).unique()) == ["2013-01-30", "2013-01-31", "2013-02-01"]
    assert list(found.columns) == ["day", *COLUMNS, features.LABEL]


def test_a_day_on_which_all_were_on_time_has_no_auc(year):
    flights = features_of(join(*january(year)))
    flights.loc[flights["day"] == "2013-01-05", "late"] = 0

    daily = daily_auc(flights, np.linspace(0, 1, len(flights)))

    assert [day.day for day in daily.days] == list(range(1, 32))
    assert [day.day for day, auc in zip(daily.days, daily.auc, strict=True) if np.isnan(auc)] == [5]
