"""Holding a table's statistics, and its distances to others, against a schema."""

from collections.abc import Mapping, Sequence

from headwater.errors import InvalidError
from headwater.validation.data.anomalies import AnomalyKind
from headwater.validation.data.column_checks import check_column
from headwater.validation.data.comparing import (
    MIN_VALUES,
    NEGLIGIBLE,
    Comparison,
    Distance,
    Metric,
    comparator_of,
    compared_columns,
)
from headwater.validation.data.evidence import Evidence, Subject
from headwater.validation.data.findings import Findings
from headwater.validation.data.inference import domain_of, presence_of
from headwater.validation.data.schema import (
    Column,
    Comparator,
    Limits,
    Method,
    Pairing,
    Proposal,
    Relation,
    Schema,
)
from headwater.validation.data.statistics import Kind, Statistics

_KINDS = {
    (Comparison.DRIFT, Metric.L_INFINITY): AnomalyKind.DRIFT_L_INFINITY,
    (Comparison.DRIFT, Metric.JENSEN_SHANNON): AnomalyKind.DRIFT_JENSEN_SHANNON,
    (Comparison.SKEW, Metric.L_INFINITY): AnomalyKind.SKEW_L_INFINITY,
    (Comparison.SKEW, Metric.JENSEN_SHANNON): AnomalyKind.SKEW_JENSEN_SHANNON,
}
_OTHERS = {Comparison.DRIFT: "the version before", Comparison.SKEW: "what is served"}


def check_table(
    measured: Statistics,
    schema: Schema,
    evidence: Mapping[Subject, Evidence],
    found: Findings,
    *,
    environment: str | None,
) -> None:
    """Note what is wrong with a table and its columns.

    Raises:
        InvalidError: the schema does not know the environment.
    """
    if environment is not None and environment not in schema.environments:
        known = ", ".join(schema.environments) or "none"
        raise InvalidError(f"the schema has no environment {environment!r}; it has {known}")
    if not schema.columns:
        found.unjudged.append("the schema has no columns")
    if not measured.row_count:
        found.add(
            AnomalyKind.NO_ROWS,
            None,
            "there are no rows",
            "An empty table cannot be judged.",
            count=0,
        )
    else:
        _check_rows(measured.row_count, schema.rows, "rows", found)
    _check_columns(measured, schema, environment, found)
    known = measured.by_name
    for column in schema.columns:
        if column.name in known and environment not in column.absent_in:
            check_column(known[column.name], column, evidence, found)
    for pairing in schema.pairings:
        _check_pairing(measured, schema, pairing, found)


def check_growth(measured: Statistics, previous: Statistics, schema: Schema, found: Findings) -> None:
    """Note when there are too many or too few rows for each one of the version before."""
    if not previous.row_count:
        return
    ratio, limits = measured.row_count / previous.row_count, schema.growth
    if limits.min is not None and ratio < limits.min:
        kind, bound = AnomalyKind.ROWS_SHRANK, f"at least {limits.min:g}"
        wider = Limits(min=ratio, max=limits.max)
    elif limits.max is not None and ratio > limits.max:
        kind, bound = AnomalyKind.ROWS_GREW, f"at most {limits.max:g}"
        wider = Limits(min=limits.min, max=ratio)
    else:
        return
    found.add(
        kind,
        None,
        f"{measured.row_count:,} rows after {previous.row_count:,}",
        f"That is {ratio:.3g} times as many as in the version before; the schema expects {bound} times.",
        count=measured.row_count,
        proposal=Proposal(column=None, changes={"growth": wider}),
    )


def check_distances(
    measured: Statistics,
    other: Statistics,
    distances: Sequence[Distance],
    schema: Schema,
    comparison: Comparison,
    found: Findings,
) -> None:
    """Note distances that are too large, and comparisons that could not be made."""
    by_column = {d.column: d for d in distances if d.comparison is comparison}
    wanted = schema.by_name
    for one, two, comparator in compared_columns(measured, other, schema, comparison):
        distance = by_column.get(one.name)
        if distance is not None:
            if distance.is_beyond:
                _note_distance(distance, comparator, found)
        elif not two.present:
            found.add(
                AnomalyKind.REFERENCE_MISSING,
                one.name,
                f"{_OTHERS[comparison]} has no values",
                "There is nothing to compare the column with.",
            )
        elif not one.present:
            found.add(
                AnomalyKind.COMPARED_MISSING,
                one.name,
                f"has no values to compare with {_OTHERS[comparison]}",
                f"{_OTHERS[comparison].capitalize()} has {two.present:,}.",
            )
        elif min(one.present, two.present) < MIN_VALUES:
            found.unjudged.append(
                f"{one.name}: fewer than {MIN_VALUES} values to compare with {_OTHERS[comparison]}"
            )
        elif _has_own(wanted.get(one.name), comparison):
            found.add(
                AnomalyKind.INVALID_SCHEMA,
                one.name,
                f"{one.kind} columns have no distance",
                "The schema sets a threshold for a column that cannot be compared: take it out.",
            )
    for name in wanted.keys() & other.by_name.keys() - measured.by_name.keys():
        if (
            comparator_of(schema, wanted[name], comparison).method is not Method.OFF
            and not wanted[name].absent_in
        ):
            found.add(
                AnomalyKind.COMPARED_MISSING,
                name,
                f"is not there to be compared with {_OTHERS[comparison]}",
                "The other table has the column.",
            )


def _has_own(column: Column | None, comparison: Comparison) -> bool:
    own = column and (column.drift if comparison is Comparison.DRIFT else column.skew)
    return own is not None and own.method is Method.FIXED


def _note_distance(distance: Distance, comparator: Comparator, found: Findings) -> None:
    kind = _KINDS[distance.comparison, distance.metric]
    if comparator.method is Method.AUTO and distance.effect < NEGLIGIBLE:
        return
    what = "L-infinity" if distance.metric is Metric.L_INFINITY else "Jensen-Shannon"
    sides = f"{distance.rows:,} and {distance.other_rows:,} values"
    if comparator.method is Method.FIXED:
        reason = f"The schema allows {distance.threshold:g}."
        proposal = Comparator(method=Method.FIXED, threshold=min(1.0, distance.value))
    else:
        reason = (
            f"Chance alone does that to {sides} of one origin in {_chance(distance.chance)} (corrected for "
            f"the number of columns), so it has a cause. Its effect size is {distance.effect:.2f}; the "
            f"schema takes {comparator.min_effect:g} and more for an error."
        )
        proposal = Comparator(min_effect=round(distance.effect + 0.01, 2))
    found.add(
        kind,
        distance.column,
        f"{what} distance to {_OTHERS[distance.comparison]} is {distance.value:.3g}",
        f"{reason} Look at both histograms before the schema is changed.",
        proposal=Proposal(column=distance.column, changes={str(distance.comparison): proposal}),
        is_minor=comparator.method is Method.AUTO and distance.effect < comparator.min_effect,
    )


def _chance(chance: float | None) -> str:
    if not chance or chance < 1e-6:
        return "less than one of a million cases"
    return f"one of {1 / chance:,.0f} cases"


def _check_rows(count: int, limits: Limits, what: str, found: Findings) -> None:
    if limits.min is not None and count < limits.min:
        found.add(
            AnomalyKind.TOO_FEW_ROWS,
            None,
            f"only {count:,} {what}",
            f"The schema expects {limits.min:,.0f} or more.",
            count=count,
            proposal=Proposal(column=None, changes={"rows": Limits(min=count, max=limits.max)}),
        )
    if limits.max is not None and count > limits.max:
        found.add(
            AnomalyKind.TOO_MANY_ROWS,
            None,
            f"{count:,} {what}",
            f"The schema expects {limits.max:,.0f} or fewer.",
            count=count,
            proposal=Proposal(column=None, changes={"rows": Limits(min=limits.min, max=count)}),
        )


def _check_columns(measured: Statistics, schema: Schema, environment: str | None, found: Findings) -> None:
    known, wanted = measured.by_name, schema.by_name
    for column in schema.columns:
        is_absent = environment is not None and environment in column.absent_in
        if column.name not in known and not column.is_optional and not is_absent:
            found.add(
                AnomalyKind.MISSING_COLUMN,
                column.name,
                "is not in the table",
                "The schema expects it. If that is right, mark it optional, or absent in this environment.",
                proposal=Proposal(column=column.name, changes={"is_optional": True}),
            )
    for name, column in known.items():
        if name not in wanted:
            found.add(
                AnomalyKind.NEW_COLUMN,
                name,
                f"is new ({column.kind})",
                "The schema does not know the column.",
                proposal=Proposal(
                    column=name,
                    is_new=True,
                    kind=column.kind,
                    changes={"presence": presence_of(column), "domain": domain_of(column)},
                ),
            )


def _check_pairing(measured: Statistics, schema: Schema, pairing: Pairing, found: Findings) -> None:
    label = f"{pairing.left} and {pairing.right}"
    for name in (pairing.left, pairing.right):
        column = schema.by_name.get(name)
        if column is None or (pairing.relation is Relation.SPARSE and column.kind is not Kind.LIST):
            found.add(
                AnomalyKind.INVALID_SCHEMA,
                name,
                f"cannot be part of the pair {label}",
                f"A {pairing.relation} pair is of columns that the schema has"
                + (" as lists." if pairing.relation is Relation.SPARSE else "."),
            )
            return
    pair = next((p for p in measured.pairs if (p.left, p.right) == (pairing.left, pairing.right)), None)
    if pair is None:
        if pairing.left in measured.by_name and pairing.right in measured.by_name:
            found.unjudged.append(f"{label}: statistics were measured without `pairs`")
        return
    if pair.mismatches:
        is_sparse = pairing.relation is Relation.SPARSE
        found.add(
            AnomalyKind.SPARSE_MISMATCH if is_sparse else AnomalyKind.WEIGHTED_MISMATCH,
            pairing.right,
            f"{pair.mismatches:,} rows do not go with {pairing.left}",
            f"In each row {label} have to be "
            + ("lists of one length." if is_sparse else "there together, or not at all."),
            count=pair.mismatches,
        )
