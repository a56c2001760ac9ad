"""The data gate: statistics, schemas, anomalies and drift, with verdicts in the graph."""

from headwater.validation.data.anomalies import Anomaly, AnomalyKind, Severity
from headwater.validation.data.comparing import Comparison, Distance, Metric
from headwater.validation.data.inference import infer_schema
from headwater.validation.data.measuring import statistics
from headwater.validation.data.recording import Records, newest_verdicts, stored_statistics
from headwater.validation.data.schema import (
    Column,
    Comparator,
    Domain,
    Limits,
    Method,
    Pairing,
    Presence,
    Proposal,
    Relation,
    Schema,
)
from headwater.validation.data.statistics import ColumnStatistics, Kind, Statistics, merge_all
from headwater.validation.data.validating import distances, validate
from headwater.validation.data.verdicts import DataVerdict
from headwater.validation.data.vouching import vouch_for

__all__ = [
    "Anomaly",
    "AnomalyKind",
    "Column",
    "ColumnStatistics",
    "Comparator",
    "Comparison",
    "DataVerdict",
    "Distance",
    "Domain",
    "Kind",
    "Limits",
    "Method",
    "Metric",
    "Pairing",
    "Presence",
    "Proposal",
    "Records",
    "Relation",
    "Schema",
    "Severity",
    "Statistics",
    "distances",
    "infer_schema",
    "merge_all",
    "newest_verdicts",
    "statistics",
    "stored_statistics",
    "validate",
    "vouch_for",
]
