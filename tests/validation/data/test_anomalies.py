"""One planted fault for each kind of anomaly, found with its count, samples and a way out."""

import functools
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from headwater.errors import InvalidError, RejectedError
from headwater.model.verdicts import Outcome
from headwater.validation.data import (
    AnomalyKind,
    Column,
    Comparator,
    DataVerdict,
    Domain,
    Kind,
    Limits,
    Method,
    Pairing,
    Presence,
    Relation,
    Schema,
    Severity,
    infer_schema,
    merge_all,
    statistics,
    validate,
)

ROWS = 400
RANDOM = np.random.default_rng(7)
GOOD = pa.table(
    {
        "delay": RANDOM.normal(10, 3, ROWS).clip(0),
        "carrier": RANDOM.choice(["UA", "AA", "DL"], ROWS),
        "tail": [f"N{i}" for i in range(ROWS)],
        "seats": RANDOM.integers(50, 200, ROWS),
        "stops": [[1, 2], [3]] * (ROWS // 2),
        "weights": [[0.5, 0.5], [1.0]] * (ROWS // 2),
        "late": RANDOM.random(ROWS) < 0.3,
    }
)


@functools.cache
def good_schema() -> Schema:
    """The inferred schema; nothing is measured before a test asks, as all workers read this file."""
    return infer_schema(GOOD)


def column(name: str, **changes) -> Schema:
    """The inferred schema, with a column that says more."""
    good = good_schema()
    return replace(good, columns=tuple(replace(c, **changes) if c.name == name else c for c in good.columns))


def table(**columns) -> pa.Table:
    """The good table with other columns."""
    found = GOOD
    for name, values in columns.items():
        if values is None:
            found = found.drop_columns([name])
        elif name in found.column_names:
            found = found.set_column(found.column_names.index(name), name, pa.array(values))
        else:
            found = found.append_column(name, pa.array(values))
    return found


def put(name: str, values: list, at: int = 0) -> list:
    """A good column with some other values."""
    given = GOOD[name].to_pylist()
    given[at : at + len(values)] = values
    return given


def paired(relation: Relation, left: str, right: str, **changes) -> Schema:
    """The inferred schema, with two columns that belong together."""
    return replace(good_schema(), pairings=(Pairing(relation=relation, left=left, right=right),), **changes)


K = AnomalyKind

FAULTS = {
    K.MISSING_COLUMN: (table(late=None), good_schema, "late", None, ()),
    K.NEW_COLUMN: (table(extra=[1] * ROWS), good_schema, "extra", None, ()),
    K.TYPE_MISMATCH: (table(seats=["a"] * ROWS), good_schema, "seats", ROWS, ()),
    K.UNEXPECTED_VALUE: (
        table(carrier=put("carrier", ["ZZ", "ZZ", "YY"])),
        good_schema,
        "carrier",
        3,
        ("ZZ", "YY"),
    ),
    K.OUT_OF_RANGE_LOW: (
        table(delay=put("delay", [-1.0, -2.5])),
        good_schema,
        "delay",
        2,
        ("-1.0", "-2.5"),
    ),
    K.OUT_OF_RANGE_HIGH: (
        table(seats=put("seats", [900])),
        lambda: column("seats", range=Limits(min=0, max=500)),
        "seats",
        1,
        ("900",),
    ),
    K.NAN: (table(delay=put("delay", [math.nan] * 2)), good_schema, "delay", 2, ("NaN",)),
    K.INFINITY: (table(delay=put("delay", [math.inf])), good_schema, "delay", 1, ("Infinity",)),
    K.INVALID_TEXT: (
        table(tail=put("tail", ["N\N{REPLACEMENT CHARACTER}"])),
        good_schema,
        "tail",
        1,
        ("N\N{REPLACEMENT CHARACTER}",),
    ),
    K.LOW_PRESENCE_FRACTION: (table(late=put("late", [None] * 3)), good_schema, "late", 3, ()),
    K.LOW_PRESENCE_COUNT: (
        GOOD,
        lambda: column("late", presence=Presence(min_fraction=0, min_count=ROWS + 1)),
        "late",
        ROWS,
        (),
    ),
    K.TOO_SHORT: (
        table(tail=put("tail", [""])),
        lambda: column("tail", length=Limits(min=1)),
        "tail",
        1,
        ("",),
    ),
    K.TOO_LONG: (
        table(tail=put("tail", ["N" * 20])),
        lambda: column("tail", length=Limits(max=9)),
        "tail",
        1,
        ("N" * 20,),
    ),
    K.TOO_FEW_VALUES: (
        table(stops=put("stops", [[]])),
        lambda: column("stops", length=Limits(min=1)),
        "stops",
        1,
        ("[]",),
    ),
    K.TOO_MANY_VALUES: (
        table(stops=put("stops", [[1, 2, 3]])),
        lambda: column("stops", length=Limits(max=2)),
        "stops",
        1,
        ("[1, 2, 3]",),
    ),
    K.TOO_FEW_UNIQUE: (GOOD, lambda: column("carrier", distinct=Limits(min=4)), "carrier", 3, ()),
    K.TOO_MANY_UNIQUE: (GOOD, lambda: column("carrier", distinct=Limits(max=2)), "carrier", 3, ()),
    K.NOT_UNIQUE: (table(tail=put("tail", ["N5", "N5"])), good_schema, "tail", 2, ("N5",)),
    K.SPARSE_MISMATCH: (
        table(weights=put("weights", [[1.0], [1.0, 2.0]])),
        lambda: paired(Relation.SPARSE, "stops", "weights"),
        "weights",
        2,
        (),
    ),
    K.WEIGHTED_MISMATCH: (
        table(delay=put("delay", [None] * 3)),
        lambda: paired(
            Relation.WEIGHTED, "seats", "delay", severities={K.LOW_PRESENCE_FRACTION: Severity.IGNORE}
        ),
        "delay",
        3,
        (),
    ),
    K.NO_ROWS: (GOOD[:0], good_schema, None, 0, ()),
    K.TOO_FEW_ROWS: (GOOD[:5], lambda: replace(good_schema(), rows=Limits(min=10)), None, 5, ()),
    K.TOO_MANY_ROWS: (GOOD, lambda: replace(good_schema(), rows=Limits(max=10)), None, ROWS, ()),
    K.INVALID_SCHEMA: (
        GOOD,
        lambda: paired(Relation.SPARSE, "seats", "stops"),
        "seats",
        None,
        (),
    ),
}
"""By kind: data, what gives the schema, and the column, count and samples that are told."""


@functools.cache
def judged(kind: AnomalyKind) -> DataVerdict:
    """What is said of the table with that fault."""
    data, schema, *_ = FAULTS[kind]
    return validate(data, schema())


def test_the_good_table_has_no_anomaly():
    verdict = validate(GOOD, good_schema())

    assert (verdict.outcome, verdict.anomalies, verdict.unjudged) == (Outcome.PASS, (), ())


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found_alone(kind):
    *_, name, count, samples = FAULTS[kind]

    verdict = judged(kind)

    (found,) = verdict.anomalies
    assert (found.kind, found.column, found.count) == (kind, name, count)
    assert sorted(found.samples) == sorted(samples)
    assert found.short
    assert found.long
    assert verdict.outcome is (Outcome.PASS if kind is K.NEW_COLUMN else Outcome.FAIL)


@pytest.mark.parametrize(
    "kind", [k for k in FAULTS if k not in {K.NO_ROWS, K.INVALID_SCHEMA, K.INVALID_TEXT}]
)
def test_a_schema_that_takes_the_proposal_accepts_the_data(kind):
    data, schema, *_ = FAULTS[kind]

    again = validate(data, schema().update(judged(kind).proposals))

    assert again.anomalies == () or kind in {K.SPARSE_MISMATCH, K.WEIGHTED_MISMATCH}


@pytest.mark.parametrize("kind", FAULTS)
def test_without_the_data_the_same_is_found_in_statistics(kind):
    data, schema, name, *_ = FAULTS[kind]
    pairs = [(p.left, p.right) for p in schema().pairings]

    verdict = validate(statistics(data, pairs=pairs), schema())

    assert [(a.kind, a.column) for a in verdict.anomalies] == [(kind, name)]


@pytest.mark.parametrize(
    ("severity", "outcome"),
    [(Severity.ERROR, Outcome.FAIL), (Severity.WARNING, Outcome.PASS), (Severity.IGNORE, Outcome.PASS)],
)
def test_a_schema_may_say_how_bad_a_kind_is(severity, outcome):
    schema = replace(good_schema(), severities={K.MISSING_COLUMN: severity})

    verdict = validate(table(late=None), schema)

    told = [] if severity is Severity.IGNORE else [severity]
    assert [a.severity for a in verdict.anomalies] == told
    assert verdict.outcome is outcome


def test_a_share_of_values_may_be_allowed_outside():
    odd = table(carrier=put("carrier", ["ZZ"] * 4), delay=put("delay", [-1.0] * 4))
    domain, limits = Domain(values=("AA", "DL", "UA"), max_outside=0.01), Limits(min=0)
    schema = column("carrier", domain=domain).update([])
    schema = replace(
        schema,
        columns=tuple(
            replace(c, range=limits, max_outside_range=0.01) if c.name == "delay" else c
            for c in schema.columns
        ),
    )

    assert validate(odd, schema).outcome is Outcome.PASS
    assert validate(table(carrier=put("carrier", ["ZZ"] * 5)), schema).outcome is Outcome.FAIL


def test_the_label_may_be_absent_when_serving():
    schema = infer_schema(GOOD, environments=["training", "serving"], absent="late")
    served = table(late=None)

    assert validate(served, schema, environment="serving").outcome is Outcome.PASS
    assert validate(served, schema, environment="training").outcome is Outcome.FAIL
    assert validate(served, schema).outcome is Outcome.FAIL
    with pytest.raises(InvalidError, match="no environment 'production'; it has training, serving"):
        validate(served, schema, environment="production")


def shifted() -> pa.Table:
    return table(delay=RANDOM.normal(14, 3, ROWS).clip(0), carrier=["UA"] * ROWS)


@pytest.mark.parametrize("against", ["previous", "serving"])
def test_drift_and_skew_are_found_beside_the_schema(against):
    word = "drift" if against == "previous" else "skew"

    verdict = validate(shifted(), good_schema(), **{against: GOOD})

    found = {(str(a.kind), a.column) for a in verdict.errors}
    assert found == {(f"{word}_jensen_shannon", "delay"), (f"{word}_l_infinity", "carrier")}
    assert {d.column for d in verdict.distances} == {"delay", "carrier", "seats", "late"}
    assert all(d.is_exact and 0 <= d.value <= 1 for d in verdict.distances)


def test_equal_data_have_no_distance():
    verdict = validate(GOOD, good_schema(), previous=GOOD, serving=statistics(GOOD))

    assert verdict.outcome is Outcome.PASS
    assert [d.value for d in verdict.distances] == [0.0] * 8


def test_distances_from_statistics_are_near_those_from_the_data():
    data = shifted()
    exact = validate(data, good_schema(), previous=GOOD).distances

    estimates = validate(statistics(data), good_schema(), previous=GOOD).distances

    for estimate, distance in zip(estimates, exact, strict=True):
        assert estimate.value == pytest.approx(distance.value, rel=0.1, abs=0.003)


@pytest.mark.parametrize(("threshold", "outcome"), [(0.001, Outcome.FAIL), (0.9, Outcome.PASS)])
def test_a_fixed_threshold_is_held_instead_of_chance(threshold, outcome):
    fixed = Comparator(method=Method.FIXED, threshold=threshold)
    schema = replace(good_schema(), drift=fixed)

    verdict = validate(shifted(), schema, previous=GOOD)

    assert verdict.outcome is outcome
    assert {d.threshold for d in verdict.distances} == {threshold}
    assert {d.chance for d in verdict.distances} == {None}


def test_a_difference_that_is_certain_but_small_is_a_warning():
    random = np.random.default_rng(3)
    before, after = random.normal(0, 1, 50_000), random.normal(0.15, 1, 50_000)
    schema = infer_schema(pa.table({"x": before}))

    verdict = validate(pa.table({"x": after}), schema, previous=pa.table({"x": before}))

    assert verdict.outcome is Outcome.PASS
    assert [a.kind for a in verdict.warnings] == [K.DRIFT_JENSEN_SHANNON]


def test_a_comparison_needs_values_on_both_sides():
    schema = replace(good_schema(), severities={K.LOW_PRESENCE_FRACTION: Severity.IGNORE})
    empty = table(delay=pa.array([None] * ROWS, pa.float64()))

    less, more = validate(empty, schema, previous=GOOD), validate(GOOD, schema, previous=empty)

    assert [(a.kind, a.column) for a in less.anomalies] == [(K.COMPARED_MISSING, "delay")]
    assert [(a.kind, a.column) for a in more.anomalies] == [(K.REFERENCE_MISSING, "delay")]


@pytest.mark.parametrize(
    ("growth", "kind"), [(Limits(min=0.9), K.ROWS_SHRANK), (Limits(max=0.2), K.ROWS_GREW)]
)
def test_the_number_of_rows_is_held_against_the_version_before(growth, kind):
    schema = replace(good_schema(), growth=growth)

    assert [a.kind for a in validate(GOOD[:200], schema, previous=GOOD).anomalies] == [kind]


def test_too_few_rows_to_compare_are_no_pass():
    verdict = validate(GOOD[:10], good_schema(), previous=GOOD)

    assert verdict.outcome is Outcome.INSUFFICIENT
    assert verdict.unjudged[0] == "delay: fewer than 20 values to compare with the version before"


def test_whether_all_values_differ_is_not_known_of_merged_statistics():
    halves = merge_all([statistics(GOOD[:200]), statistics(GOOD[200:])])
    many = pa.table({"id": range(5_000)})
    merged = merge_all([statistics(many[:2_500]), statistics(many[2_500:])])

    assert validate(halves, good_schema()).outcome is Outcome.PASS
    assert validate(merged, infer_schema(many)).outcome is Outcome.INSUFFICIENT


def test_a_schema_without_columns_judges_nothing():
    assert validate(GOOD, Schema()).outcome is Outcome.INSUFFICIENT


def test_a_failed_verdict_stops_a_pipeline():
    verdict = validate(table(late=None), good_schema())

    with pytest.raises(RejectedError, match="the table did not pass: late: is not in the table") as caught:
        verdict.raise_for_outcome()

    assert (caught.value.verdict, caught.value.outcome) == (verdict, "fail")
    validate(GOOD, good_schema()).raise_for_outcome()


def test_what_cannot_be_told_stops_it_too_unless_that_is_allowed():
    verdict = validate(GOOD, Schema())

    with pytest.raises(RejectedError, match="cannot be judged"):
        verdict.raise_for_outcome()
    verdict.raise_for_outcome(allows_insufficient=True)


def test_two_verdicts_can_be_told_apart_by_their_settings():
    schema = infer_schema(GOOD, environments=["training"])
    digests = [
        validate(GOOD, schema).config_digest,
        validate(GOOD, schema, environment="training").config_digest,
        validate(GOOD, replace(schema, level=0.05)).config_digest,
    ]

    assert len(set(digests)) == 3
    assert validate(GOOD, schema).config_digest == digests[0]


def test_what_is_no_schema_is_refused():
    with pytest.raises(InvalidError, match="a int is no schema"):
        validate(GOOD, 3)
    with pytest.raises(InvalidError, match="recorded on a data version"):
        validate(GOOD, good_schema(), into=object())


def test_a_kind_of_column_has_only_what_makes_sense():
    with pytest.raises(InvalidError, match="kind text has no range"):
        Column(name="x", kind=Kind.TEXT, range=Limits(min=0))
