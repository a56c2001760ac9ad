"""The year in months, and the days that a monthly decision looks at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from headwater.errors import InvalidError

YEAR: Final = 2013
FIRST_SCORED: Final = 3
"""The first month with enough days before it to train and to judge on."""
TRAIN_DAYS: Final = 60
HOLDOUT_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` up to and not including `end`."""

    first: date
    end: date

    def months(self) -> list["Month"]:
        """Return the months that these days touch."""
        return [Month(n) for n in range(self.first.month, (self.end - timedelta(days=1)).month + 1)]

    def __str__(self) -> str:
        return f"{self.first} to {self.end - timedelta(days=1)}"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the year."""

    number: int

    @property
    def days(self) -> Days:
        """Its days."""
        following = date(YEAR + self.number // 12, self.number % 12 + 1, 1)
        return Days(date(YEAR, self.number, 1), following)

    @property
    def before(self) -> "Month | None":
        """The month before it; None before January."""
        return Month(self.number - 1) if self.number > 1 else None

    @property
    def after(self) -> "Month | None":
        """The month after it; None after December."""
        return Month(self.number + 1) if self.number < 12 else None

    @property
    def end_ms(self) -> int:
        """When it is over, in milliseconds since the epoch."""
        return midnight_ms(self.days.end)

    def __str__(self) -> str:
        return f"{YEAR}-{self.number:02}"

    @staticmethod
    def parse(text: str) -> "Month":
        """Return the month that a text such as `2013-03` names.

        Raises:
            InvalidError: it names none of the year.
        """
        found = next((month for n in range(1, 13) if str(month := Month(n)) == text), None)
        if found is None:
            raise InvalidError(f"{text!r} is no month of the year: write {Month(1)} to {Month(12)}")
        return found


def scored_months(count: int) -> list[Month]:
    """Return the months from March on, at most `count` and none after December."""
    return [Month(n) for n in range(FIRST_SCORED, min(FIRST_SCORED + count, 13))]


def needed_months(scored: Sequence[Month]) -> Iterator[Month]:
    """Yield all months whose flights are needed to score some months: these and all before them."""
    return (Month(n) for n in range(1, scored[-1].number + 1))


def windows(month: Month) -> tuple[Days, Days]:
    """Return the days to train a challenger on, and those to judge it on, before a month begins.

    The last 14 days judge; the 60 days before them train. No day does both.

    Example:
        >>> train, holdout = windows(Month(4))
        >>> print(train, "|", holdout)
        2013-01-17 to 2013-03-17 | 2013-03-18 to 2013-03-31
    """
    end = month.days.first
    judged = end - timedelta(days=HOLDOUT_DAYS)
    first = max(judged - timedelta(days=TRAIN_DAYS), date(YEAR, 1, 1))
    return Days(first, judged), Days(judged, end)


def midnight_ms(day: date) -> int:
    """Return when a day begins, in milliseconds since the epoch; UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
