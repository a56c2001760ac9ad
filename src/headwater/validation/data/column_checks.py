"""Holding a column's statistics against what the schema says of it."""

from collections.abc import Mapping

from headwater.validation.data.anomalies import AnomalyKind
from headwater.validation.data.bins import count_between
from headwater.validation.data.evidence import SAMPLES, Evidence, Subject
from headwater.validation.data.findings import Findings
from headwater.validation.data.schema import Column, Domain, Limits, Proposal
from headwater.validation.data.statistics import ColumnStatistics, Distinct, Kind


def check_column(
    measured: ColumnStatistics, column: Column, evidence: Mapping[Subject, Evidence], found: Findings
) -> None:
    """Note what is wrong with a column.

    Args:
        measured: Its statistics.
        column: What the schema says.
        evidence: What was counted where the data are at hand; else counts are estimated.
        found: Where it is noted.
    """
    _check_presence(measured, column, found)
    if not measured.present:
        return
    if not _is_of(measured.kind, column.kind):
        found.add(
            AnomalyKind.TYPE_MISMATCH,
            column.name,
            f"is {measured.kind} ({measured.type}), not {column.kind}",
            f"The schema expects {column.kind}, and the table has {measured.type}. Convert the column, or "
            "change its type in the schema.",
            count=measured.present,
            proposal=_proposal(column, kind=measured.kind, range=None, domain=None, length=None),
        )
        return
    _check_range(measured, column, evidence, found)
    _check_odd_numbers(measured, column, found)
    _check_domain(measured, column, evidence, found)
    _check_lengths(measured, column, evidence, found)
    _check_distinct(measured, column, evidence, found)


def _check_presence(measured: ColumnStatistics, column: Column, found: Findings) -> None:
    presence, rows = column.presence, measured.present + measured.missing
    if presence is None or not rows:
        return
    share = measured.fraction
    if share < presence.min_fraction:
        found.add(
            AnomalyKind.LOW_PRESENCE_FRACTION,
            column.name,
            f"{measured.missing:,} of {rows:,} rows have no value",
            f"{share:.2%} of the rows have a value; the schema expects {presence.min_fraction:.2%} or more.",
            count=measured.missing,
            proposal=_proposal(
                column, presence=type(presence)(min_fraction=share, min_count=presence.min_count)
            ),
        )
    if measured.present < presence.min_count:
        found.add(
            AnomalyKind.LOW_PRESENCE_COUNT,
            column.name,
            f"only {measured.present:,} rows have a value",
            f"The schema expects {presence.min_count:,} rows with a value or more.",
            count=measured.present,
            proposal=_proposal(
                column,
                presence=type(presence)(min_fraction=presence.min_fraction, min_count=measured.present),
            ),
        )


def _check_range(
    measured: ColumnStatistics, column: Column, evidence: Mapping[Subject, Evidence], found: Findings
) -> None:
    numbers, limits = measured.numbers, column.range
    if limits is None or numbers is None or numbers.min is None or numbers.max is None:
        return
    low, high = limits.min, limits.max
    for kind, is_broken, edge, bound, word in (
        (AnomalyKind.OUT_OF_RANGE_LOW, low is not None and numbers.min < low, numbers.min, low, "below"),
        (AnomalyKind.OUT_OF_RANGE_HIGH, high is not None and numbers.max > high, numbers.max, high, "above"),
    ):
        if not is_broken or bound is None:
            continue
        known = evidence.get((column.name, kind))
        inside = (bound, float("inf")) if word == "below" else (float("-inf"), bound)
        count = known.count if known else max(1, round(numbers.count - count_between(numbers.bins, *inside)))
        if count <= column.max_outside_range * numbers.count:
            continue
        wider = Limits(min=edge, max=high) if word == "below" else Limits(min=low, max=edge)
        found.add(
            kind,
            column.name,
            f"{_values(count, exact=known is not None)} {word} {bound:.10g}",
            f"The {'least' if word == 'below' else 'largest'} is {edge:.10g}; the schema allows numbers "
            f"{'from' if word == 'below' else 'up to'} {bound:.10g}{_share(column.max_outside_range)}.",
            count=count,
            samples=known.samples if known else (f"{edge:.10g}",),
            proposal=_proposal(column, range=wider),
        )


def _check_odd_numbers(measured: ColumnStatistics, column: Column, found: Findings) -> None:
    numbers = measured.numbers
    if numbers is None:
        return
    for kind, count, is_allowed, word, field in (
        (AnomalyKind.NAN, numbers.nans, column.allows_nan, "not a number (NaN)", "allows_nan"),
        (AnomalyKind.INFINITY, numbers.infinities, column.allows_infinity, "infinite", "allows_infinity"),
    ):
        if count and not is_allowed:
            found.add(
                kind,
                column.name,
                f"{_values(count)} {word}",
                f"The schema allows none: look for a division by zero or an overflow, or set {field}.",
                count=count,
                samples=("NaN",) if kind is AnomalyKind.NAN else ("Infinity",),
                proposal=_proposal(column, **{field: True}),
            )


def _check_domain(
    measured: ColumnStatistics, column: Column, evidence: Mapping[Subject, Evidence], found: Findings
) -> None:
    if (domain := column.domain) is None:
        return
    known = evidence.get((column.name, AnomalyKind.UNEXPECTED_VALUE))
    odd = [v for v in measured.top_values if v.value not in domain.values]
    count = known.count if known else sum(v.count for v in odd)
    if known is None and not measured.has_all_values:
        found.unjudged.append(f"{column.name}: not all values are known without the data")
    if not count or count <= domain.max_outside * measured.present:
        return
    samples = known.samples if known else tuple(v.value for v in odd[:SAMPLES])
    new = tuple(v.value for v in odd) or samples
    found.add(
        AnomalyKind.UNEXPECTED_VALUE,
        column.name,
        f"{_values(count)} not in the domain: {', '.join(samples)}",
        f"{count / measured.present:.2%} of the values are none of the {len(domain.values)} that the schema "
        f"names{_share(domain.max_outside)}.",
        count=count,
        samples=samples,
        proposal=_proposal(
            column,
            domain=Domain(values=tuple(sorted({*domain.values, *new})), max_outside=domain.max_outside),
        ),
    )


def _check_lengths(
    measured: ColumnStatistics, column: Column, evidence: Mapping[Subject, Evidence], found: Findings
) -> None:
    lengths, limits, is_text = measured.lengths, column.length, column.kind is Kind.TEXT
    if lengths is not None and lengths.invalid:
        known = evidence.get((column.name, AnomalyKind.INVALID_TEXT))
        found.add(
            AnomalyKind.INVALID_TEXT,
            column.name,
            f"{_values(lengths.invalid)} not valid UTF-8",
            "They hold U+FFFD, which stands where bytes could not be read as text: find out the encoding.",
            count=lengths.invalid,
            samples=known.samples if known else (),
        )
    if lengths is None or limits is None or lengths.min is None or lengths.max is None:
        return
    unit = "characters" if is_text else "values"
    few = AnomalyKind.TOO_SHORT if is_text else AnomalyKind.TOO_FEW_VALUES
    many = AnomalyKind.TOO_LONG if is_text else AnomalyKind.TOO_MANY_VALUES
    for kind, bound, edge, is_broken, word in (
        (few, limits.min, lengths.min, limits.min is not None and lengths.min < limits.min, "fewer"),
        (many, limits.max, lengths.max, limits.max is not None and lengths.max > limits.max, "more"),
    ):
        if not is_broken or bound is None:
            continue
        known = evidence.get((column.name, kind))
        wider = Limits(min=edge, max=limits.max) if word == "fewer" else Limits(min=limits.min, max=edge)
        found.add(
            kind,
            column.name,
            f"{known.count if known else 'some'} have {word} than {bound:g} {unit}",
            f"The {'shortest' if word == 'fewer' else 'longest'} has {edge} {unit}; the schema allows "
            f"{bound:g} or {'more' if word == 'fewer' else 'fewer'}.",
            count=known.count if known else None,
            samples=known.samples if known else (),
            proposal=_proposal(column, length=wider),
        )


def _check_distinct(
    measured: ColumnStatistics, column: Column, evidence: Mapping[Subject, Evidence], found: Findings
) -> None:
    distinct, limits = measured.distinct, column.distinct
    if distinct is None:
        return
    if column.is_unique and distinct.count < measured.present:
        if not distinct.is_exact and _is_close(distinct.count, measured.present):
            found.unjudged.append(f"{column.name}: merged statistics do not tell whether all values differ")
        else:
            repeats = measured.present - distinct.count
            known = evidence.get((column.name, AnomalyKind.NOT_UNIQUE))
            found.add(
                AnomalyKind.NOT_UNIQUE,
                column.name,
                f"{repeats:,} values stand more than once",
                f"{distinct.count:,} different values in {measured.present:,} rows; each should stand once.",
                count=repeats,
                samples=known.samples if known else (),
                proposal=_proposal(column, is_unique=False),
            )
    if limits is not None:
        _check_distinct_count(distinct, column, limits, found)


def _check_distinct_count(distinct: Distinct, column: Column, limits: Limits, found: Findings) -> None:
    count = distinct.count
    if limits.min is not None and count < limits.min:
        kind, bound = AnomalyKind.TOO_FEW_UNIQUE, f"{limits.min:g} or more"
        wider = Limits(min=count, max=limits.max)
    elif limits.max is not None and count > limits.max:
        kind, bound = AnomalyKind.TOO_MANY_UNIQUE, f"{limits.max:g} or fewer"
        wider = Limits(min=limits.min, max=count)
    else:
        return
    found.add(
        kind,
        column.name,
        f"{'' if distinct.is_exact else 'about '}{count:,} different values",
        f"The schema expects {bound}.",
        count=count,
        proposal=_proposal(column, distinct=wider),
    )


def _is_of(measured: Kind, wanted: Kind) -> bool:
    return measured is wanted or (measured is Kind.INTEGER and wanted is Kind.NUMBER)


def _is_close(count: int, present: int) -> bool:
    return count >= present / 2


def _proposal(column: Column, **changes: object) -> Proposal:
    return Proposal(column=column.name, changes=changes)


def _values(count: int, *, exact: bool = True) -> str:
    about = "" if exact else "about "
    return f"{about}{count:,} value is" if count == 1 else f"{about}{count:,} values are"


def _share(share: float) -> str:
    return f", except {share:.2%} of the values" if share else ""
