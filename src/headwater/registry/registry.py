"""All registered models as their users see them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater.model.approvals import ApprovalRequest
from headwater.model.filters import Entity
from headwater.model.ledger import check_reason
from headwater.model.listing import Listing
from headwater.model.models import ModelVersion, RegisteredModel
from headwater.model.protocols import BlobStore, Store
from headwater.model.release import ReleaseProcess
from headwater.model.values import Properties
from headwater.registry.loading import LoadCheck
from headwater.registry.model import Model


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered models: `registry["late-flights"]`."""

    store: Store
    blobs: BlobStore
    actor: str
    load_check: LoadCheck = field(default_factory=LoadCheck)

    def __getitem__(self, name: str) -> Model:
        """Return a handle of the model of this name, which need not be registered yet."""
        return Model(name, self.store, self.blobs, self.actor, self.load_check)

    def register(
        self,
        name: str,
        *,
        description: str | None = None,
        owner: str | None = None,
        tags: Properties | None = None,
    ) -> Model:
        """Register a model before it has a version; one that is there stays as it is.

        Raises:
            InvalidError: the name is unusable.
            ConflictError: the one that is there is deleted.
        """
        self.store.models.register(name, description=description, owner=owner, tags=tags, actor=self.actor)
        return self[name]

    def requests(self, *, only_open: bool = True) -> list[ApprovalRequest]:
        """Return the approval requests for all models, oldest first."""
        return self.store.approvals.requests(only_open=only_open)

    def process(self) -> ReleaseProcess:
        """Return the release process of the models that have none of their own."""
        return self.store.releases.process()

    def set_process(self, process: ReleaseProcess | None, *, reason: str) -> None:
        """Change the release process of all models that have none of their own; None: the built-in one.

        Raises:
            InvalidError: the process makes no sense.
            RefusedError: versions stand where it has no place for them.
        """
        check_reason(reason)
        self.store.releases.set_process(process, actor=self.actor, reason=reason)

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

    def search_versions(
        self, filter: str = "", *, order_by: str = "", limit: int | None = None
    ) -> list[ModelVersion]:
        """Return the versions of all models that a filter selects, by default all by id.

        Raises:
            FilterError: the filter or order does not parse.
        """
        from headwater.query.parse import parse_filter, parse_order

        tree, order = parse_filter(filter, Entity.VERSION), parse_order(order_by, Entity.VERSION)
        found, token = list[ModelVersion](), None
        while limit is None or len(found) < limit:
            size = 1000 if limit is None else min(1000, limit - len(found))
            listing = Listing(filter=tree, order_by=order, limit=size, page_token=token)
            page = self.store.models.page_versions(listing)
            found += page.items
            if (token := page.next_token) is None:
                break
        return found
