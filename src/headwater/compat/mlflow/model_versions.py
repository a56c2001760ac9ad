"""Versions of registered models: registered, moved between stages, described and deleted."""

from typing import Final

from headwater.compat.mlflow import webhook_events as events
from headwater.compat.mlflow.answers import Answer, KeyValue, Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, get, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.limits import MAX_KEY_CHARS, check_key, check_results
from headwater.compat.mlflow.methods import delete, patch
from headwater.compat.mlflow.registered_models import (
    OneVersion,
    RegisteredModels,
    Versions,
    is_prompt,
)
from headwater.compat.mlflow.registry_answers import RegistryAnswers, location_of
from headwater.compat.mlflow.registry_rules import (
    ACTIVE_STAGES,
    IS_PROMPT,
    REASON,
    UNKNOWN_CALLER,
    check_model_name,
    check_registry_tag,
    number_of,
    stage_name,
    stage_of,
)
from headwater.compat.mlflow.registry_search import versions_filter, versions_order
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.sources import PROMPT_SOURCES, Source, Sources
from headwater.compat.mlflow.webhook_events import Announce
from headwater.model.access import Permission
from headwater.model.filters import And, Comparison, Field, Operator, Scope
from headwater.model.listing import Listing
from headwater.model.models import (
    ARCHIVED,
    PRODUCTION,
    Description,
    ModelVersion,
    NewVersion,
    Transition,
)
from headwater.model.protocols import Store

MAX_VERSIONS: Final = 200_000


class CreateVersion(Request, frozen=True):
    """Registers a version."""

    name: Required
    source: Required
    run_id: str = ""
    tags: tuple[KeyValue, ...] = ()
    run_link: str = ""
    description: str = ""
    model_id: str = ""


class NamedVersion(Request, frozen=True):
    """Names a version."""

    name: Required
    version: Required


class UpdateVersion(NamedVersion, frozen=True):
    """Describes a version."""

    description: str | None = None


class TransitionStage(NamedVersion, frozen=True):
    """Moves a version to a stage."""

    stage: Required
    archive_existing_versions: bool = False


class SearchVersions(Request, frozen=True):
    """Asks for a page of versions."""

    filter: str = ""
    max_results: int = 200_000
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class SetVersionTag(NamedVersion, frozen=True):
    """Sets a tag."""

    key: Required
    value: str = ""


class DeleteVersionTag(NamedVersion, frozen=True):
    """Takes a tag away."""

    key: Required


class VersionPage(Versions):
    """Some versions, and the token that asks for those after them."""

    next_page_token: str = ""


class DownloadUri(Answer):
    """Where a version's files are read from."""

    artifact_uri: str


class ModelVersionCalls:
    """Answers the calls about versions."""

    def __init__(
        self,
        store: Store,
        found: RegisteredModels,
        answers: RegistryAnswers,
        sources: Sources,
        announce: Announce,
    ) -> None:
        """Take where they are kept, who finds and shows them, reads sources, and is told of changes."""
        self._store = store
        self._found = found
        self._answers = answers
        self._sources = sources
        self._announce = announce

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        root = "mlflow/model-versions"
        return (
            post(f"{root}/create", CreateVersion, self.create),
            get(f"{root}/get", NamedVersion, self.get),
            patch(f"{root}/update", UpdateVersion, self.update),
            delete(f"{root}/delete", NamedVersion, self.delete),
            get(f"{root}/search", SearchVersions, self.search),
            get(f"{root}/get-download-uri", NamedVersion, self.download_uri),
            post(f"{root}/transition-stage", TransitionStage, self.transition, Permission.DECIDE),
            post(f"{root}/set-tag", SetVersionTag, self.set_tag),
            delete(f"{root}/delete-tag", DeleteVersionTag, self.delete_tag, Permission.WRITE),
        )

    def create(self, request: CreateVersion, actor: str | None) -> OneVersion:
        """Register a version under the next number, which is never one of a deleted version."""
        tags = {tag.key: tag.value for tag in request.tags}
        for tag in request.tags:
            check_registry_tag(tag.key, tag.value)
        prompt = is_prompt(tags)
        source = self._prompt_source(request) if prompt else self._source(request)
        check_model_name(request.name)
        self._found.get(request.name)
        made = self._store.models.add_version(
            self._new_version(request, source, tags), actor=actor or UNKNOWN_CALLER
        )
        description, number = request.description or None, str(made.version)
        if prompt:
            self._announce(events.prompt_version_created(request.name, number, tags, description))
        else:
            run_id = source.run_id or None
            self._announce(
                events.version_created(request.name, number, source.uri, run_id, tags, description)
            )
        return self._one(made)

    def get(self, request: NamedVersion, _actor: str | None) -> OneVersion:
        """Return a version."""
        return self._one(self._version(request))

    def update(self, request: UpdateVersion, actor: str | None) -> OneVersion:
        """Describe a version."""
        found = self._version(request)
        self._describe(found, actor, facts={"description": request.description})
        return self._again(found)

    def delete(self, request: NamedVersion, actor: str | None) -> Nothing:
        """Delete a version with its aliases, unless it is in production; its number is not used again."""
        found = self._version(request)
        who = actor or UNKNOWN_CALLER
        self._store.models.delete(found.model, found.version, actor=who, reason=REASON, force=True)
        return Nothing()

    def search(self, request: SearchVersions, _actor: str | None) -> VersionPage:
        """Return a page of versions; without order, those that changed last first."""
        check_results(request.max_results, MAX_VERSIONS)
        page = self._store.models.page_versions(
            Listing(
                filter=versions_filter(request.filter),
                order_by=versions_order(request.order_by),
                limit=request.max_results,
                page_token=request.page_token or None,
            )
        )
        return VersionPage(
            model_versions=self._answers.of_versions(page.items), next_page_token=page.next_token or ""
        )

    def download_uri(self, request: NamedVersion, _actor: str | None) -> DownloadUri:
        """Return where a version's files are read from."""
        return DownloadUri(artifact_uri=location_of(self._version(request)))

    def transition(self, request: TransitionStage, actor: str | None) -> OneVersion:
        """Move a version to a stage, as the release process allows; one version at most is in production."""
        stage = stage_of(request.stage)
        if request.archive_existing_versions and stage_name(stage) not in ACTIVE_STAGES:
            raise MlflowError(
                "Model version transition cannot archive existing model versions because "
                f"'{request.stage}' is not an Active stage. Valid stages are {[*ACTIVE_STAGES]}"
            )
        found = self._version(request)
        if found.stage != stage:
            self._move(found, stage, actor)
        if request.archive_existing_versions and stage != PRODUCTION:
            for other in self._others_in(found, stage):
                self._move(other, ARCHIVED, actor)
        return self._again(found)

    def set_tag(self, request: SetVersionTag, actor: str | None) -> Nothing:
        """Set a tag."""
        check_registry_tag(request.key, request.value)
        found = self._version(request)
        self._describe(found, actor, tags={request.key: request.value})
        self._announce(
            events.version_tag_set(
                found.model,
                request.version,
                request.key,
                request.value,
                is_prompt=self._is_prompt(found),
            )
        )
        return Nothing()

    def delete_tag(self, request: DeleteVersionTag, actor: str | None) -> Nothing:
        """Take a tag away, if it is there."""
        # One that is too long is nobody's: it is not there.
        check_key(request.key[:MAX_KEY_CHARS], "key")
        found = self._version(request)
        self._describe(found, actor, tags={request.key: None})
        self._announce(
            events.version_tag_deleted(
                found.model, request.version, request.key, is_prompt=self._is_prompt(found)
            )
        )
        return Nothing()

    def _source(self, request: CreateVersion) -> Source:
        return self._sources.read(request.source, request.run_id, request.model_id)

    def _prompt_source(self, request: CreateVersion) -> Source:
        if request.source not in PROMPT_SOURCES:
            raise MlflowError(
                f"Invalid prompt source: '{request.source}'. Prompt sources must use an MLflow placeholder."
            )
        return Source(uri=request.source, location=request.source)

    def _new_version(self, request: CreateVersion, source: Source, tags: dict[str, str]) -> NewVersion:
        facts: dict[str, str] = {"source": source.uri}
        if request.run_link:
            facts["run_link"] = request.run_link
        if source.run is None and source.run_id:
            facts["source_run"] = source.run_id
        run = source.run.id if source.run is not None else None
        description = request.description or None
        model = source.model
        if model is not None and not self._store.models.by_artifact_ids([model.id]):
            return NewVersion(
                model=request.name,
                description=description,
                properties=facts,
                tags=tags,
                execution_id=run,
                artifact_id=model.id,
            )
        # A thing is one version: registered again, its copy is another one with the same bytes.
        original = model or source.version
        if original is None:
            return NewVersion(
                model=request.name,
                uri=source.location,
                description=description,
                properties=facts,
                tags=tags,
                execution_id=run,
            )
        copied = {key: value for key, value in original.properties.items() if key not in _OWN_FACTS}
        return NewVersion(
            model=request.name,
            uri=source.location,
            digest=original.digest,
            size_bytes=original.size_bytes,
            description=description,
            properties={**copied, **facts},
            metrics=original.metrics,
            params=original.params,
            tags=tags,
            execution_id=run,
        )

    def _move(self, found: ModelVersion, stage: str, actor: str | None) -> None:
        self._store.models.transition(
            Transition(
                model=found.model,
                version=found.version,
                to=stage,
                reason=REASON,
                actor=actor or UNKNOWN_CALLER,
            )
        )

    def _others_in(self, found: ModelVersion, stage: str) -> list[ModelVersion]:
        in_stage = And(
            (
                Comparison(Field(Scope.ATTRIBUTE, "model_id"), Operator.EQ, found.model_id),
                Comparison(Field(Scope.ATTRIBUTE, "stage"), Operator.EQ, stage),
            )
        )
        page = self._store.models.page_versions(Listing(filter=in_stage, limit=MAX_VERSIONS))
        return [version for version in page.items if version.id != found.id]

    def _describe(
        self,
        found: ModelVersion,
        actor: str | None,
        *,
        facts: dict[str, str | None] | None = None,
        tags: dict[str, str | None] | None = None,
    ) -> None:
        self._store.models.describe(
            Description(
                model=found.model,
                version=found.version,
                actor=actor or UNKNOWN_CALLER,
                facts=facts or {},
                tags=tags or {},
                reason=REASON,
            )
        )

    def _version(self, request: NamedVersion) -> ModelVersion:
        return self._found.version(request.name, number_of(request.version))

    def _again(self, found: ModelVersion) -> OneVersion:
        return self._one(self._store.models.version(found.model, found.version))

    def _one(self, version: ModelVersion) -> OneVersion:
        return OneVersion(model_version=self._answers.of_versions([version])[0])

    def _is_prompt(self, version: ModelVersion) -> bool:
        return IS_PROMPT in version.tags or is_prompt(self._store.models.get(version.model).tags)


_OWN_FACTS: Final = frozenset({"description", "source", "source_run", "run_link"})
"""What belongs to a version and not to what it is a copy of."""
