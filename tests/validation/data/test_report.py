"""Pages and what notebooks show: whole, escaped, and with nothing from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from headwater.validation.data import infer_schema, statistics, validate
from headwater.validation.data.charts import chart
from headwater.validation.data.figures import figure_rows

RANDOM = np.random.default_rng(4)
ODD = "<img src=x onerror=alert(1)>"


def table(shift: float = 0.0) -> pa.Table:
    return pa.table(
        {
            "delay": RANDOM.normal(shift, 1, 300),
            ODD: RANDOM.choice([ODD, "plain"], 300),
            "t": np.datetime64("2013-01-01", "s") + np.arange(300) * np.timedelta64(3600, "s"),
            "l": [[1]] * 300,
        }
    )


class Balance(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in {"meta", "br", "rect", "line", "img"} or tag == "rect":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "line":
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)


@pytest.fixture(scope="module")
def verdict():
    before = table()
    return validate(table(2.0), infer_schema(before), previous=before)


def shown(verdict) -> dict[str, str]:
    return {
        "page": verdict.to_html(),
        "verdict": verdict._repr_html_(),
        "statistics": replace(verdict.statistics)._repr_html_(),
        "schema": verdict.schema._repr_html_(),
    }


@pytest.mark.parametrize("what", ["page", "verdict", "statistics", "schema"])
def test_what_is_shown_is_whole_escaped_and_alone(verdict, what):
    html = shown(verdict)[what]

    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert {"script", "img", "link", "iframe"} & set(parser.seen) == set()
    assert not re.search(r"https?:|@import|url\(|\bsrc=['\"]", html)


def test_a_page_fits_a_phone(verdict):
    page = verdict.to_html()

    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert re.search(r"\bwidth: ?[0-9]{4,}", page) is None


def test_two_tables_are_drawn_side_by_side_and_as_shares(verdict):
    column, other = verdict.statistics["delay"], verdict.references["drift"]["delay"]

    alone, both = chart(column), chart(column, other)

    assert alone.count("<rect") == 20
    assert both.count("<rect") == 40
    assert len(set(re.findall(r'fill="(#[0-9a-f]{6})"><title>', both))) == 2
    assert chart(verdict.statistics["l"]) == ""


def test_times_are_shown_as_times():
    rows = dict(figure_rows(statistics(table())["t"]))

    assert (rows["min"], rows["max"]) == ("2013-01-01 00:00:00", "2013-01-13 11:00:00")
    assert "mean" not in rows


def test_the_page_says_what_is_wrong_and_how_far(verdict):
    page = verdict.to_html()

    assert "delay: Jensen-Shannon distance to the version before" in page
    assert 'class="column wrong"' in page
    assert '<span class="outcome fail">' in page


def test_a_verdict_and_statistics_print_as_a_few_lines():
    measured = statistics(pa.table({"carrier": ["UA", "AA"] * 50}))
    verdict = validate(pa.table({"carrier": ["ZZ"] * 100}), infer_schema(measured))

    assert repr(measured) == "<Statistics of 100 rows: carrier>"
    assert str(verdict).splitlines()[:2] == [
        "the table: fail",
        "  error: carrier: 100 values are not in the domain: ZZ",
    ]
    assert len(repr(verdict)) < 100
