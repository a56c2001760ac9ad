"""Registered models: the registry's own, with their tags and aliases."""

from headwater.compat.mlflow import webhook_events as events
from headwater.compat.mlflow.answers import Answer, KeyValue, Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint, get, post
from headwater.compat.mlflow.errors import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.limits import MAX_KEY_CHARS, check_key, check_results
from headwater.compat.mlflow.methods import delete, patch
from headwater.compat.mlflow.registry_answers import ModelVersion, RegisteredModel, RegistryAnswers
from headwater.compat.mlflow.registry_rules import (
    IS_PROMPT,
    LATEST,
    REASON,
    UNKNOWN_CALLER,
    check_alias,
    check_model_name,
    check_new_alias,
    check_registry_tag,
    number_of,
    stage_of,
)
from headwater.compat.mlflow.registry_search import models_filter, models_order
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.webhook_events import Announce
from headwater.errors import ConflictError, NotFoundError
from headwater.model import models
from headwater.model.access import Permission
from headwater.model.listing import Listing
from headwater.model.models import Description
from headwater.model.protocols import Store
from headwater.model.values import Properties

MAX_MODELS = 1000


class CreateModel(Request, frozen=True):
    """Registers a model."""

    name: Required
    tags: tuple[KeyValue, ...] = ()
    description: str = ""


class NamedModel(Request, frozen=True):
    """Names a model."""

    name: Required


class UpdateModel(Request, frozen=True):
    """Describes a model."""

    name: Required
    description: str = ""


class RenameModel(Request, frozen=True):
    """Gives a model another name."""

    name: Required
    new_name: Required


class SearchModels(Request, frozen=True):
    """Asks for a page of models."""

    filter: str = ""
    max_results: int = 100
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class LatestVersions(Request, frozen=True):
    """Asks for the newest version of some stages, or of each."""

    name: Required
    stages: tuple[str, ...] = ()


class SetModelTag(Request, frozen=True):
    """Sets a tag."""

    name: Required
    key: Required
    value: str = ""


class DeleteModelTag(Request, frozen=True):
    """Takes a tag away."""

    name: Required
    key: Required


class SetAlias(Request, frozen=True):
    """Points an alias at a version."""

    name: Required
    alias: Required
    version: Required


class NamedAlias(Request, frozen=True):
    """Names an alias."""

    name: Required
    alias: Required


class OneModel(Answer):
    """A registered model."""

    registered_model: RegisteredModel


class ModelPage(Answer):
    """Some models, and the token that asks for those after them."""

    registered_models: tuple[RegisteredModel, ...] = ()
    next_page_token: str = ""


class Versions(Answer):
    """Some versions."""

    model_versions: tuple[ModelVersion, ...] = ()


class OneVersion(Answer):
    """A version."""

    model_version: ModelVersion


class RegisteredModels:
    """Finds registered models and live versions, with MLflow's words for those that are not there."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store

    def get(self, name: str) -> models.RegisteredModel:
        """Return a registered model.

        Raises:
            MlflowError: there is none of this name.
        """
        try:
            return self._store.models.get(name)
        except NotFoundError as error:
            check_model_name(name)
            raise _no_model(name) from error

    def version(self, name: str, number: int) -> models.ModelVersion:
        """Return a version that is not deleted.

        Raises:
            MlflowError: there is none.
        """
        try:
            found = self._store.models.version(name, number)
        except NotFoundError:
            found = None
        if found is None or found.deleted_ms is not None:
            check_model_name(name)
            raise MlflowError(
                f"Model Version (name={name}, version={number}) not found", RESOURCE_DOES_NOT_EXIST
            )
        return found

    def at_alias(self, name: str, alias: str) -> models.ModelVersion:
        """Return the version that an alias names; `latest` in any case is the newest.

        Raises:
            MlflowError: there is no such model, or no such alias.
        """
        check_alias(alias)
        is_latest = alias.lower() == LATEST
        try:
            found = self._store.models.resolve(name, LATEST if is_latest else alias)
        except NotFoundError:
            found = None
        # What a stage is called is no alias.
        if found is None or not (is_latest or alias in found.aliases):
            self.get(name)
            raise (
                MlflowError(f"Latest version not found for model {name}.", RESOURCE_DOES_NOT_EXIST)
                if is_latest
                else MlflowError(f"Registered model alias {alias} not found.")
            )
        return found


class RegisteredModelCalls:
    """Answers the calls about registered models."""

    def __init__(
        self, store: Store, found: RegisteredModels, answers: RegistryAnswers, announce: Announce
    ) -> None:
        """Take where they are kept, who finds and shows them, and who is told of changes."""
        self._store = store
        self._found = found
        self._answers = answers
        self._announce = announce

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        decide, root = Permission.DECIDE, "mlflow/registered-models"
        latest = Endpoint(
            methods=("GET", "POST"),
            path=f"{root}/get-latest-versions",
            permission=Permission.READ,
            request=LatestVersions,
            answer=self.latest_versions,
        )
        return (
            post(f"{root}/create", CreateModel, self.create),
            get(f"{root}/get", NamedModel, self.get),
            patch(f"{root}/update", UpdateModel, self.update),
            post(f"{root}/rename", RenameModel, self.rename, decide),
            delete(f"{root}/delete", NamedModel, self.delete),
            get(f"{root}/search", SearchModels, self.search),
            latest,
            post(f"{root}/set-tag", SetModelTag, self.set_tag),
            delete(f"{root}/delete-tag", DeleteModelTag, self.delete_tag, Permission.WRITE),
            post(f"{root}/alias", SetAlias, self.set_alias, decide),
            get(f"{root}/alias", NamedAlias, self.get_by_alias),
            delete(f"{root}/alias", NamedAlias, self.delete_alias),
        )

    def create(self, request: CreateModel, actor: str | None) -> OneModel:
        """Register a model; the names of deleted ones are taken, too."""
        check_model_name(request.name)
        for tag in request.tags:
            check_registry_tag(tag.key, tag.value)
        tags = {tag.key: tag.value for tag in request.tags}
        try:
            made = self._store.models.register(
                request.name,
                description=request.description or None,
                tags=tags,
                actor=actor or UNKNOWN_CALLER,
                is_new=True,
            )
        except ConflictError as error:
            raise self._is_there(request.name, tags, error) from error
        self._announce(
            events.model_created(request.name, tags, request.description or None, is_prompt=is_prompt(tags))
        )
        return self._one(made)

    def get(self, request: NamedModel, _actor: str | None) -> OneModel:
        """Return a model."""
        return self._one(self._found.get(request.name))

    def update(self, request: UpdateModel, actor: str | None) -> OneModel:
        """Describe a model."""
        self._found.get(request.name)
        self._describe(request.name, actor, facts={"description": request.description})
        return self._one(self._store.models.get(request.name))

    def rename(self, request: RenameModel, actor: str | None) -> OneModel:
        """Give a model another name."""
        check_model_name(request.new_name, "new_name")
        found = self._found.get(request.name)
        if request.new_name == found.name:
            return self._one(found)
        try:
            renamed = self._store.models.rename(
                request.name, request.new_name, actor=actor or UNKNOWN_CALLER, reason=REASON
            )
        except ConflictError as error:
            raise self._is_there(request.new_name, found.tags, error) from error
        return self._one(renamed)

    def delete(self, request: NamedModel, actor: str | None) -> Nothing:
        """Delete a model with all of its versions, unless one is in production."""
        self._found.get(request.name)
        self._store.models.delete(request.name, actor=actor or UNKNOWN_CALLER, reason=REASON, force=True)
        return Nothing()

    def search(self, request: SearchModels, _actor: str | None) -> ModelPage:
        """Return a page of models; without order, by name."""
        check_results(request.max_results, MAX_MODELS)
        page = self._store.models.page(
            Listing(
                filter=models_filter(request.filter),
                order_by=models_order(request.order_by),
                limit=request.max_results,
                page_token=request.page_token or None,
            )
        )
        return ModelPage(
            registered_models=self._answers.of_models(page.items), next_page_token=page.next_token or ""
        )

    def latest_versions(self, request: LatestVersions, _actor: str | None) -> Versions:
        """Return the newest version of each stage."""
        newest = self._answers.newest([self._found.get(request.name)])
        wanted = {stage_of(stage) for stage in request.stages}
        chosen = [version for version in newest if not wanted or version.stage in wanted]
        return Versions(model_versions=self._answers.of_versions(chosen))

    def set_tag(self, request: SetModelTag, actor: str | None) -> Nothing:
        """Set a tag."""
        check_registry_tag(request.key, request.value)
        found = self._found.get(request.name)
        self._describe(request.name, actor, tags={request.key: request.value})
        if is_prompt({**found.tags, request.key: request.value}):
            self._announce(events.prompt_tag_set(request.name, request.key, request.value))
        return Nothing()

    def delete_tag(self, request: DeleteModelTag, actor: str | None) -> Nothing:
        """Take a tag away, if it is there."""
        # One that is too long is nobody's: it is not there.
        check_key(request.key[:MAX_KEY_CHARS], "key")
        found = self._found.get(request.name)
        self._describe(request.name, actor, tags={request.key: None})
        if is_prompt(found.tags) and request.key != IS_PROMPT:
            self._announce(events.prompt_tag_deleted(request.name, request.key))
        return Nothing()

    def set_alias(self, request: SetAlias, actor: str | None) -> Nothing:
        """Point an alias at a version."""
        check_new_alias(request.alias)
        found = self._found.version(request.name, number_of(request.version))
        self._move_alias(request.name, request.alias, found.version, actor)
        prompt = is_prompt(self._store.models.get(found.model).tags)
        self._announce(events.alias_created(found.model, request.alias, request.version, is_prompt=prompt))
        return Nothing()

    def get_by_alias(self, request: NamedAlias, _actor: str | None) -> OneVersion:
        """Return the version that an alias names."""
        found = self._found.at_alias(request.name, request.alias)
        return OneVersion(model_version=self._answers.of_versions([found])[0])

    def delete_alias(self, request: NamedAlias, actor: str | None) -> Nothing:
        """Remove an alias, if it is there."""
        check_alias(request.alias)
        found = self._found.get(request.name)
        if request.alias in found.aliases:
            self._move_alias(request.name, request.alias, None, actor)
        self._announce(events.alias_deleted(request.name, request.alias, is_prompt=is_prompt(found.tags)))
        return Nothing()

    def _one(self, model: models.RegisteredModel) -> OneModel:
        return OneModel(registered_model=self._answers.of_models([model])[0])

    def _describe(
        self,
        name: str,
        actor: str | None,
        *,
        facts: dict[str, str | None] | None = None,
        tags: dict[str, str | None] | None = None,
    ) -> None:
        self._store.models.describe(
            Description(
                model=name, actor=actor or UNKNOWN_CALLER, facts=facts or {}, tags=tags or {}, reason=REASON
            )
        )

    def _move_alias(self, name: str, alias: str, number: int | None, actor: str | None) -> None:
        who = actor or UNKNOWN_CALLER
        self._store.models.set_alias(name, alias, number, actor=who, reason=REASON)

    def _is_there(self, name: str, tags: Properties, error: ConflictError) -> MlflowError:
        try:
            stored = self._store.models.get(name)
        except NotFoundError:
            # The one that is there is deleted.
            return MlflowError(str(error), RESOURCE_ALREADY_EXISTS)
        old, new = _kind(stored.tags), _kind(tags)
        if old == new:
            return MlflowError(f"{new} (name={name}) already exists.", RESOURCE_ALREADY_EXISTS)
        return MlflowError(
            f"Tried to create a {new.lower()} with name {name!r}, but the name is already taken by a "
            f"{old.lower()}. MLflow does not allow creating a model and a prompt with the same name.",
            RESOURCE_ALREADY_EXISTS,
        )


def is_prompt(tags: Properties) -> bool:
    """Tell whether a registered model with these tags is a prompt."""
    return str(tags.get(IS_PROMPT, "false")).lower() == "true"


def _kind(tags: Properties) -> str:
    return "Prompt" if is_prompt(tags) else "Registered Model"


def _no_model(name: str) -> MlflowError:
    return MlflowError(f"Registered Model with name={name} not found", RESOURCE_DOES_NOT_EXIST)
