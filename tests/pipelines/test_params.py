"""Params of pipelines: what they may be, by the annotations of the function."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headwater as hw
from headwater.errors import InvalidError
from headwater.pipelines.params import TypedText, bound_params


def function(
    number: int = 1,
    share: float = 0.5,
    text: str = "",
    way: Literal["up", "down"] = "up",
    parts: list[int] | None = None,
    pair: tuple[int, str] = (1, "a"),
    by_number: dict[int, str] | None = None,
    data: hw.Dataset | None = None,
    anything: Any = None,
    bare=None,
) -> None:
    """Take one of each."""


DEFAULTS = {
    "number": 1,
    "share": 0.5,
    "text": "",
    "way": "up",
    "parts": None,
    "pair": [1, "a"],
    "by_number": None,
    "data": None,
    "anything": None,
    "bare": None,
}


def test_what_is_not_given_has_its_default():
    assert bound_params(function, {}) == DEFAULTS


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("number", "3", 3),
        ("share", "1", 1.0),
        ("text", "2013", "2013"),
        ("text", "null", "null"),
        ("way", "down", "down"),
        ("parts", "[1, 2]", [1, 2]),
        ("parts", "null", None),
        ("pair", '[2, "b"]', [2, "b"]),
        ("data", "data/flights/2", "data/flights/2"),
        ("anything", "2013", 2013),
        ("bare", "{", "{"),
    ],
)
def test_what_is_typed_is_read_as_its_annotation_says(name, typed, value):
    found = bound_params(function, {name: TypedText(typed)})

    assert found == {**DEFAULTS, name: value}
    assert type(found[name]) is type(value)


@given(st.text())
def test_any_text_can_be_typed_for_text(text):
    assert bound_params(function, {"text": TypedText(text)})["text"] == text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("number", "x", "param number must be int, not 'x'"),
        ("number", TypedText("1.5"), "param number must be int, not 1.5"),
        ("number", True, "param number must be int, not True"),
        ("way", "left", r"param way must be .*Literal\['up', 'down'\], not 'left'"),
        ("parts", ["a"], r"param parts must be list\[int\] \| None, not \['a'\]"),
        ("pair", (1,), r"param pair must be tuple\[int, str\], not \[1\]"),
        ("anything", object(), "param anything cannot be a object"),
        ("other", 1, "unexpected keyword argument 'other'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(name, value, words):
    with pytest.raises(InvalidError, match=words):
        bound_params(function, {name: value})
