"""The year: what is decided before each month, and what turns out when its flights have landed."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Protocol

from headwater.demo import steps
from headwater.demo.gate import MARGIN, Hindsight, Judgement
from headwater.demo.months import FIRST_SCORED, YEAR, Month, midnight_ms, needed_months
from headwater.demo.sources import Sources
from headwater.demo.steps import MODEL, Data, Score
from headwater.model.models import ModelVersion
from headwater.sdk.client import Client
from headwater.tracking import ActiveRun

_NEW_YEAR: Final = date(YEAR, 1, 1)


class Narrator(Protocol):
    """Who tells how far the year has come."""

    def doing(self, what: str) -> None:
        """One more step begins; `step_count` of them make a year."""
        ...

    def say(self, text: str) -> None:
        """Something has happened."""
        ...


def step_count(months: Sequence[Month]) -> int:
    """Return how many steps it takes to live through some months."""
    return len(list(needed_months(months))) + 1 + 2 * len(months)


class Story:
    """One pass through the year, on a store that may have seen others.

    Args:
        client: The store.
        sources: Flights and weather.
        narrator: Is told what happens.
    """

    def __init__(self, client: Client, sources: Sources, narrator: Narrator) -> None:
        self._client, self._sources, self._narrator = client, sources, narrator
        self._model = client.models[MODEL]
        self._weather = steps.record_weather(client, sources)
        self._features: dict[Month, Data] = {}

    def live_through(self, months: Sequence[Month]) -> str:
        """Score months, with a decision before each and a review after it.

        Args:
            months: In order, from March on.

        Returns:
            Id of the run around all others.
        """
        params = {"months": len(months), "margin": MARGIN}
        with self._client.run(steps.YEAR_RUN, name=str(YEAR), params=params) as year:
            for month in needed_months([Month(FIRST_SCORED - 1)]):
                self._receive(month)
            first = self._begin()
            for month in months:
                self._live(month, year, first)
        return year.run_id

    def _receive(self, month: Month) -> None:
        """Take in the flights of a month."""
        self._narrator.doing(f"{month}: flights come in")
        flights = steps.record_flights(self._client, self._sources, month)
        self._features[month] = steps.make_features(self._client, month, flights, self._weather)

    def _begin(self) -> ModelVersion:
        """Put the year's first version into production."""
        month = Month(FIRST_SCORED)
        self._narrator.doing(f"{month}: training the first version")
        train, holdout = steps.make_windows(self._client, month, self._features)
        first = steps.train(self._client, month, train)
        found = steps.compare(self._client, steps.EVALUATE, month, holdout, {"first": first})
        why = f"start of the year {YEAR}: AUC {found['first']:.3f} on days that it had not seen"
        self._model.promote(first.version, reason=why, evidence={"auc": found["first"]})
        if first.version > 1:
            self._narrator.say(
                f"{first.version - 1} versions are there already, of other years or of one cut short"
            )
        self._narrator.say(f"{month}  start   v{first.version}: {why}")
        return first

    def _live(self, month: Month, year: ActiveRun, first: ModelVersion) -> None:
        """Decide before a month, score it, and look back."""
        before = self._model["production"]
        challenger, judgement = self._decide(month, before)
        self._receive(month)
        self._narrator.doing(f"{month}: scoring")
        found = steps.score(self._client, month, self._features[month])
        _log_month(year, month, found)
        self._review(month, judgement, {"first": first, "before": before, "challenger": challenger})

    def _decide(self, month: Month, before: ModelVersion) -> tuple[ModelVersion, Judgement]:
        """Train a challenger and let it into production if it wins."""
        self._narrator.doing(f"{month}: training a challenger")
        train, holdout = steps.make_windows(self._client, month, self._features)
        challenger = steps.train(self._client, month, train)
        rivals = {"production": before, "challenger": challenger}
        aucs = steps.compare(self._client, steps.EVALUATE, month, holdout, rivals)
        is_same = steps.training_data(self._client, before) == train.version.ref
        judgement = Judgement(**aucs, same_data=train.version.ref if is_same else None)
        self._apply(judgement, before, challenger)
        self._narrator.say(f"{month}  {judgement.decision:8}v{challenger.version}: {judgement.reason}")
        return challenger, judgement

    def _apply(self, judgement: Judgement, before: ModelVersion, challenger: ModelVersion) -> None:
        """Write the decision down: on the version, so that a refused one says why, and in the ledger."""
        if judgement.is_promoted:
            self._model.promote(
                challenger.version,
                reason=judgement.reason,
                evidence={"production": judgement.production, "challenger": judgement.challenger},
                expect_holder=before.version,
            )
        tags = {
            "gate": judgement.decision,
            "gate_reason": judgement.reason,
            "auc_holdout": judgement.challenger,
        }
        self._model.set_tags(challenger.version, tags)

    def _review(self, month: Month, judgement: Judgement, versions: dict[str, ModelVersion]) -> None:
        """Measure the other versions on the month, and take a promotion back that was a mistake."""
        aucs = steps.compare(self._client, steps.REVIEW, month, self._features[month], versions)
        hindsight = Hindsight(before=aucs["before"], challenger=aucs["challenger"])
        if not hindsight.is_regretted(judgement):
            return
        before, challenger = versions["before"], versions["challenger"]
        reason = (
            f"in {month} v{challenger.version} had AUC {hindsight.challenger:.3f}; "
            f"v{before.version}, which it replaced, would have had {hindsight.before:.3f}"
        )
        self._model.rollback(reason=reason)
        self._narrator.say(f"{month}  rollback to v{before.version}: {reason}")


def _log_month(year: ActiveRun, month: Month, found: Score) -> None:
    """Add a month to the series of the year: a point a month, and one a day."""
    monthly = {"auc": found.auc, "late_share": found.late_share}
    year.log_metrics(monthly, step=month.number, timestamp=month.end_ms)
    days = found.daily.days
    steps_of_year = [(day - _NEW_YEAR).days + 1 for day in days]
    year.log_series("auc_daily", steps_of_year, found.daily.auc, [midnight_ms(day) for day in days])
