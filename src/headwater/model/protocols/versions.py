"""What a store does with versions of models and data."""

from collections.abc import Sequence
from typing import Protocol

from headwater.model.data import DataSet, DataVersion, NewDataVersion
from headwater.model.filters import Filter
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.listing import Listing, Page
from headwater.model.models import (
    Description,
    ModelVersion,
    NewVersion,
    RegisteredModel,
    Transition,
)
from headwater.model.values import Properties


class ModelStore(Protocol):
    """Registered models and their versions."""

    def register(
        self,
        name: str,
        /,
        *,
        description: str | None = None,
        owner: str | None = None,
        tags: Properties | None = None,
        actor: str | None = None,
        is_new: bool = False,
    ) -> RegisteredModel:
        """Store a registered model, or return the one that is there.

        With an actor it is a decision, noted in the ledger.

        Raises:
            InvalidError: the name is unusable.
            ConflictError: the one that is there is deleted; or there is one, and it has to be new.
        """
        ...

    def get(self, name: str, /) -> RegisteredModel:
        """Return a registered model.

        Raises:
            NotFoundError: with near names.
        """
        ...

    def page(self, listing: Listing = ..., /) -> Page[RegisteredModel]:
        """Return a page of registered models; without order, by name."""
        ...

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        """Count the registered models that a list of this filter has, and stop at `limit`."""
        ...

    def add_version(self, new: NewVersion, /, *, actor: str, key: str | None = None) -> ModelVersion:
        """Register a version under the next number, and the model if it is new; noted in the ledger.

        Raises:
            NotFoundError: the run or the artifact is not stored.
            InvalidError: a name or a property is unusable, or the artifact is no `headwater.Model`.
            ConflictError: the model is deleted, the artifact is a version already, or `key` was used
                for another request.
        """
        ...

    def version(self, name: str, version: int, /) -> ModelVersion:
        """Return one version.

        Raises:
            NotFoundError: there is no such model or version.
        """
        ...

    def resolve(self, name: str, label: str, /) -> ModelVersion:
        """Return the version that an alias names, or the newest in a stage (`latest`: the newest of all).

        Raises:
            NotFoundError: no version has this alias or stage.
        """
        ...

    def newest(self, ids: Sequence[ContextId], /) -> list[ModelVersion]:
        """Return the newest version of each stage of some models, by model and number; no deleted ones."""
        ...

    def page_versions(self, listing: Listing = ..., /) -> Page[ModelVersion]:
        """Return a page of model versions; without order, by id."""
        ...

    def count_versions(self, filter: Filter | None = None, /, *, limit: int) -> int:
        """Count the versions that a list of this filter has, and stop at `limit`."""
        ...

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[ModelVersion]:
        """Return the versions that these artifacts are, in that order; other artifacts are left out."""
        ...

    def transition(self, transition: Transition, /) -> ModelVersion:
        """Move a version to a stage; the version that held an exclusive stage goes to `archived`.

        One transaction, with its ledger entry: never two holders, never none in between. The policy of
        the stage is held against it in the same transaction. A rollback goes only to a version that was
        in the stage before; to the one before the present one it is free of the policy, unless that
        says otherwise. An open request for the move is used up by it.

        Raises:
            InvalidError: there is no such stage.
            RefusedError: the stages do not allow the move, the holder is not the expected one, or the
                version is deleted.
            UnmetError: what the policy asks for is missing; it names all of that.
        """
        ...

    def set_alias(self, name: str, alias: str, version: int | None, /, *, actor: str, reason: str) -> None:
        """Point an alias at a version; None removes it.

        Raises:
            InvalidError: the alias looks like a version number, or is `latest` or a stage.
            RefusedError: the version is deleted.
        """
        ...

    def describe(self, new: Description, /) -> None:
        """Set description, owner and tags; a changed description or owner is noted in the ledger.

        Raises:
            NotFoundError: there is no such model or version.
            RefusedError: the version is deleted.
            InvalidError: a fact has no place, such as the owner of a version.
        """
        ...

    def rename(self, name: str, new_name: str, /, *, actor: str, reason: str) -> RegisteredModel:
        """Give a model another name; its versions, stages, aliases, process and history stay with it.

        The ledger notes it under both names, and its older entries keep the name that they were written
        with. The old name is free for another model.

        Raises:
            NotFoundError: there is no such model.
            InvalidError: the new name is unusable.
            ConflictError: it is taken, if only by a deleted model.
            RefusedError: it is the present name.
        """
        ...

    def deprecate(self, name: str, version: int, /, *, actor: str, reason: str) -> None:
        """Say that nobody should use a version any more: it cannot go to an exclusive stage.

        Raises:
            RefusedError: it is deprecated already, or deleted.
        """
        ...

    def undeprecate(self, name: str, version: int, /, *, actor: str, reason: str) -> None:
        """Take a deprecation back.

        Raises:
            RefusedError: it is not deprecated, or deleted.
        """
        ...

    def delete(
        self, name: str, version: int | None = None, /, *, actor: str, reason: str, force: bool = False
    ) -> None:
        """Mark a version, or a model with all of its versions, as deleted.

        What is deleted cannot be promoted, approved, aliased or be the latest; its aliases and open
        requests are gone. Its number is not used again.

        Raises:
            RefusedError: a version is in an exclusive stage; or was in one, and it is not forced.
        """
        ...

    def restore(self, name: str, version: int | None = None, /, *, actor: str, reason: str) -> None:
        """Take a deletion back; a model comes back with the versions that were deleted with it.

        Raises:
            NotFoundError: there is no such model or version, or its model is deleted.
            RefusedError: it is not deleted.
        """
        ...

    def previous_holder(self, name: str, stage: str, /) -> ModelVersion | None:
        """Return the version that held an exclusive stage before the present one, by the ledger."""
        ...


class DataStore(Protocol):
    """Data sets and their versions."""

    def add_version(self, new: NewDataVersion, /) -> DataVersion:
        """Record a version under the next number; the same content again returns the stored version.

        A stored version that was deleted is restored by this; one that was removed for good is not
        found again, and the content gets a new number.

        Raises:
            InvalidError: the name, the digest or a property is unusable.
            ConflictError: the data set is deleted.
        """
        ...

    def version(self, name: str, version: int | None = None, /) -> DataVersion:
        """Return one version, by default the newest that is not deleted; by number deleted ones, too.

        Raises:
            NotFoundError: there is no such data set or version.
        """
        ...

    def versions(self, name: str, /) -> list[DataVersion]:
        """Return all versions of a data set, by number, deleted ones left out; empty when there is none."""
        ...

    def all(self) -> list[DataSet]:
        """Return all data sets, by name."""
        ...

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[DataVersion]:
        """Return the data versions that these artifacts are, in that order; other artifacts are left out."""
        ...
