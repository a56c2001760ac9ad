"""Order texts."""

import pytest

from headwater.errors import FilterError
from headwater.model.filters import Entity, Field, Scope
from headwater.model.listing import Order
from headwater.query.parse import parse_order

AUC = Field(Scope.METRIC, "auc")
START = Field(Scope.ATTRIBUTE, "start_time")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ((), ()),
        ("start_time", (Order(START),)),
        ("start_time ASC", (Order(START),)),
        ("metrics.auc desc, start_time", (Order(AUC, is_descending=True), Order(START))),
        (["metrics.auc DESC", "start_time"], (Order(AUC, is_descending=True), Order(START))),
        ("metrics.`val/auc`", (Order(Field(Scope.METRIC, "val/auc")),)),
        ("metrics.desc desc", (Order(Field(Scope.METRIC, "desc"), is_descending=True),)),
    ],
    ids=["blank", "none", "plain", "asc", "two", "sequence", "quoted", "named-like-a-keyword"],
)
def test_accepted(text, expected):
    assert parse_order(text, Entity.RUN) == expected


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("strat_time", 0, "did you mean start_time"),
        ("start_time down", 11, "go on or end"),
        ("start_time,", 11, "after the comma|follow the comma"),
        (", start_time", 0, "a field must stand here"),
        ("inputs.name", 0, "several"),
        ("start_time, start_time desc", 12, "already"),
        ("start_time; drop", 10, "go on or end"),
        (",".join(f"metrics.a{n}" for n in range(10, 27)), 16 * 12, "at most 16"),
    ],
    ids=["unknown", "direction", "trailing", "leading", "related", "twice", "statement", "too-many"],
)
def test_refused(text, position, problem):
    with pytest.raises(FilterError, match=problem) as caught:
        parse_order(text, Entity.RUN)

    assert caught.value.position == position


def test_aliases_are_many_and_give_no_order():
    with pytest.raises(FilterError, match="several"):
        parse_order("alias", Entity.VERSION)


def test_an_error_shows_the_text_it_is_in():
    with pytest.raises(FilterError) as caught:
        parse_order(["start_time", "nonsense"], Entity.RUN)

    assert caught.value.text == "nonsense"
