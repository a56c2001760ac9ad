"""The data gate: a table against its schema, the version before it, and what is served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headwater.errors import InvalidError
from headwater.validation.data.adapters import check_with, library_of_checks
from headwater.validation.data.comparing import Comparison, Counts, Distance, compare, cuts_for
from headwater.validation.data.evidence import Evidence, Subject, counts_between, evidence_of
from headwater.validation.data.findings import Findings
from headwater.validation.data.measuring import measure, statistics
from headwater.validation.data.recording import Records, Reference, record, stored_statistics
from headwater.validation.data.schema import Schema
from headwater.validation.data.statistics import Statistics
from headwater.validation.data.table_checks import check_distances, check_growth, check_table
from headwater.validation.data.tables import StoredData, Table, opened
from headwater.validation.data.verdicts import DataVerdict, outcome_of


def validate(
    data: object,
    schema: object,
    *,
    previous: object = None,
    serving: object = None,
    environment: str | None = None,
    slices: Sequence[str | Sequence[str]] = (),
    into: Records | None = None,
) -> DataVerdict:
    """Judge data.

    Args:
        data: What `statistics` measures, or statistics; with these, counts of wrong values and distances
            are estimates.
        schema: What the table should hold, or the path of a schema file; or a schema of pandera or an
            expectation suite of Great Expectations, which check the data that they load, and no more.
        previous: The version before, to look for drift: data or statistics.
        serving: What is served, to look for skew: data or statistics.
        environment: One of the schema's, such as `serving`, where the label is absent.
        slices: Columns whose every value is measured apart, for the record.
        into: Where the verdict is recorded, with everything that it rests on: a client, or whatever has
            a `store`, `blobs` and an `actor`. The data are then a data version (`hw.dataset`).

    Returns:
        The verdict; `raise_for_outcome()` stops a pipeline with it.

    Raises:
        InvalidError: the schema or the data cannot be read, or the data to record are no data version.
        NotFoundError, MissingDependencyError: as in `statistics`.

    Example:
        >>> from headwater.validation.data import infer_schema
        >>> rows = [{"carrier": "UA", "delay": 4.0}, {"carrier": "AA", "delay": 9.0}] * 50
        >>> schema = infer_schema(rows)
        >>> verdict = validate([{"carrier": "ZZ", "delay": -1.0}], schema)
        >>> [str(anomaly) for anomaly in verdict.errors]
        ['carrier: 1 value is not in the domain: ZZ', 'delay: 1 value is below 0']
    """
    if into is not None and not isinstance(data, StoredData):
        raise InvalidError("a verdict is recorded on a data version: record the data first, with hw.dataset")
    others = {
        comparison: _reference(other, into)
        for comparison, other in ((Comparison.DRIFT, previous), (Comparison.SKEW, serving))
        if other is not None
    }
    if library_of_checks(schema) is not None:
        verdict = _judge_with(schema, data, others, slices)
    else:
        verdict = _judge(data, _schema(schema), others, environment, slices)
    if into is None or not isinstance(data, StoredData):
        return verdict
    return replace(verdict, recorded=record(into, data.data_version, verdict, others))


def distances(data: object, other: object, schema: Schema | None = None) -> list[Distance]:
    """Return how far the columns of two tables are apart, without judging either.

    Args:
        data: What `statistics` measures, or statistics.
        other: What it is compared with, likewise.
        schema: Which columns are compared, and how; by default all, against what chance would do.

    Raises:
        InvalidError, NotFoundError, MissingDependencyError: as in `statistics`.

    Example:
        >>> rows = [{"late": False}] * 60 + [{"late": True}] * 40
        >>> [found.value for found in distances(rows, rows[:80])]
        [0.15]
    """
    wanted = schema or Schema()
    reference = other if isinstance(other, Statistics) else statistics(other)
    if isinstance(data, Statistics):
        return compare(data, reference, wanted, Comparison.DRIFT)
    with opened(data) as table:
        measured = measure(table)
        kinds = {c.name: c.kind for c in measured.columns}
        counts = counts_between(table, kinds, cuts_for(measured, reference))
    return compare(measured, reference, wanted, Comparison.DRIFT, counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What was seen of a table, while it was open."""

    measured: Statistics
    evidence: Mapping[Subject, Evidence] = field(default_factory=dict[Subject, Evidence])
    counts: Mapping[Comparison, Counts] = field(default_factory=dict[Comparison, Counts])


def _look(
    table: Table,
    schema: Schema,
    others: Mapping[Comparison, Reference],
    slices: Sequence[str | Sequence[str]],
) -> _Looked:
    pairs = [(p.left, p.right) for p in schema.pairings]
    columns = set(table.ibis_table.columns)
    there = [pair for pair in pairs if columns >= set(pair)]
    measured = measure(table, slices=slices, pairs=there)
    kinds = {c.name: c.kind for c in measured.columns}
    return _Looked(
        measured=measured,
        evidence=evidence_of(table, measured, schema),
        counts={
            comparison: counts_between(table, kinds, cuts_for(measured, other.statistics))
            for comparison, other in others.items()
        },
    )


def _judge(
    data: object,
    schema: Schema,
    others: Mapping[Comparison, Reference],
    environment: str | None,
    slices: Sequence[str | Sequence[str]],
) -> DataVerdict:
    if isinstance(data, Statistics):
        looked = _Looked(measured=data)
    else:
        with opened(data) as table:
            looked = _look(table, schema, others, slices)
    measured, found = looked.measured, Findings(schema.severities)
    check_table(measured, schema, looked.evidence, found, environment=environment)
    distances: list[Distance] = []
    for comparison, other in others.items():
        these = compare(measured, other.statistics, schema, comparison, looked.counts.get(comparison))
        check_distances(measured, other.statistics, these, schema, comparison, found)
        distances += these
        if comparison is Comparison.DRIFT:
            check_growth(measured, other.statistics, schema, found)
    notes = () if Comparison.DRIFT in others else ("there is no version before to compare with",)
    return DataVerdict(
        subject=_name(data),
        outcome=outcome_of(found.anomalies, found.unjudged),
        anomalies=found.by_severity(),
        distances=tuple(distances),
        unjudged=tuple(found.unjudged),
        notes=notes,
        statistics=measured,
        schema=schema,
        rules=(rules := schema.to_yaml()),
        environment=environment,
        config_digest=_config_digest(rules, environment),
        references={str(comparison): other.statistics for comparison, other in others.items()},
    )


def _judge_with(
    checks: object,
    data: object,
    others: Mapping[Comparison, Reference],
    slices: Sequence[str | Sequence[str]],
) -> DataVerdict:
    """Judge data by another library's checks; what it holds is measured all the same."""
    if others or isinstance(data, Statistics):
        raise InvalidError(
            "another library's checks take the data alone: comparisons need a headwater schema"
        )
    found = Findings({})
    rules = check_with(checks, data, found)
    return DataVerdict(
        subject=_name(data),
        outcome=outcome_of(found.anomalies, found.unjudged),
        anomalies=found.by_severity(),
        distances=(),
        unjudged=tuple(found.unjudged),
        notes=(),
        statistics=statistics(data, slices=slices),
        schema=Schema(),
        rules=rules,
        environment=None,
        config_digest=_config_digest(rules, None),
    )


def _schema(given: object) -> Schema:
    if isinstance(given, Schema):
        return given
    if isinstance(given, str | Path):
        return Schema.read(given)
    raise InvalidError(
        f"a {type(given).__name__} is no schema: give an hw.Schema, the path of a schema file, a schema of "
        "pandera, or an expectation suite of Great Expectations"
    )


def _reference(other: object, into: Records | None) -> Reference:
    if isinstance(other, Statistics):
        return Reference(statistics=other)
    if isinstance(other, StoredData) and into is not None:
        found = stored_statistics(into, other.data_version)
        return found or Reference(statistics=statistics(other))
    return Reference(statistics=statistics(other))


def _name(data: object) -> str:
    if isinstance(data, StoredData):
        return data.data_version.ref
    return str(data) if isinstance(data, str | Path) else "the table"


def _config_digest(rules: str, environment: str | None) -> str:
    from headwater.blobs.digests import bytes_digest

    return bytes_digest(f"{environment or ''}\n{rules}".encode())
