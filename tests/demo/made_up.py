"""A small year of made-up flights, in which what makes them late changes on the days that a test names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from headwater.demo.months import Month
from headwater.demo.sources import HOUR, flights_of, weather_of

FLIGHTS_A_DAY = 60
Rule = Callable[[Any], Any]


LEVELS = {
    "temp": 50.0,
    "dewp": 40.0,
    "humid": 60.0,
    "wind_dir": 180.0,
    "wind_speed": 8.0,
    "wind_gust": 25.0,
    "precip": 0.0,
    "pressure": 1013.0,
    "visib": 9.0,
}
"""Weather by column: no two are alike, so that a rotation can be seen."""


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Where the files of a made-up year are."""

    folder: str

    def flights_of(self, month: Month) -> Any:
        return flights_of(month, self.folder)

    def weather_of(self, month: Month, delivery: int = 2) -> Any:
        return weather_of(month, delivery, self.folder)


def by_carrier(flights: Any) -> Any:
    return flights["carrier"] == "AA"


def by_hour(flights: Any) -> Any:
    return flights["hour"] >= 14


def sources(folder: Path, months: int, rule_of: Callable[[int], Rule]) -> MadeUp:
    """Make flights and weather from January on.

    Args:
        folder: Where their files are written.
        months: How many months.
        rule_of: Gives what makes flights late in a month.
    """
    flights = _flights(months)
    is_late = np.zeros(len(flights), dtype=bool)
    for month in range(1, months + 1):
        is_late |= (flights["month"] == month) & rule_of(month)(flights)
    # One in ten goes the other way: a model that is never wrong would tie with any other.
    is_late ^= np.random.default_rng(1).random(len(flights)) < 0.1
    flights["arr_delay"] = np.where(is_late, 40.0, -5.0)
    flights.loc[::97, "arr_delay"] = np.nan
    flights.to_csv(folder / "flights.csv.zip", index=False)
    _weather(flights).to_csv(folder / "weather.csv", index=False)
    return MadeUp(str(folder))


def _weather(flights: Any) -> Any:
    hours, noise = flights[HOUR].drop_duplicates(), np.random.default_rng(2)
    return hours.assign(**{name: level + noise.random(len(hours)) for name, level in LEVELS.items()})


def _flights(months: int) -> Any:
    days = [date(2013, 1, 1) + timedelta(days=n) for n in range(366)]
    kept = [day for day in days if day.year == 2013 and day.month <= months]
    rng, count = np.random.default_rng(0), FLIGHTS_A_DAY * len(kept)
    hours = rng.integers(6, 22, count)
    return pd.DataFrame(
        {
            "year": 2013,
            "month": np.repeat([day.month for day in kept], FLIGHTS_A_DAY),
            "day": np.repeat([day.day for day in kept], FLIGHTS_A_DAY),
            "hour": hours,
            "minute": rng.integers(0, 60, count),
            "sched_arr_time": (hours + 2) * 100,
            "dep_time": 600.0,
            "tailnum": "N14228",
            "carrier": rng.choice(["AA", "UA", "B6"], count),
            "origin": rng.choice(["EWR", "JFK", "LGA"], count),
            "dest": rng.choice(["IAH", "MIA"], count),
            "distance": rng.integers(200, 2500, count),
        }
    )
