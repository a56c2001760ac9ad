"""Registered models as their users see them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater.errors import RefusedError
from headwater.model.filters import Comparison, Entity, Field, Operator, Scope
from headwater.model.graph import ArtifactChange
from headwater.model.ledger import LedgerEntry
from headwater.model.listing import Listing, Order
from headwater.model.models import PRODUCTION, ModelVersion, RegisteredModel, Transition
from headwater.model.protocols import BlobStore, Store
from headwater.model.refs import ModelRef
from headwater.model.values import Json, PropertyValue
from headwater.registry.loading import load_version, verify_version


@dataclass(frozen=True, slots=True)
class Model:
    """One registered model: look at its versions, move them between stages, load them."""

    name: str
    store: Store
    blobs: BlobStore
    actor: str

    def info(self) -> RegisteredModel:
        """Return what the registry holds about the model.

        Raises:
            NotFoundError: it is not registered; with near names.
        """
        return self.store.models.get(self.name)

    def __getitem__(self, version: int | str) -> ModelVersion:
        """Return a version by its number, stage or alias.

        Raises:
            NotFoundError: there is no such version.
        """
        if isinstance(version, int):
            return self.store.models.version(self.name, version)
        return self.store.models.resolve(self.name, version)

    def versions(self) -> list[ModelVersion]:
        """Return all versions, oldest first."""
        mine = Comparison(Field(Scope.ATTRIBUTE, "model"), Operator.EQ, self.name)
        order = (Order(Field(Scope.ATTRIBUTE, "version")),)
        found, token = list[ModelVersion](), None
        while True:
            listing = Listing(filter=mine, order_by=order, limit=1000, page_token=token)
            page = self.store.models.page_versions(listing)
            found += page.items
            if (token := page.next_token) is None:
                return found

    def promote(
        self,
        version: int,
        to: str = PRODUCTION,
        *,
        reason: str,
        evidence: Mapping[str, Json] | None = None,
        expect_holder: int | None = None,
    ) -> ModelVersion:
        """Move a version to a stage, after checking that its bytes are intact and load.

        The version that held an exclusive stage (production) is archived in the
        same moment.

        Args:
            version: Number of the version.
            to: The stage.
            reason: Why; kept in the ledger for ever.
            evidence: What the decision rests on, as JSON; kept in the ledger.
            expect_holder: Refuse unless this version holds the stage now (0: none does).

        Raises:
            RefusedError: the stages do not allow the move, or the reason is empty.
            NotFoundError, CorruptError: the version or its bytes are not as they should be.
        """
        _check_reason(reason)
        verify_version(self.blobs, self[version])
        return self._move(version, to, reason, "promote", expect_holder, evidence or {})

    def rollback(self, *, reason: str, stage: str = PRODUCTION) -> ModelVersion:
        """Put the version back that held a stage before, after checking that it is intact and loads.

        A rollback is a new decision with its own record; nothing is undone. A
        second rollback goes one version further back.

        Raises:
            RefusedError: no version held the stage before, or the reason is empty.
            NotFoundError, CorruptError: the version's bytes are not as they should be; nothing has changed.
        """
        _check_reason(reason)
        model = self.info()
        before = self.store.models.previous_holder(self.name, stage)
        if before is None:
            raise RefusedError(f"no earlier version of {self.name!r} was in {stage}: nothing to go back to")
        verify_version(self.blobs, before)
        return self._move(before.version, stage, reason, "rollback", model.stages.get(stage, 0), {})

    def set_alias(self, alias: str, version: int, *, reason: str = "") -> None:
        """Point an alias such as `champion` at a version."""
        self.store.models.set_alias(self.name, alias, version, actor=self.actor, reason=reason)

    def delete_alias(self, alias: str, *, reason: str = "") -> None:
        """Remove an alias."""
        self.store.models.set_alias(self.name, alias, None, actor=self.actor, reason=reason)

    def set_tags(self, version: int | str, tags: Mapping[str, PropertyValue | None]) -> ModelVersion:
        """Set tags of a version, such as why it was refused; those whose value is None are deleted.

        Raises:
            NotFoundError: there is no such version.
        """
        found = self[version]
        self.store.artifacts.update([ArtifactChange(id=found.id, custom_properties=tags)])
        return self[found.version]

    def load(self, version: int | str = PRODUCTION) -> object:
        """Load the model of a version, by default the one in production."""
        return load_version(self.blobs, self[version])

    def history(self) -> list[LedgerEntry]:
        """Return all decisions on the model and its versions, oldest first."""
        found = list[LedgerEntry]()
        subject = str(ModelRef(self.name))
        while more := self.store.ledger.entries(subject=subject, after=found[-1].seq if found else 0):
            found += more
        return found

    def _move(
        self,
        version: int,
        to: str,
        reason: str,
        kind: str,
        expect_holder: int | None,
        evidence: Mapping[str, Json],
    ) -> ModelVersion:
        transition = Transition(
            model=self.name,
            version=version,
            to=to,
            reason=reason,
            actor=self.actor,
            kind=kind,
            expect_holder=expect_holder,
            evidence=evidence,
        )
        return self.store.models.transition(transition)


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered models: `registry["late-flights"]`."""

    store: Store
    blobs: BlobStore
    actor: str

    def __getitem__(self, name: str) -> Model:
        """Return a handle of the model of this name, which need not be registered yet."""
        return Model(name, self.store, self.blobs, self.actor)

    def __iter__(self) -> Iterator[Model]:
        """Yield all registered models, by name."""
        return (self[model.name] for model in self.search())

    def search(self, filter: str = "", *, order_by: str = "") -> list[RegisteredModel]:
        """Return the registered models that a filter selects, by default all by name.

        Raises:
            FilterError: the filter or order does not parse.
        """
        # The parser takes a while to load, and most programs do not search.
        from headwater.query.parse import parse_filter, parse_order

        tree, order = parse_filter(filter, Entity.CONTEXT), parse_order(order_by, Entity.CONTEXT)
        found, token = list[RegisteredModel](), None
        while True:
            page = self.store.models.page(Listing(filter=tree, order_by=order, limit=1000, page_token=token))
            found += page.items
            if (token := page.next_token) is None:
                return found


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise RefusedError("a decision needs a reason: it is kept in the ledger for those who ask later")
