"""Registered models, their versions, and what is decided about them as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from headwater.model.approvals import ApprovalRequest
from headwater.model.models import ModelVersion, RegisteredModel
from headwater.model.refs import ModelRef, NodeIdRef
from headwater.model.release import Need, ReleaseProcess
from headwater.model.verdicts import Deployment, Exhibit, Verdict
from headwater.registry import VersionStatus
from headwater.server.http.json_values import json_value
from headwater.server.http.resources.wire import Id, Name, Number, Out, Text, Value, Values

Outcome = Literal["pass", "fail", "insufficient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOut(Out):
    """A registered model."""

    ref: str
    id: int
    name: str
    description: str | None
    owner: str | None
    tags: dict[str, Any]
    aliases: dict[str, int]
    stages: dict[str, int]
    version_count: int
    created_ms: int
    updated_ms: int
    deleted_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeprecationOut(Out):
    """Why nobody should use a version any more."""

    reason: str
    actor: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOut(Out):
    """A version of a model."""

    ref: str
    id: int
    model: str
    version: int
    stage: str
    aliases: list[str]
    description: str | None
    uri: str | None
    digest: str | None
    size_bytes: int | None
    properties: dict[str, Any]
    metrics: dict[str, Number]
    params: dict[str, Any]
    tags: dict[str, Any]
    execution: str | None
    deprecation: DeprecationOut | None
    created_ms: int
    updated_ms: int
    deleted_ms: int | None
    removed_ms: int | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictOut(Out):
    """What a gate found about a version."""

    ref: str
    gate: str
    outcome: Outcome
    actor: str
    summary: str
    facts: dict[str, Any]
    config_digest: str | None
    baseline: int | None
    data: list[str]
    exhibits: list[Exhibit]
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOut(Out):
    """A vote on a request."""

    actor: str
    approves: bool
    reason: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOut(Out):
    """A request that a version may go to a stage."""

    ref: str
    id: int
    stage: str
    state: Literal["pending", "granted", "rejected", "used", "withdrawn"]
    requester: str
    reason: str
    created_ms: int
    closed_ms: int | None
    votes: list[VoteOut]
    needed: int
    counted: list[str]
    approvers: list[str]
    barred: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentOut(Out):
    """What was seen at a target; a version that is null was taken away."""

    ref: str
    model: str
    version: int | None
    target: str
    url: str | None
    note: str
    actor: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOut(Out):
    """A version with all that is known of where it stands."""

    version: VersionOut
    verdicts: list[VerdictOut]
    requests: list[RequestOut]
    deployments: list[DeploymentOut]
    disagreements: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedOut(Out):
    """One thing that a move lacks."""

    kind: Literal["transition", "holder", "verdict", "approval", "role", "deprecated"]
    text: str
    gate: str | None
    found: str | None
    count: int | None
    wanted: int | None
    who: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOut(Out):
    """What became of a move, or of a dry run what it lacks; `version` is as it stands now."""

    moved: bool
    missing: list[NeedOut]
    version: VersionOut


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOut(Out):
    """How versions of a model are released."""

    transitions: dict[str, list[str]]
    exclusive: list[str]
    policies: dict[str, dict[str, Any]]
    roles: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelIn:
    """A model to register; one that is there stays as it is."""

    name: Name
    description: Text | None = None
    owner: Name | None = None
    tags: Values = field(default_factory=dict[str, Value])
    actor: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersionIn:
    """A version to register."""

    uri: Text | None = None
    digest: Name | None = None
    size_bytes: Id | None = None
    description: Text | None = None
    properties: Values = field(default_factory=dict[str, Value])
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    params: Values = field(default_factory=dict[str, Value])
    tags: Values = field(default_factory=dict[str, Value])
    run: str | None = None
    artifact_id: Id | None = None
    actor: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionIn:
    """Why, and where nobody has to sign in, who says so."""

    reason: Text
    actor: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveIn(DecisionIn):
    """A version to move to a stage; `evidence` is kept in the ledger."""

    version: Id
    to: Name = "production"
    evidence: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackIn(DecisionIn):
    """A stage to roll back; without a version to the one before the present one."""

    stage: Name = "production"
    version: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasIn(DecisionIn):
    """A version that an alias is to name."""

    version: Id
    reason: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIn(DecisionIn):
    """A request that a version may go to a stage, or whose request."""

    version: Id
    to: Name = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteIn(RequestIn):
    """A vote on the open request; null takes the own vote back."""

    approves: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictIn:
    """What a gate found."""

    gate: Name
    outcome: Outcome
    summary: Text = ""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    config_digest: Name | None = None
    baseline: Id | None = None
    data: list[Text] = field(default_factory=list[str])
    exhibits: list[Exhibit] = field(default_factory=list[Exhibit])
    actor: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentIn:
    """What was put, or seen, at a target; without a version it was taken away."""

    target: Name
    version: Id | None = None
    url: Text | None = None
    note: Text = ""
    actor: Name | None = None


class DescriptionIn(BaseModel):
    """What to write about a model or a version; what is left out stays, null removes."""

    model_config = ConfigDict(extra="forbid")

    description: Text | None = None
    owner: Name | None = None
    tags: dict[str, Value | None] = {}
    reason: Text = ""
    actor: Name | None = None


def model_out(model: RegisteredModel) -> ModelOut:
    """Return a registered model as it is sent."""
    return ModelOut.of(model, ref=str(ModelRef(model.name)))


def version_out(version: ModelVersion) -> VersionOut:
    """Return a version as it is sent."""
    execution = None if version.execution_id is None else str(NodeIdRef("executions", version.execution_id))
    return VersionOut.of(version, ref=version.ref, execution=execution)


def verdict_out(verdict: Verdict) -> VerdictOut:
    """Return a verdict as it is sent."""
    ref = str(NodeIdRef("artifacts", verdict.id))
    return VerdictOut.of(verdict, ref=ref, exhibits=list(verdict.exhibits))


def request_out(request: ApprovalRequest) -> RequestOut:
    """Return an approval request as it is sent."""
    return RequestOut.of(request, state=request.state)


def deployment_out(deployment: Deployment) -> DeploymentOut:
    """Return a deployment as it is sent."""
    return DeploymentOut.of(deployment, ref=str(NodeIdRef("executions", deployment.id)))


def status_out(status: VersionStatus, verdicts: Mapping[str, Verdict]) -> StatusOut:
    """Return where a version stands as it is sent."""
    return StatusOut(
        version=version_out(status.version),
        verdicts=[verdict_out(each) for each in verdicts.values()],
        requests=[request_out(each) for each in status.requests],
        deployments=[deployment_out(each) for each in status.deployments],
        disagreements=list(status.disagreements),
    )


def need_out(need: Need) -> NeedOut:
    """Return what a move lacks as it is sent."""
    return NeedOut.of(need)


def process_out(process: ReleaseProcess) -> ProcessOut:
    """Return a release process as it is sent."""
    return ProcessOut(
        transitions=json_value(process.stages.transitions),
        exclusive=json_value(process.stages.exclusive),
        policies=json_value(process.policies),
        roles=json_value(process.roles),
    )
