"""Features: every flight with what was known, or could have been forecast, before it left."""

from typing import Final

from headwater.demo.libraries import Frame, load
from headwater.demo.months import Days
from headwater.demo.sources import HOUR

pd = load("pandas")

LATE_AFTER_MINUTES: Final = 15

CATEGORIES: Final = ["carrier", "origin", "dest"]
WEATHER: Final = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
COLUMNS: Final = [*CATEGORIES, "hour", "minute", "sched_arr_time", "distance", "weekday", *WEATHER]
"""What the model sees. Departure times and delays are not among them: they are not known in advance."""
LABEL: Final = "late"


def join(flights: Frame, weather: Frame) -> Frame:
    """Return the flights that arrived, with the weather of their scheduled hour.

    That weather stands in for a forecast, which the data do not have. Flights
    that never arrived have no label and are left out.

    Args:
        flights: Raw flights.
        weather: Raw weather; of an hour that stands twice, the first row counts.

    Returns:
        The columns of the flights and those of the weather, in the order of the flights.
    """
    arrived = flights[flights["arr_delay"].notna()]
    hours = weather.drop_duplicates(HOUR)[[*HOUR, *WEATHER]]
    return arrived.merge(hours, on=HOUR, how="left")


def features_of(joined: Frame) -> Frame:
    """Return `day`, `COLUMNS` and `late` of flights that were joined with the weather."""
    # `day` is a number so far, of the month; from here on it is a date.
    days = pd.to_datetime(joined[["year", "month", "day"]])
    late = (joined["arr_delay"] > LATE_AFTER_MINUTES).astype("int64")
    found = joined.assign(day=days, weekday=days.dt.day_of_week, **{LABEL: late})
    return found[["day", *COLUMNS, LABEL]]


def window(features: list[Frame], days: Days) -> Frame:
    """Return the flights of some days, out of the features of the months that they touch."""
    flights = pd.concat(features, ignore_index=True)
    first, end = pd.Timestamp(days.first), pd.Timestamp(days.end)
    return flights[(flights["day"] >= first) & (flights["day"] < end)].reset_index(drop=True)
