"""Data sets and their versions."""

from dataclasses import dataclass, field

from headwater.model.ids import ArtifactId, ContextId
from headwater.model.refs import DataRef
from headwater.model.values import Properties, PropertyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A name under which versions of one data set are kept."""

    id: ContextId
    name: str
    description: str | None = None
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    version_count: int = 0
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataVersion:
    """A data version to record; the same name and digest give the version that is there already.

    Attributes:
        digest: Digest of the content, or a fingerprint where the data stay elsewhere.
        properties: Facts about it: schema, row count, source …
    """

    name: str
    digest: str
    uri: str | None = None
    size_bytes: int | None = None
    properties: Properties = field(default_factory=dict[str, PropertyValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersion:
    """A numbered version of a data set; it is an artifact of type `headwater.Dataset`."""

    id: ArtifactId
    dataset_id: ContextId
    name: str
    version: int
    digest: str
    uri: str | None = None
    size_bytes: int | None = None
    properties: Properties = field(default_factory=dict[str, PropertyValue])
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    created_ms: int
    deleted_ms: int | None = None
    removed_ms: int | None = None

    @property
    def ref(self) -> str:
        """Its reference, such as `data/flights/train/2`."""
        return str(DataRef(self.name, self.version))
