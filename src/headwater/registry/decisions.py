"""What is decided and seen about the versions of a model, beside moving them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from headwater.model.approvals import ApprovalRequest, NewRequest, NewVote
from headwater.model.ledger import check_reason
from headwater.model.models import PRODUCTION, Description
from headwater.model.protocols import BlobStore, Store
from headwater.model.release import ReleaseProcess
from headwater.model.values import Json, PropertyValue
from headwater.model.verdicts import Deployment, Exhibit, NewDeployment, NewVerdict, Outcome, Verdict
from headwater.registry.loading import LoadCheck

UNSAID = "\0"
"""The mark of a fact that stays as it is; None removes it."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Verdicts, approvals, deployments, descriptions and deletion of one registered model."""

    name: str
    store: Store
    blobs: BlobStore
    actor: str
    load_check: LoadCheck = field(default_factory=LoadCheck)

    def add_verdict(
        self,
        version: int,
        *,
        gate: str,
        outcome: Outcome | str,
        summary: str = "",
        facts: Mapping[str, Json] | None = None,
        config_digest: str | None = None,
        baseline: int | None = None,
        data: Sequence[str] = (),
        exhibits: Sequence[Exhibit] = (),
        key: str | None = None,
    ) -> Verdict:
        """Store what a gate found about a version: an evaluation that read it and put out a verdict.

        Args:
            version: Number of the version.
            gate: Name of the gate; policies ask for it by this.
            outcome: `pass`, `fail` or `insufficient`.
            summary: The finding in words.
            facts: What it rests on, as JSON.
            config_digest: Digest of the gate's settings.
            baseline: Number of the version that it was compared with.
            data: References of the data versions that it was judged on, such as `data/flights/2`.
            exhibits: Bytes in the blob store that belong to it, such as curves.
            key: Idempotency key: the same call again stores nothing.

        Raises:
            NotFoundError: there is no such version, baseline or data version.
            ValueError: there is no such outcome.
        """
        new = NewVerdict(
            model=self.name,
            version=version,
            gate=gate,
            outcome=Outcome(outcome),
            actor=self.actor,
            summary=summary,
            facts=facts or {},
            config_digest=config_digest,
            baseline=baseline,
            data=tuple(data),
            exhibits=tuple(exhibits),
        )
        return self.store.releases.add_verdict(new, key=key)

    def verdicts(self, version: int) -> dict[str, Verdict]:
        """Return the newest verdict on a version by gate: the one that counts."""
        return {each.gate: each for each in self.store.releases.verdicts(self.name, version)}

    def request(self, version: int, *, to: str = PRODUCTION, reason: str) -> ApprovalRequest:
        """Ask that a version may go to a stage.

        Raises:
            RefusedError: it is there, or a request for it is open.
        """
        return self.store.approvals.request(self._request(version, to, reason))

    def approve(self, version: int, *, to: str = PRODUCTION, reason: str) -> ApprovalRequest:
        """Approve the open request of a version for a stage.

        Raises:
            NotFoundError: no request is open.
            RefusedError: the actor may not approve, or has.
        """
        return self._vote(version, to, reason, approves=True)

    def reject(self, version: int, *, to: str = PRODUCTION, reason: str) -> ApprovalRequest:
        """Reject it: while the rejection stands, the version cannot go there by approval."""
        return self._vote(version, to, reason, approves=False)

    def take_back(self, version: int, *, to: str = PRODUCTION, reason: str) -> ApprovalRequest:
        """Take the actor's own vote back."""
        return self._vote(version, to, reason, approves=None)

    def withdraw(self, version: int, *, to: str = PRODUCTION, reason: str) -> ApprovalRequest:
        """Close the open request of a version for a stage.

        Raises:
            NotFoundError: no request is open.
            RefusedError: it is somebody else's, and the actor may not approve.
        """
        return self.store.approvals.withdraw(self._request(version, to, reason))

    def requests(self, version: int | None = None, *, only_open: bool = True) -> list[ApprovalRequest]:
        """Return the requests for the model or one of its versions, oldest first."""
        return self.store.approvals.requests(self.name, version, only_open=only_open)

    def record_deployment(
        self, version: int | None, *, target: str, url: str | None = None, note: str = ""
    ) -> Deployment:
        """Store which version was put, or seen, at a target; None: the model was taken away from there."""
        new = NewDeployment(
            model=self.name, version=version, target=target, actor=self.actor, url=url, note=note
        )
        return self.store.releases.record_deployment(new)

    def deployments(self) -> list[Deployment]:
        """Return what was seen last at each target, by target."""
        return self.store.releases.deployments(self.name)

    def describe(
        self,
        version: int | None = None,
        *,
        description: str | None = UNSAID,
        owner: str | None = UNSAID,
        tags: Mapping[str, PropertyValue | None] | None = None,
        reason: str = "",
    ) -> None:
        """Set description, owner and tags of the model, or description and tags of a version; None removes.

        Raises:
            NotFoundError: there is no such model or version.
            InvalidError: a version has no owner of its own.
        """
        given = {"description": description, "owner": owner}
        facts = {name: value for name, value in given.items() if value != UNSAID}
        new = Description(
            model=self.name, version=version, facts=facts, tags=tags or {}, actor=self.actor, reason=reason
        )
        self.store.models.describe(new)

    def rename(self, new_name: str, *, reason: str) -> None:
        """Give the model another name; versions, stages, aliases, process and history stay with it.

        This handle keeps the old name: take a new one.

        Raises:
            ConflictError: the name is taken, if only by a deleted model.
            RefusedError: it is the present name, or the reason is empty.
        """
        check_reason(reason)
        self.store.models.rename(self.name, new_name, actor=self.actor, reason=reason)

    def deprecate(self, version: int, *, reason: str) -> None:
        """Say that nobody should use a version: loading warns, and it cannot go to production.

        Raises:
            RefusedError: it is deprecated already, or the reason is empty.
        """
        check_reason(reason)
        self.store.models.deprecate(self.name, version, actor=self.actor, reason=reason)

    def undeprecate(self, version: int, *, reason: str) -> None:
        """Take a deprecation back.

        Raises:
            RefusedError: it is not deprecated.
        """
        self.store.models.undeprecate(self.name, version, actor=self.actor, reason=reason)

    def delete_version(self, version: int, *, reason: str, force: bool = False) -> None:
        """Delete a version; it can be restored until it is collected as garbage.

        Raises:
            RefusedError: it is in production; or was once, and it is not forced; or the reason is empty.
        """
        check_reason(reason)
        self.store.models.delete(self.name, version, actor=self.actor, reason=reason, force=force)

    def restore_version(self, version: int, *, reason: str) -> None:
        """Take the deletion of a version back.

        Raises:
            RefusedError: it is not deleted.
        """
        self.store.models.restore(self.name, version, actor=self.actor, reason=reason)

    def delete(self, *, reason: str, force: bool = False) -> None:
        """Delete the model with all of its versions.

        Raises:
            RefusedError: as in `delete_version`, for any of the versions.
        """
        check_reason(reason)
        self.store.models.delete(self.name, actor=self.actor, reason=reason, force=force)

    def restore(self, *, reason: str) -> None:
        """Take the deletion of the model back, with the versions that were deleted with it.

        Raises:
            NotFoundError: there never was such a model.
            RefusedError: it is not deleted.
        """
        self.store.models.restore(self.name, actor=self.actor, reason=reason)

    def process(self) -> ReleaseProcess:
        """Return the release process of the model: its own, else that of all models."""
        return self.store.releases.process(self.name)

    def set_process(self, process: ReleaseProcess | None, *, reason: str) -> None:
        """Give the model a release process of its own; None: it has that of all models.

        Raises:
            InvalidError: the process makes no sense.
            RefusedError: versions stand where it has no place for them.
        """
        check_reason(reason)
        change = partial(self.store.releases.set_process, process, name=self.name)
        change(actor=self.actor, reason=reason)

    def _request(self, version: int, to: str, reason: str) -> NewRequest:
        check_reason(reason)
        return NewRequest(model=self.name, version=version, stage=to, actor=self.actor, reason=reason)

    def _vote(self, version: int, to: str, reason: str, *, approves: bool | None) -> ApprovalRequest:
        check_reason(reason)
        vote = NewVote(
            model=self.name, version=version, stage=to, actor=self.actor, reason=reason, approves=approves
        )
        return self.store.approvals.vote(vote)
