from datetime import date

import pytest

from headwater.demo.months import Days, Month, needed_months, scored_months, windows
from headwater.errors import InvalidError


def test_no_day_trains_and_judges():
    for month in scored_months(12):
        train, holdout = windows(month)

        assert train.end == holdout.first
        assert holdout.end == month.days.first
        assert (holdout.end - holdout.first).days == 14


def test_the_days_before_the_year_began_are_missing_in_march():
    train, holdout = windows(Month(3))

    assert train == Days(date(2013, 1, 1), date(2013, 2, 15))
    assert holdout == Days(date(2013, 2, 15), date(2013, 3, 1))


@pytest.mark.parametrize("month", [Month(4), Month(7), Month(12)], ids=str)
def test_a_challenger_sees_sixty_days(month):
    train, _ = windows(month)

    assert (train.end - train.first).days == 60


def test_the_year_ends_with_december():
    assert [str(month) for month in scored_months(12)][-1] == "2013-12"
    assert Month(12).days == Days(date(2013, 12, 1), date(2014, 1, 1))


def test_all_months_before_the_last_are_needed():
    assert [month.number for month in needed_months(scored_months(2))] == [1, 2, 3, 4]


def test_days_touch_the_months_of_their_first_and_last_day():
    assert [month.number for month in Days(date(2013, 1, 17), date(2013, 4, 1)).months()] == [1, 2, 3]


def test_a_month_is_read_back_from_its_text():
    assert [Month.parse(str(Month(number))) for number in range(1, 13)] == [Month(n) for n in range(1, 13)]


@pytest.mark.parametrize("text", ["2013-13", "2013-1", "2014-01", ""])
def test_a_text_that_is_no_month_of_the_year_is_refused(text):
    with pytest.raises(InvalidError, match="2013-01 to 2013-12"):
        Month.parse(text)


def test_the_year_has_nothing_before_january_and_nothing_after_december():
    assert (Month(1).before, Month(1).after) == (None, Month(2))
    assert (Month(12).before, Month(12).after) == (Month(11), None)
