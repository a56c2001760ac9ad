"""One registered model as its users see it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from headwater.errors import RefusedError, UnmetError
from headwater.model.filters import Comparison, Field, Operator, Scope
from headwater.model.graph import ArtifactChange
from headwater.model.ledger import LedgerEntry, check_reason
from headwater.model.listing import Listing, Order
from headwater.model.models import PRODUCTION, ModelVersion, RegisteredModel, Transition
from headwater.model.refs import ModelRef
from headwater.model.release import Need, NeedKind
from headwater.model.values import INT64_MAX, Json, PropertyValue
from headwater.registry.comparing import VersionComparison, compare_versions
from headwater.registry.decisions import Decisions
from headwater.registry.loading import LoadCheck, load_version, verify_version
from headwater.registry.status import VersionStatus, status_of

_RULES: Final = frozenset({NeedKind.TRANSITION, NeedKind.HOLDER})
"""What a move is refused for by its own words, not by a policy."""


@dataclass(frozen=True, slots=True)
class Model(Decisions):
    """One registered model: look at its versions, move them between stages, load them."""

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

    def versions(self, *, page_size: int = 1000) -> list[ModelVersion]:
        """Return all versions, oldest first; `page_size` of them are read at once."""
        mine = Comparison(Field(Scope.ATTRIBUTE, "model"), Operator.EQ, self.name)
        order = (Order(Field(Scope.ATTRIBUTE, "version")),)
        found, token = list[ModelVersion](), None
        while True:
            listing = Listing(filter=mine, order_by=order, limit=page_size, page_token=token)
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
        loads: bool = True,
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
            loads: Try to load the model; otherwise only its digest is checked.

        Raises:
            UnmetError: the policy of the stage asks for more; its `missing` says for what.
            RefusedError: the stages do not allow the move, the model does not load, or the reason is empty.
            NotFoundError, CorruptError: the version or its bytes are not as they should be.
        """
        check_reason(reason)
        wanted = self._transition(version, to, reason, "promote", expect_holder, evidence or {})
        # Before the model is loaded, which takes a while; the move itself asks again.
        if missing := [n for n in self.store.releases.check(wanted) if n.kind not in _RULES]:
            raise UnmetError(self[version].ref, to, missing)
        verify_version(self.blobs, self[version], self._check(loads=loads))
        return self.store.models.transition(wanted)

    def missing(self, version: int, to: str = PRODUCTION) -> list[Need]:
        """Return everything that a promotion lacks; empty when it would be made. Nothing is changed.

        Raises:
            NotFoundError, InvalidError: there is no such version or stage.
            RefusedError: the version is deleted.
        """
        return self.store.releases.check(self._transition(version, to, "", "promote", None, {}))

    def rollback(
        self, *, reason: str, stage: str = PRODUCTION, version: int | None = None, loads: bool = True
    ) -> ModelVersion:
        """Put the version back that held a stage before, after checking that it is intact and loads.

        A rollback is a new decision with its own record; nothing is undone. A
        second rollback goes one version further back.

        Args:
            reason: Why; kept in the ledger for ever.
            stage: The stage.
            version: A version that was in the stage before; by default the one before the present one.
            loads: Try to load the model; otherwise only its digest is checked.

        Raises:
            RefusedError: no version held the stage before, the model does not load, or the reason is empty.
            NotFoundError, CorruptError: the version's bytes are not as they should be; nothing has changed.
        """
        check_reason(reason)
        model = self.info()
        before = self.store.models.previous_holder(self.name, stage) if version is None else self[version]
        if before is None:
            raise RefusedError(f"no earlier version of {self.name!r} was in {stage}: nothing to go back to")
        holder = model.stages.get(stage, 0)
        wanted = self._transition(before.version, stage, reason, "rollback", holder, {})
        verify_version(self.blobs, before, self._check(loads=loads))
        return self.store.models.transition(wanted)

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
        """Return all decisions on the model and its versions, whatever it was called then, oldest first."""
        return self._history(self.name, until=INT64_MAX)

    def status(self, version: int) -> VersionStatus:
        """Return where a version stands: verdicts, approvals, intended stage and aliases, what was seen.

        Raises:
            NotFoundError: there is no such version.
        """
        return status_of(
            self[version],
            self.verdicts(version),
            self.requests(version, only_open=False),
            self.deployments(),
            self.process().stages.exclusive,
        )

    def compare(self, left: int | str, right: int | str) -> VersionComparison:
        """Put two versions side by side: metrics with their differences, params, tags, signature, verdicts.

        Raises:
            NotFoundError: there is no such version.
        """
        one, two = self[left], self[right]
        return compare_versions(one, two, (self.verdicts(one.version), self.verdicts(two.version)))

    def _history(self, name: str, *, until: int) -> list[LedgerEntry]:
        """Return the decisions of before the entry `until` on the model that was called so then."""
        found = [entry for entry in self._entries(name) if entry.seq < until]
        subject = str(ModelRef(name))
        renames = [i for i, e in enumerate(found) if e.action == "rename" and e.subject == subject]
        if not renames:
            return found
        since = found[renames[-1] :]
        if since[0].details["before"] == name:
            # Another model gave the name up.
            return since[1:]
        # The entry under the old name stands right before the one under the new name, and says the same.
        return self._history(str(since[0].details["before"]), until=since[0].seq - 1) + since

    def _entries(self, name: str) -> list[LedgerEntry]:
        found = list[LedgerEntry]()
        subject = str(ModelRef(name))
        while more := self.store.ledger.entries(subject=subject, after=found[-1].seq if found else 0):
            found += more
        return found

    def _check(self, *, loads: bool) -> LoadCheck:
        return self.load_check if loads else replace(self.load_check, is_on=False)

    def _transition(
        self,
        version: int,
        to: str,
        reason: str,
        kind: str,
        expect_holder: int | None,
        evidence: Mapping[str, Json],
    ) -> Transition:
        return Transition(
            model=self.name,
            version=version,
            to=to,
            reason=reason,
            actor=self.actor,
            kind=kind,
            expect_holder=expect_holder,
            evidence=evidence,
        )
