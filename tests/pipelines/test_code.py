"""The digest of code: what changes it, and what does not."""

import itertools
import sys
import textwrap

import pytest

from headwater.errors import InvalidError
from headwater.pipelines.code import Code
from headwater.pipelines.loading import load_file

NUMBERS = itertools.count()
FLOW = """
import headwater as hw
import {helper} as helper
from {helper} import constant

LIMIT = 3
OTHER = 4


def inside(x):
    # a comment
    return x + LIMIT


@hw.step(retries=1)
def train(x: int) -> int:
    '''Train.'''
    return inside(x) + helper.twice(x) + constant


@hw.step
def unrelated(x: int) -> int:
    return x * OTHER
"""
HELPER = """
import {deeper}
constant = 1


def twice(x):
    return {deeper}.factor() * x
"""
DEEPER = "def factor():\n    return 2\n"


@pytest.fixture
def pieces(tmp_path, monkeypatch):
    """Write a small project with changes in it, and return the pieces of its step's code."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def found(flow=("", ""), helper=("", ""), deeper=("", "")):
        number = next(NUMBERS)
        folder = tmp_path / str(number)
        folder.mkdir()
        names = {"helper": f"helper_{number}", "deeper": f"deeper_{number}"}
        texts = {"flow": (FLOW, flow), "helper": (HELPER, helper), "deeper": (DEEPER, deeper)}
        for name, (text, (old, new)) in texts.items():
            assert old in text
            (folder / f"{names.get(name, name)}.py").write_text(text.replace(old, new).format(**names))
        module = load_file(folder / "flow.py")
        made = Code().pieces(module.train.function)
        for name in names.values():
            sys.modules.pop(name, None)
        return {piece.replace(f"_{number}", ""): digest for piece, digest in made.items()}

    return found


def differing(one, other):
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def without_names(found):
    """Modules import each other by names that differ from project to project here."""
    return {name: digest for name, digest in found.items() if "::" in name}


def test_it_has_a_piece_for_all_that_the_step_uses(pieces):
    assert pieces().keys() == {"flow.py::train", "flow.py::inside", "flow.py::LIMIT", "helper", "deeper"}


def test_a_helper_may_be_called_like_a_letter_of_the_step(pieces):
    assert "flow.py::t" in pieces(flow=("inside", "t"))


@pytest.mark.parametrize(
    "change",
    [
        ("# a comment", "# another"),
        ("'''Train.'''", "'''Train it well.'''"),
        ("return inside(x) + helper", "return   inside( x )  +  helper"),
        ("retries=1", "retries=2"),
        ("return x * OTHER", "return x - OTHER"),
        ("OTHER = 4", "OTHER = 5"),
    ],
    ids=["comment", "docstring", "layout", "options", "another-step", "unused-name"],
)
def test_what_makes_no_difference(pieces, change):
    assert differing(without_names(pieces()), without_names(pieces(flow=change))) == set()


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        (("inside(x) +", "inside(x) -"), "flow.py::train"),
        (("return x + LIMIT", "return x - LIMIT"), "flow.py::inside"),
        (("LIMIT = 3", "LIMIT = 4"), "flow.py::LIMIT"),
    ],
    ids=["itself", "a-function-that-it-calls", "a-constant-behind-that"],
)
def test_what_makes_a_difference_in_its_own_file(pieces, change, piece):
    assert differing(without_names(pieces()), without_names(pieces(flow=change))) == {piece}


def test_modules_that_are_imported_count_with_those_that_they_import(pieces):
    assert pieces(deeper=("return 2", "return 3"))["deeper"] != pieces()["deeper"]


def test_installed_modules_and_those_of_python_do_not_count():
    def uses_them():
        import json

        import numpy as np

        return json, np

    assert [name for name in Code().pieces(uses_them) if "::" not in name] == []


def test_code_without_source_is_refused():
    space = {}
    exec(textwrap.dedent("def made():\n    return 1"), space)

    with pytest.raises(InvalidError, match="cannot be read"):
        Code().pieces(space["made"])
