"""Verdicts of gates on versions, and where versions are deployed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.values import Json

RUBBER_STAMP: Final = "rubber stamp"
"""Fact of a verdict that was to compare versions and found none to compare with: why."""


class Outcome(StrEnum):
    """What a gate found."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    """Not enough evidence to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """Bytes that an evaluation puts out beside its verdict, such as a ROC curve.

    Attributes:
        name: What it is, such as `roc`; unique within the verdict.
        digest: Digest of its bytes in the blob store.
    """

    name: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict:
    """What a gate found about a version.

    Attributes:
        gate: Its name, such as `data` or `model`.
        summary: The finding in words.
        facts: What it rests on.
        config_digest: Digest of the gate's settings, so that two verdicts can be told apart.
        baseline: Number of the version that it was compared with.
        data: References of the data versions that it was judged on, such as `data/flights/2`.
        exhibits: Bytes beside the verdict.
        actor: Who or what judged.
    """

    model: str
    version: int
    gate: str
    outcome: Outcome
    actor: str
    summary: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict[str, Json])
    config_digest: str | None = None
    baseline: int | None = None
    data: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(NewVerdict):
    """A stored verdict: an artifact, the output of an evaluation.

    The evaluation has the version, the baseline and the data as inputs, and the exhibits as outputs too.
    """

    id: ArtifactId
    evaluation_id: ExecutionId
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """What was seen at a target: a version of a model, or None when it was taken away.

    Attributes:
        target: Where it runs, such as `eu-1/scoring`.
        url: Where it answers.
        note: What is to be known about it.
        actor: Who deployed it, or who saw it.
    """

    model: str
    version: int | None
    target: str
    actor: str
    url: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(NewDeployment):
    """A stored deployment: an execution that has the version as its input."""

    id: ExecutionId
    time_ms: int
