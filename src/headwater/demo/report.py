"""What the year was, read back from the store and from nowhere else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from headwater.demo.months import Month, needed_months, scored_months
from headwater.demo.steps import MODEL
from headwater.ledger import Verification, all_records, verify
from headwater.model.data import DataVersion
from headwater.model.ledger import LedgerEntry
from headwater.model.refs import ModelRef
from headwater.model.runs import Run
from headwater.pipelines.events import StepState
from headwater.provenance.difference import Difference
from headwater.provenance.missing import Missing
from headwater.sdk.client import Client

WEEK_DAYS: Final = 7
SUMMER: Final = "2013-07"
_BARS: Final = "▁▂▃▄▅▆▇█"
_DAILY: Final = "auc_daily"
_MONTHLY: Final = (
    *("auc", "auc_before", "auc_challenger", "auc_first", "late_share", "gain", "passed"),
    *("production", "before", "challenger", "first"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """One month, as its runs have recorded it.

    Attributes:
        month: Such as `2013-03`.
        late_share: Share of them that were late.
        production: Version in production that month.
        auc: Its AUC.
        before: Version that was in production before the gate.
        auc_before: AUC that it would have had.
        challenger: Version that was trained for the month.
        auc_challenger: AUC that it had or would have had.
        auc_first: AUC that the year's first version would have had.
        gain: By how much the challenger won on the 14 days before the month; NaN for the first.
        decision: What became of the challenger: `promote` or `refuse`; `start` for the year's first.
    """

    month: str
    late_share: float
    production: int
    auc: float
    before: int
    auc_before: float
    challenger: int
    auc_challenger: float
    auc_first: float
    gain: float
    decision: str

    @property
    def hindsight(self) -> float:
        """What the gate's decision was worth in the month: AUC won, or lost, against the other decision."""
        won = self.auc_challenger - self.auc_before
        return -won if self.decision == "refuse" else won


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was in production at a moment, as the store tells now.

    Attributes:
        month: The month that was being scored.
        moment: When that was; the year passes in a minute or two.
        version: What was in production.
    """

    month: str
    moment: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What the pipeline did.

    Attributes:
        runs: Its runs, one a month.
        states: How many steps ended how.
        again: Steps that ran more than once, as `RUN STEP`, and why.
    """

    runs: tuple[str, ...]
    states: Mapping[StepState, int]
    again: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearReport:
    """What is in the store about one year.

    Attributes:
        run: The run around all others.
        rows: The months that were scored, in order.
        worked: What the pipeline did.
        decisions: Promotions and rollbacks of the year, in order.
        weekly_auc: AUC of the versions in production by week; None where there was none.
        tree: Lineage of the version in production, as lines.
        commit: Commit that the year ran from, or None.
        has_patch: There were changes to that commit, and the run has them.
        deliveries: The raw flights, a data version a month.
        first: The year's first version.
        last: The version that is in production in the end.
        difference: What differs between the histories of these two.
        missing: What the record of the last one lacks.
        summer: A month in summer, and what was in production when it was scored.
        ledger: What checking all decisions has found.
    """

    run: Run
    rows: Sequence[MonthRow]
    worked: Worked
    decisions: Sequence[LedgerEntry]
    weekly_auc: Sequence[float | None]
    tree: Sequence[str]
    commit: str | None
    has_patch: bool
    deliveries: Sequence[DataVersion]
    first: str
    last: str
    difference: Difference
    missing: Missing
    summer: Standing
    ledger: Verification

    @property
    def rollbacks(self) -> list[LedgerEntry]:
        """The decisions that took another one back."""
        return [entry for entry in self.decisions if entry.action == "rollback"]


def read_year(client: Client, run_id: str) -> YearReport:
    """Read what the store has about a year.

    Args:
        client: The store.
        run_id: Id of the run around all others.
    """
    year = client.get_run(run_id)
    commit = year.properties.get("git_commit")
    first = _first_version(client, year)
    last = client.models[MODEL]["production"].ref
    return YearReport(
        run=year,
        rows=_rows(client, year),
        worked=_worked(client, year),
        decisions=_decisions(client, year),
        weekly_auc=_weekly_auc(client, year),
        tree=client.lineage(f"models/{MODEL}@production").upstream().lines(),
        commit=commit if isinstance(commit, str) else None,
        has_patch="git_diff_digest" in year.properties,
        deliveries=_deliveries(client, year),
        first=first,
        last=last,
        difference=client.lineage(first).diff(last, rows=True),
        missing=client.lineage(last).missing(),
        summer=_summer(client, year),
        ledger=verify(all_records(client.store.ledger.records)),
    )


def bars(values: Sequence[float | None], low: float, high: float) -> str:
    """Draw values as a row of bars, blank where there is none.

    Example:
        >>> bars([0.5, None, 0.75, 1.0], 0.5, 1.0)
        '▁ ▅█'
    """
    span = max(high - low, 1e-9)
    steps = [None if v is None else round((v - low) / span * (len(_BARS) - 1)) for v in values]
    return "".join(" " if s is None else _BARS[min(max(s, 0), len(_BARS) - 1)] for s in steps)


def _rows(client: Client, year: Run) -> list[MonthRow]:
    """Read a row a month out of the series of the year."""
    series = {key: _monthly(client, year, key) for key in _MONTHLY}
    return [_row(Month(number), {key: series[key][number] for key in _MONTHLY}) for number in series["auc"]]


def _monthly(client: Client, year: Run, key: str) -> dict[int, float]:
    points = client.store.series.read(year.id, key)
    return dict(zip(map(int, points.steps), map(float, points.values), strict=True))


def _row(month: Month, found: dict[str, float]) -> MonthRow:
    is_first = found["gain"] != found["gain"]
    return MonthRow(
        month=str(month),
        late_share=found["late_share"],
        production=int(found["production"]),
        auc=found["auc"],
        before=int(found["before"]),
        auc_before=found["auc_before"],
        challenger=int(found["challenger"]),
        auc_challenger=found["auc_challenger"],
        auc_first=found["auc_first"],
        gain=found["gain"],
        decision="start" if is_first else "promote" if found["passed"] else "refuse",
    )


def _first_version(client: Client, year: Run) -> str:
    first = _monthly(client, year, "first")
    return str(ModelRef(MODEL, int(first[min(first)])))


def _summer(client: Client, year: Run) -> Standing:
    months = sorted(str(row.month) for row in _rows(client, year))
    month = max((m for m in months if m <= SUMMER), default=min(months))
    (scored,) = [each for each in client.pipelines.steps(_runs(year)[month]) if each.step == "score"]
    moment = datetime.fromtimestamp((scored.start_ms or 0) / 1000, UTC)
    return Standing(month=month, moment=moment, version=client.at(moment).models[MODEL]["production"].version)


def _runs(year: Run) -> dict[str, str]:
    """Return the runs of the pipeline, by month."""
    found = year.tags.get("runs")
    return {str(month): str(ref) for month, ref in found.items()} if isinstance(found, dict) else {}


def _worked(client: Client, year: Run) -> Worked:
    views = {ref: client.pipelines.steps(ref) for ref in _runs(year).values()}
    again = [(ref, step.step) for ref, steps in views.items() for step in steps if step.attempts > 1]
    return Worked(
        runs=tuple(views),
        states=Counter(step.state for steps in views.values() for step in steps),
        again={f"{ref} {step}": client.pipelines.why(ref, step).sentence for ref, step in again},
    )


def _deliveries(client: Client, year: Run) -> list[DataVersion]:
    months = needed_months(scored_months(_number(year, "months")))
    return [client.store.data.version(f"flights/{month}") for month in months]


def _decisions(client: Client, year: Run) -> list[LedgerEntry]:
    moves = {"promote", "rollback"}
    history = client.models[MODEL].history()
    return [entry for entry in history if entry.time_ms >= year.start_ms and entry.action in moves]


def _weekly_auc(client: Client, year: Run) -> list[float | None]:
    points = client.store.series.read(year.id, _DAILY)
    if not len(points):
        return []
    weeks = (points.steps[-1] - points.steps[0]) // WEEK_DAYS + 1
    buckets = client.store.series.buckets(year.id, _DAILY, count=weeks)
    return [bucket.mean for bucket in buckets]


def anomaly(delivery: DataVersion, name: str) -> int:
    """Return how many rows of a delivery have an anomaly."""
    found = delivery.properties.get("anomalies")
    count = found.get(name) if isinstance(found, dict) else None
    return count if isinstance(count, int) else 0


def _number(run: Run, key: str) -> int:
    value = run.params[key]
    assert isinstance(value, int)
    return value
