"""The steps of a month: plain functions. Each call is a run, with what it reads, makes and measures."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import headwater as hw
from headwater.demo import estimator as est
from headwater.demo import features as feat
from headwater.demo.gate import GATE, INFRA, Hindsight, told
from headwater.demo.months import FIRST_SCORED, Month
from headwater.demo.months import windows as windows_of
from headwater.demo.schemas import schema_of
from headwater.demo.sources import SOURCE, flight_anomalies, flights_of, weather_anomalies, weather_of
from headwater.model.graph import Artifact
from headwater.model.ids import ArtifactId
from headwater.sdk import current

MODEL: Final = "late-flights"
RAW: Final = ("flights/2013-*", "weather/2013-*")
"""Names of the deliveries: the data gate judges these, and everything else is made from them."""


# What comes in, and what people decide, is no function of arguments: such steps are never reused.
@hw.step(cache=False)
def ingest_flights(month: str, folder: str = "") -> hw.Dataset:
    """Record the flights of a month as they came, with what is wrong in them."""
    flights = flights_of(Month.parse(month), folder)
    return hw.dataset(f"flights/{month}", flights, source=SOURCE, anomalies=flight_anomalies(flights))


@hw.step(cache=False)
def ingest_weather(month: str, delivery: int = 1, folder: str = "") -> hw.Dataset:
    """Record the weather of a month as it came; a second delivery mends the first."""
    weather = weather_of(Month.parse(month), delivery, folder)
    return hw.dataset(f"weather/{month}", weather, source=SOURCE, anomalies=weather_anomalies(weather))


@hw.step
def infer(name: str, deliveries: list[hw.Dataset]) -> hw.Dataset:
    """Write down what the first deliveries look like, as people have agreed on it."""
    schema = schema_of(name, [each.load("pandas") for each in deliveries])
    with tempfile.TemporaryDirectory() as folder:
        return hw.dataset(f"schemas/{name}", schema.write(Path(folder) / f"{name}.yaml"))


@hw.step
def validate(data: hw.Dataset, schema: hw.Dataset, previous: list[hw.Dataset]) -> Artifact:
    """Judge a delivery by its schema and by the month before; a refusal stops the month."""
    gate_of_data = current().get().data_gate
    verdict = gate_of_data.validate(data, schema.load(), previous=previous[0] if previous else None)
    verdict.raise_for_outcome()
    assert verdict.recorded
    return _artifact(verdict.recorded.verdict_id)


@hw.step
def join(month: str, flights: hw.Dataset, weather: hw.Dataset) -> hw.Dataset:
    """Put the weather of its scheduled hour beside every flight that arrived."""
    raw = flights.load("pandas")
    joined = feat.join(raw, weather.load("pandas"))
    run = hw.active_run()
    run.log_metric("without_label", len(raw) - len(joined))
    run.log_metric("without_weather", int(joined["temp"].isna().sum()))
    return hw.dataset(f"flights/joined/{month}", joined)


@hw.step
def features(month: str, joined: hw.Dataset) -> hw.Dataset:
    """Keep what is known in advance, and the label."""
    return hw.dataset(f"flights/features/{month}", feat.features_of(joined.load("pandas")))


@hw.step(cache=False)
def score(data: hw.Dataset, production: hw.ModelVersion) -> dict[str, Any]:
    """Compare what the version in production had said of the month's flights, once they have landed."""
    flights = data.load("pandas")
    risk = est.risks(hw.load_model(production.ref), flights)
    found = {"auc": est.auc(flights, risk), "late_share": float(flights[feat.LABEL].mean())}
    hw.active_run().log_metrics({**found, "flights": len(flights)})
    daily = est.daily_auc(flights, risk)
    # A day without an AUC is None: JSON has no NaN.
    by_day = {str(day): None if auc != auc else auc for day, auc in zip(daily.days, daily.auc, strict=True)}
    return {**found, "version": production.version, "auc_by_day": by_day}


@hw.step(cache=False)
def review(month: str, data: hw.Dataset, production: hw.ModelVersion) -> tuple[str, dict[str, Any]]:
    """Look back at the decision before the month, and take a promotion back that was a mistake.

    Returns:
        Reference of what is in production from now on; and of all that it could have been, version and AUC.
    """
    first, challenger = _trained_for(Month(FIRST_SCORED)), _trained_for(Month.parse(month))
    is_promoted = challenger.version == production.version != first.version
    before = hw.models[MODEL][_replaced_by(production)] if is_promoted else production
    versions = {"first": first, "before": before, "challenger": challenger}
    aucs = _aucs(data, versions)
    facts = {role: each.version for role, each in versions.items()}
    found: dict[str, Any] = {**facts, **{f"auc_{role}": auc for role, auc in aucs.items()}}
    hindsight = Hindsight(before=aucs["before"], challenger=aucs["challenger"], is_promoted=is_promoted)
    if not hindsight.is_regretted:
        return production.ref, found
    reason = (
        f"in {month} v{challenger.version} had AUC {hindsight.challenger:.3f}; "
        f"v{before.version}, which it replaced, would have had {hindsight.before:.3f}"
    )
    # A run that was killed right here has done it already when it is resumed.
    if hw.models[MODEL]["production"].version == challenger.version:
        hw.models[MODEL].rollback(reason=reason, version=before.version)
    return before.ref, {**found, "rollback": reason}


@hw.step
def cut(month: str, parts: list[hw.Dataset]) -> tuple[hw.Dataset, hw.Dataset]:
    """Cut out the days that a challenger for a month is trained on, and those that it is judged on."""
    train_days, holdout_days = windows_of(Month.parse(month))
    frames = [part.load("pandas") for part in parts]
    hw.active_run().log_params({"train": str(train_days), "holdout": str(holdout_days)})
    return (
        hw.dataset("flights/train", feat.window(frames, train_days)),
        hw.dataset("flights/holdout", feat.window(frames, holdout_days)),
    )


@hw.step
def train(month: str, data: hw.Dataset) -> hw.ModelVersion:
    """Train an estimator and register it as a version of the model."""
    run, flights = hw.active_run(), data.load("pandas")
    run.log_params(est.PARAMS)
    estimator = est.fit(flights)
    auc = est.auc(flights, est.risks(estimator, flights))
    run.log_metric("auc_train", auc)
    example = flights[feat.COLUMNS].head(3)
    metrics, tags = {"auc_train": auc}, {"month": month}
    return run.log_model(MODEL, estimator, input_example=example, metrics=metrics, tags=tags)


@hw.step
def evaluate(challenger: hw.ModelVersion, data: hw.Dataset, incumbent: str) -> dict[str, float]:
    """Measure the challenger and the version in production, as they are in the store, on the same flights."""
    rivals = {"challenger": challenger}
    if incumbent:
        rivals["production"] = hw.models[MODEL][_number(incumbent)]
    return _aucs(data, rivals)


@hw.step
def gate(challenger: hw.ModelVersion, data: hw.Dataset, incumbent: str) -> tuple[bool, str, Artifact]:
    """Hold the challenger against the version in production, on all flights and at each airport.

    Returns:
        Whether it passed; why, or why not; the verdict.
    """
    if incumbent:
        hw.active_run().use(incumbent, "production")
    with est.one_thread():
        judged = hw.judge(challenger.ref, gate=GATE, on=data)
    return judged.is_pass, told(judged.judgement), _artifact(judged.verdict.id)


@hw.step(cache=False)
def vouch(challenger: hw.ModelVersion) -> Artifact:
    """Tell what the data gate has said of all deliveries that the challenger was made from."""
    return _artifact(current().get().data_gate.vouch_for(challenger.ref, names=RAW).id)


@hw.step
def infra(challenger: hw.ModelVersion) -> Artifact:
    """Load the challenger in a fresh process, as whoever serves it would, and let it answer its example."""
    return _artifact(hw.judge_infra(challenger.ref, gate=INFRA).verdict.id)


@hw.step(cache=False)
def promote(
    challenger: hw.ModelVersion, reason: str, incumbent: str, approved: dict[str, Any], aucs: dict[str, float]
) -> str:
    """Put the challenger into production; the store refuses unless all verdicts are there."""
    model, evidence = hw.models[MODEL], {**aucs, "approved_by": approved["actor"]}
    holder = _number(incumbent) if incumbent else model.info().stages.get("production", 0)
    # A run that was killed right here has done it already when it is resumed.
    if model.info().stages.get("production") != challenger.version:
        # That it loads is what the gate `infra` has just shown.
        model.promote(challenger.version, reason=reason, evidence=evidence, expect_holder=holder, loads=False)
    model.set_tags(challenger.version, {"gate": "promote", "gate_reason": reason, "replaced": holder})
    return challenger.ref


@hw.step(cache=False)
def refuse(challenger: hw.ModelVersion, reason: str) -> str:
    """Write on the challenger why it is not in production."""
    hw.models[MODEL].set_tags(challenger.version, {"gate": "refuse", "gate_reason": reason})
    return challenger.ref


def _aucs(data: hw.Dataset, versions: Mapping[str, hw.ModelVersion]) -> dict[str, float]:
    """Measure versions by their role; the run has the numbers as `auc_ROLE`."""
    run, flights, found = hw.active_run(), data.load("pandas"), dict[str, float]()
    for role, version in versions.items():
        run.use(version, role)
        found[role] = est.auc(flights, est.risks(hw.load_model(version.ref), flights))
    run.log_metrics({f"auc_{role}": auc for role, auc in found.items()})
    return found


def _trained_for(month: Month) -> hw.ModelVersion:
    """Return the newest version that was trained for a month."""
    found = hw.models.search_versions(
        f"model = '{MODEL}' and tags.month = '{month}'", order_by="version desc"
    )
    return found[0]


def _replaced_by(version: hw.ModelVersion) -> int:
    replaced = version.tags["replaced"]
    assert isinstance(replaced, int)
    return replaced


def _number(ref: str) -> int:
    return int(ref.rpartition("/")[2])


def _artifact(artifact_id: ArtifactId) -> Artifact:
    return current().get().store.artifacts.get([artifact_id])[0]
