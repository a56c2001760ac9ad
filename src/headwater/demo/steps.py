"""The steps of the year. Each is one run, which says what it reads, what it makes, and how well it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headwater.demo import estimator as est
from headwater.demo.features import COLUMNS, LABEL, join, window
from headwater.demo.libraries import Frame
from headwater.demo.months import Month, midnight_ms, windows
from headwater.demo.sources import SOURCE, Sources, flight_anomalies, weather_anomalies
from headwater.model.models import ModelVersion
from headwater.sdk.client import Client
from headwater.tracking import Dataset

MODEL: Final = "late-flights"
YEAR_RUN: Final = "flights/year"
"""The run around all others."""
FEATURES, WINDOWS, TRAIN = "flights/features", "flights/windows", "flights/train"
EVALUATE, SCORE, REVIEW = "flights/evaluate", "flights/score", "flights/review"
"""Experiments, one per step; a run's name is its month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A frame, and the data version that it is in the store."""

    frame: Frame
    version: Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a month went for the version that was in production."""

    late_share: float
    auc: float
    daily: est.Daily


def record_weather(client: Client, sources: Sources) -> Data:
    """Record the weather. A file is a data version, too."""
    version = client.dataset(
        "weather",
        sources.weather_file,
        source=SOURCE,
        anomalies={**weather_anomalies(sources.weather)},
    )
    return Data(frame=sources.weather, version=version)


def record_flights(client: Client, sources: Sources, month: Month) -> Data:
    """Record the flights of a month as they came, with what is wrong in them."""
    flights = sources.flights_of(month)
    version = client.dataset(
        f"flights/{month}", flights, source=SOURCE, anomalies={**flight_anomalies(flights)}
    )
    return Data(frame=flights, version=version)


def make_features(client: Client, month: Month, flights: Data, weather: Data) -> Data:
    """Join the flights of a month with the weather."""
    frame = join(flights.frame, weather.frame)
    features = client.dataset(f"flights/features/{month}", frame)
    if not _has_maker(client, features):
        with client.run(FEATURES, name=str(month)) as run:
            run.use(flights.version)
            run.use(weather.version)
            run.log_metric("without_label", len(flights.frame) - len(frame))
            run.log_metric("without_weather", int(frame["temp"].isna().sum()))
            run.log_dataset(features)
    return Data(frame=frame, version=features)


def make_windows(client: Client, month: Month, features: Mapping[Month, Data]) -> tuple[Data, Data]:
    """Cut out the days that a challenger for a month is trained on, and those that it is judged on."""
    train_days, holdout_days = windows(month)
    parts = [features[part] for part in {**dict.fromkeys(train_days.months() + holdout_days.months())}]
    frames = [part.frame for part in parts]
    train, holdout = window(frames, train_days), window(frames, holdout_days)
    made = client.dataset("flights/train", train), client.dataset("flights/holdout", holdout)
    if not all(_has_maker(client, each) for each in made):
        params = {"train": str(train_days), "holdout": str(holdout_days)}
        with client.run(WINDOWS, name=str(month), params=params) as run:
            for part in parts:
                run.use(part.version)
            for each in made:
                run.log_dataset(each)
    return Data(frame=train, version=made[0]), Data(frame=holdout, version=made[1])


def train(client: Client, month: Month, data: Data) -> ModelVersion:
    """Train an estimator and register it as a version of the model."""
    with client.run(TRAIN, name=str(month), params=est.PARAMS) as run:
        run.use(data.version)
        estimator = est.fit(data.frame)
        auc = est.auc(data.frame, est.risks(estimator, data.frame))
        run.log_metric("auc_train", auc)
        example = data.frame[COLUMNS].head(3)
        return run.log_model(MODEL, estimator, input_example=example, metrics={"auc_train": auc})


def compare(
    client: Client, experiment: str, month: Month, data: Data, versions: Mapping[str, ModelVersion]
) -> dict[str, float]:
    """Measure some versions, as they are in the store, on the same flights.

    Args:
        client: The store.
        experiment: `EVALUATE` before a month, `REVIEW` after it.
        month: The month.
        data: The flights.
        versions: Versions by their role; one version may have several.

    Returns:
        AUC by role. The run has them as `auc_ROLE`, and the version numbers as params.
    """
    numbers = {role: version.version for role, version in versions.items()}
    with client.run(experiment, name=str(month), params=numbers) as run:
        run.use(data.version)
        aucs: dict[str, float] = {}
        for role, version in versions.items():
            run.use(version, role)
            estimator = client.load_model(version.ref)
            aucs[role] = est.auc(data.frame, est.risks(estimator, data.frame))
        run.log_metrics({f"auc_{role}": auc for role, auc in aucs.items()})
    return aucs


def score(client: Client, month: Month, data: Data) -> Score:
    """Score the flights of a month with the version in production, and compare once they have landed."""
    version = client.models[MODEL]["production"]
    with client.run(SCORE, name=str(month), params={"version": version.version}) as run:
        run.use(version)
        run.use(data.version)
        risk = est.risks(client.load_model(version.ref), data.frame)
        found = Score(
            late_share=float(data.frame[LABEL].mean()),
            auc=est.auc(data.frame, risk),
            daily=est.daily_auc(data.frame, risk),
        )
        run.log_metrics({"auc": found.auc, "late_share": found.late_share, "flights": len(data.frame)})
        days = found.daily.days
        run.log_series("auc_daily", [d.day for d in days], found.daily.auc, [midnight_ms(d) for d in days])
    return found


def training_data(client: Client, version: ModelVersion) -> str:
    """Return the reference of the data that a version was trained on, by its lineage."""
    nearest = client.lineage(version.ref).upstream(max_hops=2).graph.artifacts
    (data,) = client.store.data.by_artifact_ids([artifact.id for artifact in nearest])
    return data.ref


def _has_maker(client: Client, data: Dataset) -> bool:
    """Tell whether some run made a data version: content that is there already need not be made again."""
    return bool(client.lineage(data.ref).upstream(max_hops=1).graph.executions)
