"""What a run read and made: INPUT events to data versions and models, OUTPUT events to models.

The path of a data version's event begins with the use that MLflow's tag `mlflow.data.context` names, as a
native run names its inputs; without one with the data set's name. Other tags follow, a key and a value each.
"""

import json
from collections.abc import Sequence
from typing import Final, cast

from headwater.compat.mlflow.answers import Answer, KeyValue, key_values
from headwater.compat.mlflow.values import text_of
from headwater.model import builtin
from headwater.model.data import DataVersion, NewDataVersion
from headwater.model.filters import And, Comparison, Field, In, Operator, Scope
from headwater.model.graph import Artifact, ArtifactChange, Event, EventPath
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.model.values import Json, PropertyValue

CONTEXT_TAG: Final = "mlflow.data.context"
_VERBATIM: Final = "text"
_BATCH: Final = 5_000


class Dataset(Answer):
    """A data version."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""


class DatasetInput(Answer, kw_only=True):
    """A data version that a run read, and as what."""

    tags: tuple[KeyValue, ...] = ()
    dataset: Dataset


class ModelInput(Answer):
    """A logged model that a run read."""

    model_id: str


class ModelOutput(Answer):
    """A logged model that a run made, and at which step."""

    model_id: str
    step: int


class RunInputs(Answer):
    """What a run read."""

    dataset_inputs: tuple[DatasetInput, ...] = ()
    model_inputs: tuple[ModelInput, ...] = ()


class RunOutputs(Answer):
    """What a run made."""

    model_outputs: tuple[ModelOutput, ...] = ()


_NONE: Final = (RunInputs(), RunOutputs())


class Edges:
    """Reads what runs read and made."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store

    def of(self, runs: Sequence[ExecutionId]) -> dict[ExecutionId, tuple[RunInputs, RunOutputs]]:
        """Return inputs and outputs of runs, with three reads however many they are."""
        events = self._store.links.events_of_executions(runs)
        read = sorted({event.artifact_id for event in events if event.type.is_input})
        data = {version.id: version for version in self._store.data.by_artifact_ids(read)} if read else {}
        models = self._models(sorted({event.artifact_id for event in events} - data.keys()))
        mine: dict[ExecutionId, list[Event]] = {}
        for event in sorted(events, key=lambda e: (e.time_ms or 0, e.artifact_id)):
            mine.setdefault(event.execution_id, []).append(event)
        return {
            run: (_inputs(own, data, models), _outputs(own, models)) if (own := mine.get(run)) else _NONE
            for run in runs
        }

    def _models(self, ids: Sequence[ArtifactId]) -> dict[ArtifactId, str]:
        """Return the model ids of those artifacts that are logged models."""
        found: dict[ArtifactId, str] = {}
        is_model = Comparison(Field(Scope.ATTRIBUTE, "type"), Operator.EQ, builtin.MODEL.name)
        for start in range(0, len(ids), _BATCH):
            among = In(Field(Scope.ATTRIBUTE, "id"), tuple(ids[start : start + _BATCH]))
            listing = Listing(filter=And((among, is_model)), limit=_BATCH, with_deleted=True)
            for artifact in self._store.artifacts.page(listing).items:
                if model_id := model_id_of(artifact):
                    found[artifact.id] = model_id
        return found


def model_id_of(artifact: Artifact) -> str | None:
    """Return the id under which MLflow's clients know a logged model; None for a model of native code."""
    known = artifact.external_id
    return known if known is not None and known.startswith("m-") else None


def record_dataset(store: Store, described: Dataset) -> ArtifactId:
    """Record the data version that a client describes, which is one for all experiments.

    What was said of it before stays, and what nobody has said so far is added.
    """
    facts: dict[str, PropertyValue] = {"source": described.source, "source_type": described.source_type}
    if described.schema:
        facts["schema"] = schema_value(described.schema)
    if described.profile:
        facts["profile"] = described.profile
    new = NewDataVersion(name=described.name, digest=described.digest, properties=facts)
    version = store.data.add_version(new)
    unsaid = {name: value for name, value in facts.items() if name not in version.properties}
    if unsaid:
        store.artifacts.update([ArtifactChange(id=version.id, properties=unsaid)])
    return version.id


def path_of(name: str, tags: Sequence[tuple[str, str]]) -> EventPath:
    """Return the path of the event that a run read a data set, with the tags that MLflow has for it."""
    given = dict(tags)
    context = given.pop(CONTEXT_TAG, None)
    if context is None or context == name:
        # Written out, since a path that begins with the data set's name says nothing about its use.
        explicit = () if context is None else (CONTEXT_TAG, context)
        return (name, *explicit, *(text for pair in sorted(given.items()) for text in pair))
    return (context, *(text for pair in sorted(given.items()) for text in pair))


def tags_of(name: str, path: EventPath) -> tuple[KeyValue, ...]:
    """Return the tags that `path_of` put into a path."""
    texts = [str(part) for part in path]
    tags = dict(zip(texts[1::2], texts[2::2], strict=False))
    if texts and texts[0] != name and CONTEXT_TAG not in tags:
        tags[CONTEXT_TAG] = texts[0]
    return key_values(dict(sorted(tags.items())))


def schema_value(text: str) -> dict[str, Json] | list[Json]:
    """Return a schema as a value that native code can read, from which `schema_text` gives the text back."""
    try:
        found = json.loads(text)
        if isinstance(found, (dict, list)) and json.dumps(found) == text:
            return cast(dict[str, Json] | list[Json], found)
    except (ValueError, RecursionError):
        pass
    return {_VERBATIM: text}


def schema_text(value: PropertyValue | None) -> str:
    """Return the text of a schema."""
    match value:
        case None:
            return ""
        case dict() if value.keys() == {_VERBATIM}:
            return str(value[_VERBATIM])
        case dict() | list():
            return json.dumps(value)
        case _:
            return text_of(value)


def _inputs(
    events: Sequence[Event], data: dict[ArtifactId, DataVersion], models: dict[ArtifactId, str]
) -> RunInputs:
    read = [event for event in events if event.type.is_input]
    return RunInputs(
        dataset_inputs=tuple(
            DatasetInput(
                tags=tags_of(data[event.artifact_id].name, event.path),
                dataset=_dataset(data[event.artifact_id]),
            )
            for event in read
            if event.artifact_id in data
        ),
        model_inputs=tuple(
            ModelInput(model_id=models[event.artifact_id]) for event in read if event.artifact_id in models
        ),
    )


def _outputs(events: Sequence[Event], models: dict[ArtifactId, str]) -> RunOutputs:
    made = [event for event in events if event.type.is_output and event.artifact_id in models]
    return RunOutputs(
        model_outputs=tuple(
            ModelOutput(model_id=models[event.artifact_id], step=_step(event.path)) for event in made
        )
    )


def _step(path: EventPath) -> int:
    return path[-1] if path and isinstance(path[-1], int) else 0


def _dataset(version: DataVersion) -> Dataset:
    def text(name: str) -> str:
        value = version.properties.get(name)
        return "" if value is None else text_of(value)

    return Dataset(
        name=version.name,
        digest=version.digest,
        source_type=text("source_type") or text("kind"),
        source=text("source") or version.uri or "",
        schema=schema_text(version.properties.get("schema")),
        profile=text("profile"),
    )
