"""The data gate: a table against its schema, the version before it, and what is served."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from headwater.errors import InvalidError
from headwater.validation.data.anomalies import Severity
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
    schema: Schema | str | Path,
    *,
    previous: object = None,
    serving: object = None,
    environment: str | None = None,
    slices: Sequence[str | Sequence[str]] = (),
    into: Records | None = None,
) -> DataVerdict:
    """Judge data.

    Args:
        data: What `statistics` measures, or statistics; with these, counts of wrong values are
            estimated, and distances are lower bounds.
        schema: What the table should hold, or the path of a schema file.
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
        raise InvalidError(
            "only a verdict on a data version is recorded: record the data first, hw.dataset(...)"
        )
    wanted = schema if isinstance(schema, Schema) else Schema.read(schema)
    others = {
        comparison: _reference(other, into)
        for comparison, other in ((Comparison.DRIFT, previous), (Comparison.SKEW, serving))
        if other is not None
    }
    pairs = [(p.left, p.right) for p in wanted.pairings]
    with ExitStack() as stack:
        if isinstance(data, Statistics):
            looked = _Looked(measured=data)
        else:
            table = stack.enter_context(opened(data))
            looked = _look(table, wanted, others, slices, pairs)
    verdict = _judge(_name(data), looked, wanted, others, environment)
    if into is None or not isinstance(data, StoredData):
        return verdict
    return replace(verdict, recorded=record(into, data.data_version, verdict, others))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What was seen of a table, while it was open."""

    measured: Statistics
    evidence: Mapping[Subject, Evidence] | None = None
    counts: Mapping[Comparison, Counts] | None = None


def _look(
    table: Table,
    schema: Schema,
    others: Mapping[Comparison, Reference],
    slices: Sequence[str | Sequence[str]],
    pairs: Sequence[tuple[str, str]],
) -> _Looked:
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
    subject: str,
    looked: _Looked,
    schema: Schema,
    others: Mapping[Comparison, Reference],
    environment: str | None,
) -> DataVerdict:
    measured, found = looked.measured, Findings(schema.severities)
    check_table(measured, schema, looked.evidence or {}, found, environment=environment)
    distances: list[Distance] = []
    for comparison, other in others.items():
        counts = looked.counts[comparison] if looked.counts is not None else None
        these = compare(measured, other.statistics, schema, comparison, counts)
        check_distances(measured, other.statistics, these, schema, comparison, found)
        distances += these
        if comparison is Comparison.DRIFT:
            check_growth(measured, other.statistics, schema, found)
    anomalies = sorted(found.anomalies, key=lambda a: a.severity is not Severity.ERROR)
    notes = () if Comparison.DRIFT in others else ("there is no version before to compare with",)
    return DataVerdict(
        subject=subject,
        outcome=outcome_of(anomalies, found.unjudged),
        anomalies=tuple(anomalies),
        distances=tuple(distances),
        unjudged=tuple(found.unjudged),
        notes=notes,
        statistics=measured,
        schema=schema,
        environment=environment,
        config_digest=_config_digest(schema, environment),
        references={str(comparison): other.statistics for comparison, other in others.items()},
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


def _config_digest(schema: Schema, environment: str | None) -> str:
    from headwater.blobs.digests import bytes_digest

    return bytes_digest(f"{environment or ''}\n{schema.to_yaml()}".encode())
