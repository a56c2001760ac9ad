"""Registered models and their versions as MLflow's clients see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headwater.compat.mlflow.answers import Answer, KeyValue, key_values
from headwater.compat.mlflow.locations import SCHEME
from headwater.compat.mlflow.registry_rules import stage_name
from headwater.compat.mlflow.runs import Runs
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.models import ModelVersion as StoredVersion
from headwater.model.models import RegisteredModel as StoredModel
from headwater.model.protocols import Store

NATIVE: Final = "headwater"
"""First part of the proxy's paths of bytes that no MLflow client has uploaded."""


class ModelVersion(Answer):
    """A version of a registered model. Times are milliseconds since the epoch."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    current_stage: str
    status: str
    description: str
    source: str
    run_id: str
    run_link: str
    tags: tuple[KeyValue, ...] = ()
    aliases: tuple[str, ...] = ()


class Alias(Answer):
    """An alias and the version that it points at."""

    alias: str
    version: str


class RegisteredModel(Answer):
    """A registered model. Times are milliseconds since the epoch."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str = ""
    latest_versions: tuple[ModelVersion, ...] = ()
    tags: tuple[KeyValue, ...] = ()
    aliases: tuple[Alias, ...] = ()


class RegistryAnswers:
    """Makes answers of stored models and versions."""

    def __init__(self, store: Store, runs: Runs) -> None:
        """Take where they are kept, and who finds the runs that made them."""
        self._store = store
        self._runs = runs

    def of_models(self, found: Sequence[StoredModel]) -> tuple[RegisteredModel, ...]:
        """Return registered models with the newest version of each stage."""
        newest: dict[str, list[StoredVersion]] = {}
        for version in self.newest(found):
            newest.setdefault(version.model, []).append(version)
        return tuple(self._model(model, newest.get(model.name, [])) for model in found)

    def newest(self, found: Iterable[StoredModel]) -> list[StoredVersion]:
        """Return the newest version of each stage of some models."""
        ids = [model.id for model in found if model.version_count]
        return self._store.models.newest(ids) if ids else []

    def of_versions(self, found: Sequence[StoredVersion]) -> tuple[ModelVersion, ...]:
        """Return versions, each with the run that made it."""
        makers = [version.execution_id for version in found if version.execution_id is not None]
        runs = self._runs.ids_of(makers)
        return tuple(_version(version, runs) for version in found)

    def _model(self, model: StoredModel, newest: Sequence[StoredVersion]) -> RegisteredModel:
        return RegisteredModel(
            name=model.name,
            creation_timestamp=model.created_ms,
            last_updated_timestamp=model.updated_ms,
            description=model.description or "",
            latest_versions=self.of_versions(newest),
            tags=key_values(model.tags),
            aliases=tuple(Alias(alias=name, version=str(n)) for name, n in model.aliases.items()),
        )


def source_of(version: StoredVersion) -> str:
    """Return the URI that a version is said to come from."""
    source = version.properties.get("source")
    return source if isinstance(source, str) else location_of(version)


def location_of(version: StoredVersion) -> str:
    """Return the URI that a version's files can be read from; bytes of our own are read through the proxy."""
    if version.uri is not None and isinstance(version.properties.get("source"), str):
        return version.uri
    return native_location(version.id) if version.digest is not None else version.uri or ""


def native_location(artifact_id: ArtifactId) -> str:
    """Return the URI of a model whose files no MLflow client has uploaded."""
    return f"{SCHEME}:/{NATIVE}/{artifact_id}"


def _version(version: StoredVersion, runs: Mapping[ExecutionId, str]) -> ModelVersion:
    unknown_run, link = version.properties.get("source_run"), version.properties.get("run_link")
    run_id = runs.get(version.execution_id) if version.execution_id is not None else None
    return ModelVersion(
        name=version.model,
        version=str(version.version),
        creation_timestamp=version.created_ms,
        last_updated_timestamp=version.updated_ms,
        current_stage=stage_name(version.stage),
        status="READY",
        source=source_of(version),
        run_id=run_id or (unknown_run if isinstance(unknown_run, str) else ""),
        run_link=link if isinstance(link, str) else "",
        description=version.description or "",
        tags=key_values(version.tags),
        aliases=version.aliases,
    )
