"""Registered models, their versions, stages and aliases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.refs import ModelRef
from headwater.model.values import Json, Properties, PropertyValue

NO_STAGE: Final = "none"
STAGING: Final = "staging"
PRODUCTION: Final = "production"
ARCHIVED: Final = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The release process: which stages there are and how a version may move.

    Attributes:
        transitions: For each stage the stages that a version may go to from there.
        exclusive: Stages that hold at most one version of a model; a new one
            pushes the old one to `archived`.
    """

    transitions: Mapping[str, frozenset[str]]
    exclusive: frozenset[str]


DEFAULT_STAGES: Final = Stages(
    transitions={
        NO_STAGE: frozenset({STAGING, PRODUCTION, ARCHIVED}),
        STAGING: frozenset({NO_STAGE, PRODUCTION, ARCHIVED}),
        PRODUCTION: frozenset({STAGING, ARCHIVED}),
        ARCHIVED: frozenset({NO_STAGE, STAGING, PRODUCTION}),
    },
    exclusive=frozenset({PRODUCTION}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A name under which versions of one model are kept."""

    id: ContextId
    name: str
    description: str | None = None
    owner: str | None = None
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    aliases: Mapping[str, int] = field(default_factory=dict[str, int])
    """Alias to version number."""
    stages: Mapping[str, int] = field(default_factory=dict[str, int])
    """The newest version number in each stage that holds one, `none` left out."""
    unstaged: int | None = None
    """The newest version number in stage `none`."""
    version_count: int = 0
    """How many versions there are, deleted ones left out."""
    created_ms: int
    updated_ms: int
    deleted_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version to register. What it is made of never changes afterwards.

    Attributes:
        digest: Digest of its bytes in the blob store.
        properties: Facts about it that type `headwater.Model` declares, such as
            its format and signature.
        metrics: How well it did, such as its validation scores.
        execution_id: The run that made it; gives the OUTPUT edge.
        artifact_id: An artifact of type `headwater.Model` that is stored already
            and becomes the version, instead of a new one.
    """

    model: str
    uri: str | None = None
    digest: str | None = None
    size_bytes: int | None = None
    description: str | None = None
    properties: Properties = field(default_factory=dict[str, PropertyValue])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    params: Properties = field(default_factory=dict[str, PropertyValue])
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    execution_id: ExecutionId | None = None
    artifact_id: ArtifactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Why nobody should use a version any more."""

    reason: str
    actor: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A numbered, immutable version of a registered model; it is an artifact."""

    id: ArtifactId
    model_id: ContextId
    model: str
    version: int
    stage: str
    aliases: tuple[str, ...] = ()
    description: str | None = None
    uri: str | None = None
    digest: str | None = None
    size_bytes: int | None = None
    properties: Properties = field(default_factory=dict[str, PropertyValue])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    params: Properties = field(default_factory=dict[str, PropertyValue])
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    execution_id: ExecutionId | None = None
    deprecation: Deprecation | None = None
    created_ms: int
    updated_ms: int
    deleted_ms: int | None = None
    removed_ms: int | None = None
    revision: int = 1

    @property
    def ref(self) -> str:
        """Its reference, such as `models/late-flights/3`."""
        return str(ModelRef(self.model, self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What to write about a model, or with a number about a version of it.

    Attributes:
        facts: `description`, and of a model `owner`; None removes it. Kept in the ledger.
        tags: Tags to set; None deletes one.
    """

    model: str
    actor: str
    version: int | None = None
    facts: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    tags: Mapping[str, PropertyValue | None] = field(default_factory=dict[str, PropertyValue | None])
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A version to move to another stage.

    Attributes:
        expect_holder: Refuse unless this version number holds the stage now
            (0: none does), so that nobody replaces what they did not see.
        evidence: What the decision rests on; kept in the ledger.
    """

    model: str
    version: int
    to: str
    reason: str
    actor: str
    kind: str = "promote"
    """`promote` or `rollback`, as it is to stand in the ledger; a rollback goes to what was there before."""
    expect_holder: int | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict[str, Json])
