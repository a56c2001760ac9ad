"""Judging a version in a store, and keeping the verdict there with all that it rests on."""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

from headwater.errors import InvalidError
from headwater.fingerprints import fingerprint
from headwater.formats import load_stored
from headwater.model.models import PRODUCTION, ModelVersion
from headwater.model.protocols import BlobStore, Store
from headwater.model.refs import ModelRef, parse_ref
from headwater.model.verdicts import Exhibit, NewVerdict, Verdict
from headwater.validation.model.curves import curves_json
from headwater.validation.model.estimates import Estimate
from headwater.validation.model.evaluation import Evaluation, Plan, measure, sample_for
from headwater.validation.model.gates import Gate, gate_values
from headwater.validation.model.judgements import Judgement
from headwater.validation.model.judging import hold
from headwater.validation.model.report import judgement_html, measures_json
from headwater.validation.model.samples import Answers, Sample, ask, features_of

_ARRAY_COLUMN: Final = "x0"
"""What a signature calls the first column of a matrix, whose columns have no names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where versions are, and who judges them."""

    store: Store
    blobs: BlobStore
    actor: str


class RecordedData(Protocol):
    """A data version that can be read, such as what `hw.dataset` returns."""

    @property
    def ref(self) -> str:
        """Its reference, such as `data/flights/2`."""
        ...

    @property
    def digest(self) -> str:
        """Digest of its content."""
        ...

    def load(self, library: str | None = None) -> Any:
        """Return its frame."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A judgement, and the verdict that was stored of it."""

    verdict: Verdict
    judgement: Judgement

    @property
    def is_pass(self) -> bool:
        """Tell whether the gate lets the version through."""
        return self.verdict.outcome == "pass"

    def __str__(self) -> str:
        return str(self.judgement)

    def _repr_html_(self) -> str:
        return judgement_html(self.judgement)


def version_named(store: Store, ref: str) -> ModelVersion:
    """Return the version that a reference such as `models/late-flights/3` names.

    Raises:
        InvalidError: it is no reference to a version of a model.
        NotFoundError: there is no such version.
    """
    parsed = parse_ref(ref)
    if not isinstance(parsed, ModelRef) or (parsed.version is None and parsed.label is None):
        raise InvalidError(f"{ref!r} is not a version: write models/NAME/VERSION or models/NAME@STAGE")
    if parsed.version is not None:
        return store.models.version(parsed.name, parsed.version)
    return store.models.resolve(parsed.name, parsed.label or PRODUCTION)


def judge(
    place: Place,
    ref: str,
    *,
    on: RecordedData,
    gate: Gate,
    frame: Any = None,
    stage: str = PRODUCTION,
) -> Judged:
    """Judge a version on a data version, against the version in production, and store the verdict.

    Args:
        place: Where the version is.
        ref: Reference of the version.
        on: The data version to judge on.
        gate: What is asked for.
        frame: Its content, where it is at hand; else it is loaded.
        stage: The stage whose present holder is the baseline.

    Returns:
        The judgement and the stored verdict. Its evaluation has the version, the baseline and the data
        as inputs; the verdict, the gate, the measures and the curves are outputs.

    Raises:
        NotFoundError, CorruptError, RefusedError: a version is not there or does not load.
        InvalidError: the data lack a column that the gate or a model needs, or the frame is not the
            content of the data version.
    """
    judged = version_named(place.store, ref)
    baseline, why = baseline_of(place.store, judged, stage)
    evaluation = _measured(place, judged, baseline, _content(on, frame), gate)
    judgement = hold(gate, evaluation, why_no_baseline=why)
    new = NewVerdict(
        model=judged.model,
        version=judged.version,
        gate=gate.name,
        outcome=judgement.outcome,
        actor=place.actor,
        summary=judgement.summary,
        facts=judgement.facts(),
        config_digest=gate.digest,
        baseline=None if baseline is None else baseline.version,
        data=(on.ref,),
        exhibits=tuple(_exhibits(place.blobs, gate, evaluation)),
    )
    return Judged(verdict=place.store.releases.add_verdict(new), judgement=judgement)


def baseline_of(store: Store, judged: ModelVersion, stage: str) -> tuple[ModelVersion | None, str]:
    """Return the version that holds a stage now, and if none can be compared with, why.

    It is what the store says, never the version that was trained last.
    """
    holder = store.models.get(judged.model).stages.get(stage)
    if holder is None:
        return None, f"no version of {judged.model} is in {stage}"
    if holder == judged.version:
        return None, f"{judged.ref} is itself in {stage}"
    return store.models.version(judged.model, holder), ""


def evaluate_version(
    place: Place, ref: str, *, on: RecordedData, gate: Gate, frame: Any = None, stage: str = PRODUCTION
) -> Evaluation:
    """Measure a version and the one in production as `judge` does, and store nothing; see there."""
    judged = version_named(place.store, ref)
    baseline, _ = baseline_of(place.store, judged, stage)
    return _measured(place, judged, baseline, _content(on, frame), gate)


def _content(on: RecordedData, frame: Any) -> Any:
    """Return what is in a data version; a frame that is given has to be that."""
    if frame is None:
        return on.load("pandas")
    if fingerprint(frame).digest != on.digest:
        raise InvalidError(f"the frame is not the content of {on.ref}: leave it out, or record it first")
    return frame


def _measured(
    place: Place, judged: ModelVersion, baseline: ModelVersion | None, data: Any, gate: Gate
) -> Evaluation:
    plan = gate.plan
    versions = [judged] if baseline is None else [judged, baseline]
    models = [load_stored(place.blobs, each) for each in versions]
    sample = sample_for(plan, data, models)
    pairs = zip(versions, models, strict=True)
    return measure(
        sample,
        [_asked(version, model, data, sample, plan) for version, model in pairs],
        plan,
        metrics=gate.metrics,
        slices=gate.slices,
        observed={"size_bytes": (_size(judged), None if baseline is None else _size(baseline))},
    )


def _asked(version: ModelVersion, model: object, data: Any, sample: Sample, plan: Plan) -> Answers:
    """Ask a model for what its signature names; two versions may take different columns."""
    named = plan.features or _inputs(version)
    is_matrix = bool(named) and named[0] == _ARRAY_COLUMN and not plan.features
    features = features_of(data, () if is_matrix else named, apart=(plan.target, plan.weight, plan.group))
    given = features.to_numpy() if is_matrix else features
    return ask(model, given, sample, threshold=plan.threshold, batch_rows=plan.batch_rows)


def _inputs(version: ModelVersion) -> tuple[str, ...]:
    signature = version.properties.get("signature")
    columns = signature.get("inputs") if isinstance(signature, dict) else None
    found = columns if isinstance(columns, list) else []
    return tuple(str(each.get("name")) for each in found if isinstance(each, dict))


def _size(version: ModelVersion) -> Estimate:
    if version.size_bytes is None:
        return Estimate.undefined(f"{version.ref} was registered without a size")
    return Estimate.exact(float(version.size_bytes))


def _exhibits(blobs: BlobStore, gate: Gate, evaluation: Evaluation) -> list[Exhibit]:
    """Put the gate, the measures and the curves into the blob store."""
    files = {
        "gate": json.dumps(gate_values(gate), sort_keys=True).encode(),
        "measures": json.dumps(measures_json(evaluation), ensure_ascii=False).encode(),
        **curves_json(evaluation.curves),
    }
    found = {name: blobs.put_bytes(data) for name, data in files.items()}
    return [
        Exhibit(name=name, digest=blob.digest, size_bytes=blob.size_bytes) for name, blob in found.items()
    ]
