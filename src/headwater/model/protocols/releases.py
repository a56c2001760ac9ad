"""What a store does with release processes, approvals, verdicts and deployments."""

from typing import Protocol

from headwater.model.approvals import ApprovalRequest, Decision, NewRequest, NewVote
from headwater.model.graph import Published
from headwater.model.models import Transition
from headwater.model.release import Need, ReleaseProcess
from headwater.model.verdicts import Deployment, NewDeployment, NewVerdict, Verdict


class ReleaseStore(Protocol):
    """How versions are released: processes, verdicts, and what was seen running."""

    def process(self, name: str | None = None, /) -> ReleaseProcess:
        """Return the release process of a model: its own, else that of all models.

        Raises:
            NotFoundError: there is no such model.
        """
        ...

    def set_process(
        self, process: ReleaseProcess | None, /, *, name: str | None = None, actor: str, reason: str
    ) -> None:
        """Change the process of a model, or without a name of all that have no own; None removes it.

        Raises:
            InvalidError: the process makes no sense.
            RefusedError: versions or aliases stand where the process has no place for them.
        """
        ...

    def check(self, wanted: Transition, /) -> list[Need]:
        """Return everything that a move lacks; empty when it would be made. Nothing is changed.

        Raises:
            NotFoundError, InvalidError: there is no such version or stage.
            RefusedError: the version is deleted.
        """
        ...

    def add_verdict(self, new: NewVerdict, /, *, key: str | None = None) -> Verdict:
        """Store a verdict, with the evaluation that made it.

        The evaluation has the version, the baseline and the data versions as inputs, the verdict and
        its exhibits as outputs.

        Raises:
            NotFoundError: there is no such version, baseline or data version.
            InvalidError: what stands for a data version names none, or two exhibits have one name.
            RefusedError: the version is deleted.
        """
        ...

    def verdicts(self, name: str, version: int, /) -> list[Verdict]:
        """Return the verdicts on a version, oldest first; the newest of a gate is the one that counts."""
        ...

    def record_deployment(self, new: NewDeployment, /, *, key: str | None = None) -> Deployment:
        """Store what was put, or seen, at a target, with the version as input.

        Raises:
            NotFoundError: there is no such version.
        """
        ...

    def deployments(self, name: str | None = None, /) -> list[Deployment]:
        """Return what was seen last of a model, or of all, at each target; by model and target.

        A version that is None says that the model was taken away from there.
        """
        ...


class ApprovalStore(Protocol):
    """Requests that a version may go to a stage, votes on them, and decisions that executions wait for.

    Each step is in the ledger.
    """

    def request(self, new: NewRequest, /) -> ApprovalRequest:
        """Open a request.

        Raises:
            NotFoundError, InvalidError: there is no such version or stage.
            RefusedError: the version is deleted or in the stage, or a request for it is open.
        """
        ...

    def vote(self, new: NewVote, /) -> ApprovalRequest:
        """Approve, reject, or take a vote back, on the open request of a version and a stage.

        Raises:
            NotFoundError: no request is open.
            RefusedError: the actor may not vote, has voted like this, or has no vote to take back.
        """
        ...

    def withdraw(self, new: NewRequest, /) -> ApprovalRequest:
        """Close the open request of a version and a stage; by who made it or who may approve.

        Raises:
            NotFoundError: no request is open.
            RefusedError: it is somebody else's.
        """
        ...

    def decide(self, decision: Decision, /) -> Published:
        """End an execution that waits for a decision, and enter the decision in the ledger: all or none.

        The entry's action is `approve` or `reject`.

        Raises:
            NotFoundError, StaleWriteError, ConflictError, InvalidError: as in `LinkStore.publish`.
        """
        ...

    def requests(
        self, model: str | None = None, version: int | None = None, /, *, only_open: bool = True
    ) -> list[ApprovalRequest]:
        """Return requests, oldest first: of all models, of one, or of one version."""
        ...
