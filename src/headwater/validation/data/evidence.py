"""Counting and showing values that break a schema, where the data are at hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from headwater.validation.data import expressions
from headwater.validation.data.anomalies import AnomalyKind
from headwater.validation.data.comparing import Counts, Cuts
from headwater.validation.data.expressions import finite
from headwater.validation.data.schema import Column, Schema
from headwater.validation.data.statistics import ColumnStatistics, Kind, Statistics
from headwater.validation.data.tables import Table

SAMPLES: Final = 5

Subject: TypeAlias = tuple[str, AnomalyKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How many values are wrong, and some of them, the most frequent first."""

    count: int
    samples: tuple[str, ...] = ()


def evidence_of(table: Table, measured: Statistics, schema: Schema) -> dict[Subject, Evidence]:
    """Look up what is wrong in columns whose statistics say that something is, or may be.

    Two queries for all of them; none where nothing is suspected.
    """
    suspects: dict[Subject, Any] = {}
    repeated: list[str] = []
    known = measured.by_name
    for column in schema.columns:
        if column.name in known and known[column.name].kind is column.kind:
            suspects |= _suspects(table.ibis_table, known[column.name], column)
            repeated += [column.name] if column.is_unique and _has_repeats(known[column.name]) else []
    if not suspects and not repeated:
        return {}
    counts = _counts(table, suspects)
    samples = _samples(table, {s: c for s, c in suspects.items() if counts[s]}, repeated)
    found = {s: Evidence(count=n, samples=samples.get(s, ())) for s, n in counts.items()}
    for name in repeated:
        distinct = known[name].distinct
        assert distinct is not None
        subject = (name, AnomalyKind.NOT_UNIQUE)
        found[subject] = Evidence(
            count=known[name].present - distinct.count, samples=samples.get(subject, ())
        )
    return found


def counts_between(table: Table, kinds: Mapping[str, Kind], cuts: Cuts) -> Counts:
    """Count the numbers of columns between cuts, in one query."""
    names = list(cuts)
    queries = [
        expressions.between_cuts(table.ibis_table, name, kinds[name], cuts[name], label)
        for label, name in enumerate(names)
    ]
    found = {name: [0] * (len(cuts[name]) + 1) for name in names}
    for row in table.rows(expressions.together(queries)) if queries else ():
        found[names[row["label"]]][row["cell"]] = int(row["count"])
    return {name: tuple(counts) for name, counts in found.items()}


def _suspects(table: Any, measured: ColumnStatistics, column: Column) -> dict[Subject, Any]:
    """Build conditions that hold in rows with a wrong value."""
    found: dict[Subject, Any] = {}
    value = table[column.name]
    if (limits := column.range) is not None and (numbers := measured.numbers) is not None:
        number = finite(value, column.kind)
        if limits.min is not None and numbers.min is not None and numbers.min < limits.min:
            found[column.name, AnomalyKind.OUT_OF_RANGE_LOW] = number < limits.min
        if limits.max is not None and numbers.max is not None and numbers.max > limits.max:
            found[column.name, AnomalyKind.OUT_OF_RANGE_HIGH] = number > limits.max
    if column.domain is not None and _may_leave(measured, column.domain.values):
        inside = value.cast("string").isin(column.domain.values)
        found[column.name, AnomalyKind.UNEXPECTED_VALUE] = value.notnull() & ~inside
    if (limits := column.length) is not None and (lengths := measured.lengths) is not None:
        is_text = column.kind is Kind.TEXT
        length = (value.cast("string") if is_text else value).length()
        few = AnomalyKind.TOO_SHORT if is_text else AnomalyKind.TOO_FEW_VALUES
        many = AnomalyKind.TOO_LONG if is_text else AnomalyKind.TOO_MANY_VALUES
        if limits.min is not None and lengths.min is not None and lengths.min < limits.min:
            found[column.name, few] = length < int(limits.min)
        if limits.max is not None and lengths.max is not None and lengths.max > limits.max:
            found[column.name, many] = length > int(limits.max)
    if column.kind is Kind.TEXT and measured.lengths is not None and measured.lengths.invalid:
        text = value.cast("string")
        found[column.name, AnomalyKind.INVALID_TEXT] = text.contains("\N{REPLACEMENT CHARACTER}")
    return found


def _may_leave(measured: ColumnStatistics, domain: Sequence[str]) -> bool:
    return not measured.has_all_values or any(v.value not in domain for v in measured.top_values)


def _has_repeats(measured: ColumnStatistics) -> bool:
    distinct = measured.distinct
    return distinct is not None and distinct.is_exact and distinct.count < measured.present


def _counts(table: Table, suspects: Mapping[Subject, Any]) -> dict[Subject, int]:
    if not suspects:
        return {}
    subjects = list(suspects)
    figures = {f"s{i}": suspects[subject].sum() for i, subject in enumerate(subjects)}
    (row,) = table.rows(table.ibis_table.aggregate(**figures))
    return {subject: int(row[f"s{i}"] or 0) for i, subject in enumerate(subjects)}


def _samples(
    table: Table, suspects: Mapping[Subject, Any], repeated: Sequence[str]
) -> dict[Subject, tuple[str, ...]]:
    subjects: list[Subject] = [*suspects, *((name, AnomalyKind.NOT_UNIQUE) for name in repeated)]
    queries: list[Any] = []
    for label, subject in enumerate(subjects):
        rows, name = table.ibis_table, subject[0]
        wrong = rows.filter(suspects[subject]) if subject in suspects else rows
        queries.append(expressions.frequencies(wrong, name, Kind.TEXT, (), label, SAMPLES))
    found: defaultdict[Subject, list[tuple[int, str]]] = defaultdict(list)
    for row in table.rows(expressions.together(queries)) if queries else ():
        subject = subjects[int(row["label"])]
        if subject in suspects or row["count"] > 1:
            found[subject].append((-int(row["count"]), str(row["value"])))
    return {subject: tuple(value for _, value in sorted(values)) for subject, values in found.items()}
