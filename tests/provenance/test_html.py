"""Answers as HTML: well formed, everything escaped, nothing from elsewhere."""

from html.parser import HTMLParser
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from headwater.model.graph import NodeKind
from headwater.provenance import TreeLine
from headwater.provenance.comparing import compare
from headwater.provenance.completeness import Facts, missing_of
from headwater.provenance.html import MOST_LINES, table_html, tree_html
from tests.provenance.histories import HISTORIES

ALLOWED = {"div", "ul", "li", "i", "p", "table", "thead", "tbody", "tr", "th", "td"}
EVIL = "<script>alert(1)</script>\x1b[2J"


class Reader(HTMLParser):
    """Checks that tags are allowed and close in order; collects the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.depth = [], "", 0

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        assert {name for name, _ in attrs} <= {"class", "style"}
        self.open.append(tag)
        self.depth = max(self.depth, self.open.count("ul"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def line(depth, label):
    return TreeLine(guide="│  " * depth, node=(NodeKind.ARTIFACT, 1), label=label)


@given(st.lists(st.integers(0, 6), max_size=12))
def test_a_tree_of_any_shape_is_well_formed(depths):
    # A tree goes one level down at a time.
    depths = list(accumulate([0, *depths], lambda above, depth: min(depth, above + 1)))

    reader = read(tree_html([line(depth, f"n{place}") for place, depth in enumerate(depths)]))

    assert reader.text == "".join(f"n{place}" for place in range(len(depths)))


def test_a_tree_is_as_deep_as_its_lines():
    assert read(tree_html([line(0, "a"), line(1, "b"), line(2, "c"), line(1, "d")])).depth == 3


def test_text_is_escaped_and_steers_nothing():
    for html in (tree_html([line(0, EVIL)]), table_html(EVIL, [{EVIL: EVIL}])):
        assert "script>" not in html.replace("script&gt;", "")
        assert "\x1b" not in html
        assert "<script>" in read(html).text


def test_long_answers_are_cut():
    lines = [line(0, "a")] * (MOST_LINES + 1500)

    assert "… 1,500 more" in read(tree_html(lines)).text
    assert "… 1,500 more" in read(table_html("", [{"a": 1}] * (MOST_LINES + 1500))).text


def test_columns_without_anything_are_left_out():
    assert read(table_html("s", [{"a": 1, "b": None}, {"a": "", "b": []}])).text == "sa1"


@given(HISTORIES, HISTORIES)
def test_what_histories_say_is_well_formed(one, two):
    for value in (compare(one, two), missing_of(one, Facts())):
        bundle = value._repr_mimebundle_()

        assert bundle["text/plain"] == str(value)
        assert str(value) in read(bundle["text/html"]).text
