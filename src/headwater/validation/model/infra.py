"""The infra gate: a saved model loads in a fresh process and answers its example, within limits."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from headwater.errors import CorruptError, InvalidError, NotFoundError
from headwater.formats.fresh_process import MIB, Limits, Trial, try_model
from headwater.model.models import ModelVersion
from headwater.model.values import Json
from headwater.model.verdicts import NewVerdict, Outcome, Verdict
from headwater.validation.model.gates import digest_of
from headwater.validation.model.verdicts import Place, version_named

MAX_NAMED: Final = 20
"""Differing packages that a verdict names; of more it gives the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfraGate:
    """What loading and answering may take.

    Attributes:
        timeout_s: Longest time from the start of the process to its answer.
        memory_bytes: Most resident memory, interpreter and libraries included.
        any_environment: Let other versions of the packages that load the model through; they are named.
            Otherwise nothing is proven of the recorded environment.
        python: The interpreter to start, such as that of the model's own environment.
        name: Name of its verdicts.
    """

    timeout_s: float = 60
    memory_bytes: int = 4_096 * MIB
    any_environment: bool = False
    python: str | None = None
    name: str = "infra"

    def __post_init__(self) -> None:
        """Check that the limits are above 0."""
        if self.timeout_s <= 0 or self.memory_bytes <= 0:
            raise InvalidError("timeout_s and memory_bytes must be above 0")

    @property
    def digest(self) -> str:
        """Digest of all settings."""
        return digest_of(infra_values(self))


def infra_values(gate: InfraGate) -> dict[str, Json]:
    """Return an infra gate as plain values."""
    return {
        "kind": "infra",
        "name": gate.name,
        "timeout_s": float(gate.timeout_s),
        "memory_bytes": gate.memory_bytes,
        "any_environment": gate.any_environment,
        "python": gate.python,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A package whose recorded version is not the present one; None: it is not there."""

    package: str
    recorded: str | None
    present: str | None

    def __str__(self) -> str:
        return f"{self.package} {self.recorded} is now {self.present or 'not installed'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InfraJudged:
    """What became of a version, and the verdict that was stored of it.

    Attributes:
        differences: Among the packages that load the model.
    """

    verdict: Verdict
    trial: Trial
    differences: tuple[Difference, ...]

    @property
    def is_pass(self) -> bool:
        """Tell whether the gate lets the version through."""
        return self.verdict.outcome is Outcome.PASS

    def __str__(self) -> str:
        return f"Gate {self.verdict.gate}: {self.verdict.outcome}. {self.verdict.summary}"


def judge_infra(place: Place, ref: str, *, gate: InfraGate | None = None) -> InfraJudged:
    """Try a version in a fresh process, and store the verdict.

    Args:
        place: Where the version is.
        ref: Reference of the version.
        gate: The limits.

    Returns:
        The stored verdict with what it rests on. A model that does not load, crashes, hangs, takes too
        much memory or gives an odd answer is a stored fail, never an exception.

    Raises:
        NotFoundError: there is no such version.
    """
    gate = gate or InfraGate()
    version = version_named(place.store, ref)
    recorded = _recorded(version)
    everything = _environment(place, version)
    trial = _tried(place, version, gate, [*{**everything, **recorded}])
    differences = _differences(recorded, trial.versions)
    others = _differences(
        {name: found for name, found in everything.items() if name not in recorded}, trial.versions
    )
    outcome, summary = _outcome(gate, version, trial, differences)
    new = NewVerdict(
        model=version.model,
        version=version.version,
        gate=gate.name,
        outcome=outcome,
        actor=place.actor,
        summary=summary,
        facts=_facts(trial, differences, others),
        config_digest=gate.digest,
    )
    stored = place.store.releases.add_verdict(new)
    return InfraJudged(verdict=stored, trial=trial, differences=differences)


def _tried(place: Place, version: ModelVersion, gate: InfraGate, packages: list[str]) -> Trial:
    format_name = version.properties.get("format")
    if version.digest is None or not isinstance(format_name, str):
        return Trial(fault=f"it was registered without its bytes, which are at {version.uri!r}")
    limits = Limits(timeout_s=gate.timeout_s, memory_bytes=gate.memory_bytes, python=gate.python)
    with tempfile.TemporaryDirectory(prefix="headwater-model-") as folder:
        try:
            fetched = place.blobs.fetch(version.digest, Path(folder) / "model")
        except (NotFoundError, CorruptError) as error:
            return Trial(fault=str(error))
        trial = try_model(
            fetched,
            format_name,
            limits=limits,
            example=_example(version),
            inputs=_columns(version, "inputs"),
            packages=packages,
        )
    return replace(trial, fault=trial.fault or _odd_shape(version, trial))


def _outcome(
    gate: InfraGate, version: ModelVersion, trial: Trial, differences: tuple[Difference, ...]
) -> tuple[Outcome, str]:
    if trial.fault:
        return Outcome.FAIL, f"{version.ref} does not load and answer: {trial.fault}"
    named = ", ".join(map(str, differences[:MAX_NAMED]))
    if _example(version) is None:
        why = "it has no input example to answer: log it with input_example"
        return Outcome.INSUFFICIENT, f"{version.ref} loads, but {why}"
    if differences and not gate.any_environment:
        why = f"not in its recorded environment: {named}"
        return Outcome.INSUFFICIENT, f"{version.ref} loads and answers, but {why}"
    told = f"{version.ref} loads and answers"
    if trial.load_s is not None and trial.answer_s is not None:
        told += f" in {trial.load_s + trial.answer_s:.2f} s"
    if trial.peak_bytes is not None:
        told += f" with {trial.peak_bytes / MIB:,.0f} MiB"
    return Outcome.PASS, f"{told}; {named}" if named else told


def _facts(
    trial: Trial, differences: tuple[Difference, ...], others: tuple[Difference, ...]
) -> dict[str, Json]:
    found: dict[str, Json] = {
        "load_s": trial.load_s,
        "answer_s": trial.answer_s,
        "peak_bytes": trial.peak_bytes,
        "answer": None if trial.answer is None else dict(trial.answer),
        "differences": [str(each) for each in differences],
        "other_differences": [str(each) for each in others[:MAX_NAMED]],
        "other_difference_count": len(others),
    }
    if trial.fault:
        found["fault"] = trial.fault
    return found


def _odd_shape(version: ModelVersion, trial: Trial) -> str:
    """Say in what the answer is not what the signature promises."""
    outputs, shape = _columns(version, "outputs"), trial.answer and trial.answer["shape"]
    if not outputs or not isinstance(shape, list):
        return ""
    width = shape[1] if len(shape) > 1 else 1
    if width == len(outputs):
        return ""
    return f"the answer has {width} columns, the signature {len(outputs)}"


def _differences(recorded: Mapping[str, str], present: Mapping[str, str | None]) -> tuple[Difference, ...]:
    return tuple(
        Difference(package=name, recorded=version, present=present[name])
        for name, version in sorted(recorded.items())
        if name in present and present[name] != version
    )


def _recorded(version: ModelVersion) -> dict[str, str]:
    """Return the versions of what loads the model, as its format wrote them down."""
    facts = version.properties.get("facts")
    versions = facts.get("versions") if isinstance(facts, dict) else None
    return {name: str(found) for name, found in versions.items()} if isinstance(versions, dict) else {}


def _environment(place: Place, version: ModelVersion) -> dict[str, str]:
    """Return all packages that the run had that made the version; none where that is unknown."""
    if version.execution_id is None:
        return {}
    for run in place.store.executions.get([version.execution_id]):
        digest = run.properties.get("packages_digest")
        if isinstance(digest, str):
            found = json.loads(place.blobs.read(digest))
            return {str(name): str(each) for name, each in found.items()}
    return {}


def _example(version: ModelVersion) -> list[Any] | None:
    found = version.properties.get("input_example")
    return found if isinstance(found, list) and found else None


def _columns(version: ModelVersion, end: str) -> list[dict[str, Json]]:
    signature = version.properties.get("signature")
    columns = signature.get(end) if isinstance(signature, dict) else None
    found = columns if isinstance(columns, list) else []
    return [cast("dict[str, Json]", each) for each in found if isinstance(each, dict)]
