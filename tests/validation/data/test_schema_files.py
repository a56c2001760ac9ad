from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError, NotFoundError
from headwater.validation.data import (
    AnomalyKind,
    Column,
    Comparator,
    Domain,
    Kind,
    Limits,
    Method,
    Pairing,
    Presence,
    Proposal,
    Relation,
    Schema,
    Severity,
    infer_schema,
)

FULL = Schema(
    columns=(
        Column(name="carrier", kind=Kind.TEXT, domain=Domain(values=("NO", "1", "on"), max_outside=0.01)),
        Column(
            name="delay", kind=Kind.NUMBER, range=Limits(min=-60.5), allows_nan=False, max_outside_range=0.1
        ),
        Column(name="day", kind=Kind.TIME, range=Limits(min=1356998400, max=1388534400)),
        Column(
            name="tail",
            kind=Kind.TEXT,
            is_unique=True,
            length=Limits(min=1, max=6),
            drift=Comparator(method=Method.OFF),
        ),
        Column(
            name="late",
            kind=Kind.BOOLEAN,
            absent_in=("serving",),
            presence=Presence(min_fraction=0.5, min_count=10),
        ),
        Column(
            name="i", kind=Kind.LIST, is_optional=True, skew=Comparator(method=Method.FIXED, threshold=0.1)
        ),
        Column(name="v", kind=Kind.LIST, distinct=None, drift=Comparator(min_effect=0.5)),
    ),
    rows=Limits(min=10, max=1_000_000),
    growth=Limits(min=0.5),
    environments=("training", "serving"),
    pairings=(Pairing(relation=Relation.SPARSE, left="i", right="v"),),
    drift=Comparator(method=Method.FIXED, threshold=0.01),
    level=0.001,
    severities={AnomalyKind.NEW_COLUMN: Severity.IGNORE},
)

TEXT = """\
format: headwater.schema/1
environments:
- training
- serving
rows:
  min: 10
  max: 1000000
growth:
  min: 0.5
level: 0.001
drift: 0.01
skew: auto
severities:
  new_column: ignore
pairings:
- relation: sparse
  left: i
  right: v
columns:
  carrier:
    type: text
    domain:
      max_outside: 0.01
      values:
      - 'NO'
      - '1'
      - 'on'
  delay:
    type: number
    range:
      min: -60.5
    max_outside_range: 0.1
    nan: false
  day:
    type: time
    range:
      min: '2013-01-01T00:00:00'
      max: '2014-01-01T00:00:00'
  tail:
    type: text
    unique: true
    length:
      min: 1
      max: 6
    drift: off
  late:
    type: boolean
    presence:
      min_fraction: 0.5
      min_count: 10
    absent_in:
    - serving
  i:
    type: list
    optional: true
    skew: 0.1
  v:
    type: list
    drift:
      min_effect: 0.5
"""


def test_a_schema_is_a_file_that_can_be_reviewed():
    assert FULL.to_yaml() == TEXT


def test_what_is_written_is_read(tmp_path):
    path = FULL.write(tmp_path / "flights.yaml")

    assert Schema.read(path) == FULL


names = st.text(min_size=1, max_size=8)
columns = st.builds(
    Column,
    name=names,
    kind=st.just(Kind.TEXT),
    domain=st.none() | st.builds(Domain, values=st.lists(names, min_size=1, unique=True).map(tuple)),
    is_unique=st.booleans(),
)


@given(st.lists(columns, max_size=4, unique_by=lambda c: c.name))
def test_any_name_and_value_is_read_as_it_was_written(given):
    schema = Schema(columns=tuple(given))

    assert Schema.from_yaml(schema.to_yaml()) == schema


HEAD = "format: headwater.schema/1\n"


def test_values_need_no_quotes():
    column = "  land: {type: text, domain: [NO, on, 1, 2013-01-01, ~x]}"

    assert Schema.from_yaml(f"{HEAD}columns:\n{column}")["land"].domain.values == (
        "NO",
        "on",
        "1",
        "2013-01-01",
        "~x",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "schema is empty"),
        ("columns: {}", "line 1, column 1: must begin with `format: headwater.schema/1`"),
        ("format: x/9", "line 1, column 9: format: must be one of headwater.schema/1, not 'x/9'"),
        ("a: [", "this is no YAML"),
        (HEAD + "colums: {}", "line 2, column 9: colums: there is no 'colums' here; there is format"),
        (HEAD + "columns: []", "line 2, column 10: columns: must be a mapping"),
        (HEAD + "columns:\n  a: {type: real}", "line 3, column 13: columns.a.type: must be one of integer"),
        (HEAD + "columns:\n  a: {unique: true}", "columns.a: has no type"),
        (
            HEAD + "columns:\n  a: {type: text}\n  a: {type: text}",
            "line 4, column 3: columns: 'a' stands twice",
        ),
        (HEAD + "columns:\n  a:\n    type: text\n    range: {min: 0}", "kind text has no range"),
        (HEAD + "columns:\n  a: {type: text, unique: 3}", "must be true or false, not '3'"),
        (HEAD + "columns:\n  a: {type: number, range: {min: 2, max: 1}}", "no number is at least 2"),
        (HEAD + "columns:\n  a: {type: time, range: {min: May}}", "must be a time such as"),
        (HEAD + "columns:\n  a: {type: text, absent_in: [x]}", "environments do not name"),
        (HEAD + "columns:\n  a: {type: text, domain: []}", "needs at least one value"),
        (HEAD + "columns:\n  a: {type: text, domain: {max_outside: 0}}", "has no values"),
        (HEAD + "columns:\n  a: {type: text, presence: 2}", "a share from 0 to 1"),
        (HEAD + "columns:\n  a: {type:}", "columns.a.type: has no value"),
        (HEAD + "drift: 3", "line 2, column 8: drift: a distance lies from 0 to 1"),
        (HEAD + "level: .inf", "must be a number"),
        (HEAD + "level: 0", "level is a chance between 0 and 1"),
        (HEAD + "severities: {nan: bad}", "severities.nan: must be one of error, warning, ignore"),
        (HEAD + "severities: {odd: error}", "there is no anomaly 'odd'"),
        (HEAD + "pairings: [{left: a}]", "pairings[0]: has no relation, right"),
    ],
)
def test_a_fault_is_told_with_its_place(text, problem):
    with pytest.raises(InvalidError) as caught:
        Schema.from_yaml(text)

    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"gone\.yaml"):
        Schema.read(tmp_path / "gone.yaml")


def test_a_diff_tells_what_changed():
    columns = {c.name: c for c in FULL.columns}
    del columns["v"]
    columns["carrier"] = replace(columns["carrier"], domain=Domain(values=("NO", "UA"), max_outside=0.02))
    columns["delay"] = replace(columns["delay"], range=None)
    columns["x"] = Column(name="x", kind=Kind.INTEGER)

    found = FULL.diff(replace(FULL, columns=tuple(columns.values()), level=0.01))

    assert found == [
        "- v: list",
        "+ x: integer",
        "~ level: 0.001 -> 0.01",
        "~ carrier.domain: -1 -on +UA max_outside 0.01 -> 0.02",
        "~ delay.range: -60.5 to any -> -",
    ]
    assert FULL.diff(FULL) == []


def test_a_proposal_for_a_column_that_is_not_there_is_refused():
    with pytest.raises(InvalidError, match="no column 'x'"):
        FULL.update([Proposal(column="x", changes={"is_optional": True})])


def test_a_first_schema_says_what_a_reviewer_would():
    rows = [
        {"id": i, "carrier": "UA" if i % 3 else "AA", "x": i / 7, "y": None if i % 10 else -1.5, "t": f"N{i}"}
        for i in range(200)
    ]

    found = infer_schema(rows, environments=["training", "serving"], absent=["x"], ranges=False)

    off = Comparator(method=Method.OFF)
    assert found == Schema(
        environments=("training", "serving"),
        columns=(
            Column(
                name="id",
                kind=Kind.INTEGER,
                presence=Presence(),
                range=Limits(min=0),
                is_unique=True,
                drift=off,
                skew=off,
            ),
            Column(name="carrier", kind=Kind.TEXT, presence=Presence(), domain=Domain(values=("AA", "UA"))),
            Column(
                name="x",
                kind=Kind.NUMBER,
                presence=Presence(),
                range=Limits(min=0),
                allows_nan=False,
                allows_infinity=False,
                absent_in=("serving",),
            ),
            Column(
                name="y",
                kind=Kind.NUMBER,
                presence=Presence(min_fraction=0),
                allows_nan=False,
                allows_infinity=False,
            ),
            Column(name="t", kind=Kind.TEXT, presence=Presence(), is_unique=True, drift=off, skew=off),
        ),
    )
    assert infer_schema(rows, ranges=True)["y"].range == Limits(min=-1.5, max=-1.5)


def test_the_schema_of_the_docs_is_one_and_every_kind_is_there():
    page = (Path(__file__).parents[3] / "docs/data-validation.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]

    assert len(Schema.from_yaml(text).columns) == 7
    assert [kind for kind in AnomalyKind if f"`{kind}`" not in page] == []
