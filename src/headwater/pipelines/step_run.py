"""The run that an attempt at a step is: it ends only together with what it made."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnavailableError
from headwater.model.actor import user_name
from headwater.model.graph import ArtifactLink, EventType, Published
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.models import ModelVersion
from headwater.model.runs import NewRun, RunPublication, RunStatus
from headwater.model.values import Json, Properties, PropertyValue
from headwater.pipelines import tags
from headwater.pipelines.bindings import Binding, artifacts_in, is_plain, plain_value
from headwater.pipelines.keys import CacheKey
from headwater.pipelines.leases import new_owner, publish, token_of
from headwater.pipelines.slots import Slot, attempt_run_id
from headwater.tracking import ActiveRun, Session
from headwater.tracking.reads import watch
from headwater.tracking.records import RunEntry
from headwater.tracking.validation import param_values

NEW_REVISION: Final = 1
"""The revision of a run that was just stored."""


class Attempt(Protocol):
    """What a claim has to know of an attempt."""

    @property
    def pipeline(self) -> str: ...  # noqa: D102
    @property
    def run(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> str: ...  # noqa: D102
    @property
    def slot(self) -> Slot: ...  # noqa: D102
    @property
    def attempt(self) -> int: ...  # noqa: D102
    @property
    def bindings(self) -> Mapping[str, Binding]: ...  # noqa: D102
    @property
    def key(self) -> CacheKey: ...  # noqa: D102
    @property
    def parent_id(self) -> ExecutionId: ...  # noqa: D102
    @property
    def contexts(self) -> tuple[ContextId, ...]: ...  # noqa: D102
    @property
    def facts(self) -> Properties: ...  # noqa: D102
    @property
    def before(self) -> tuple[ExecutionId, ...]: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102


class StepRun(ActiveRun):
    """The run of one attempt at a step. Its `with` block does not end it; `finish` does, once."""

    def __init__(
        self, session: Session, entry: RunEntry, token: str, task: Attempt, params: Properties
    ) -> None:
        super().__init__(session, entry, experiment=task.pipeline, name=str(task.slot), params=params)
        self._token, self._task = token, task
        self.undeclared: list[str] = []
        self.has_more_reads = False
        self._watch_reads()

    def end(self, status: RunStatus = RunStatus.FINISHED, error: str | None = None) -> None:
        """Refuse: the run of a step ends when the step's function returns.

        Raises:
            RefusedError: always, unless it has ended.
        """
        if not self._is_over:
            told = "" if error is None else f" (asked to end it as {status.name.lower()}: {error})"
            raise RefusedError(f"the run of a step ends when the step's function returns{told}")

    def end_at_exit(self) -> None:
        """End the run because the process ends."""
        self.finish(RunStatus.KILLED, "the process ended")

    def finish(
        self,
        status: RunStatus,
        error: str | None = None,
        *,
        artifacts: tuple[ArtifactLink, ...] = (),
        noted: Mapping[str, PropertyValue | None] | None = None,
        facts: Mapping[str, PropertyValue | None] | None = None,
        following: "Claim | None" = None,
    ) -> list[Published]:
        """End the run together with what it made; the second time nothing happens.

        Returns:
            The end, and the claim that was to follow, where it could be made at the same time.

        Raises:
            RefusedError: the attempt was taken away in the meantime.
            UnavailableError: the store cannot be reached.
        """
        if self._is_over:
            return []
        self.stop_reading()
        try:
            self._session.flush(None)
            return publish(
                self._session.store,
                self.id,
                self._token,
                status=status,
                end_ms=self._session.clock_ms(),
                error=error,
                artifacts=artifacts,
                contexts=self._task.contexts,
                tags_=noted,
                properties=facts,
                revision=NEW_REVISION,
                following=() if following is None else (following.publication,),
            )
        finally:
            self._forget()

    def stop_reading(self) -> None:
        """Note what the function has read, and nothing more."""
        if self._reads is not None:
            watch.end(self._reads)
            found = self._reads.undeclared()
            files, more = found["files"], found["more"]
            self.undeclared = [str(file) for file in files] if isinstance(files, list) else []
            self.has_more_reads = bool(more)
            self._reads = None

    @contextmanager
    def loading(self) -> Generator[None]:
        """Load inputs: what is read meanwhile is read by us."""
        with watch.ignoring():
            yield

    def declare(self, *places: object) -> None:
        """Take the places of inputs: reading them is no surprise."""
        self._declare(*places)

    @property
    def has_ended(self) -> bool:
        """True when its end is in the store, or may be."""
        return self._is_over

    def _known_versions(self) -> list[ModelVersion]:
        # What an interrupted attempt has registered already is not registered again.
        return _versions_of(self._session, self._task.before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    @property
    def session(self) -> Session:
        """What it is logged through."""
        return self._session

    def shown(self, path: str) -> Path:
        """Return the file that a name in `undeclared` means."""
        return self._session.project_root / path


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim to an attempt, as it is stored when it is made."""

    session: Session
    task: Attempt
    token: str
    new: NewRun
    publication: RunPublication

    def made(self, execution: ExecutionId) -> StepRun:
        """Return the run of the attempt, now that the claim is stored."""
        entry = RunEntry(run_id=self.new.run_id, execution_id=execution)
        return StepRun(self.session, entry, self.token, self.task, self.new.params)


def claim(session: Session, task: Attempt) -> StepRun:
    """Claim an attempt: of several that try, one gets it.

    Raises:
        ConflictError: somebody else has it.
        UnavailableError: the store cannot be reached.
    """
    wanted = claim_to(session, task)
    try:
        execution = session.store.runs.publish(wanted.publication).execution_id
    except UnavailableError:
        # Nobody knows whether it arrived: the token in the store does.
        found = session.store.runs.get([wanted.new.run_id])
        if not found:
            raise
        if token_of(found[0]) != wanted.token:
            raise ConflictError(f"attempt {task.attempt} at {task.slot} is somebody else's") from None
        execution = found[0].id
    return wanted.made(execution)


def forestall(session: Session, task: Attempt, error: str) -> ExecutionId | None:
    """Claim an attempt that nobody has begun, and let it fail: whoever comes to it late finds it taken.

    Returns:
        Its execution; None where somebody has claimed it, or nobody can.
    """
    try:
        run = claim(session, task)
    except (ConflictError, NotFoundError, InvalidError):
        return None
    run.finish(RunStatus.FAILED, error)
    return run.id


def claim_to(session: Session, task: Attempt) -> Claim:
    """Return the claim to an attempt; nothing is stored yet."""
    owner = new_owner()
    new = NewRun(
        run_id=attempt_run_id(task.seed, task.slot, task.attempt),
        experiment=task.pipeline,
        name=str(task.slot),
        start_ms=session.clock_ms(),
        user=user_name(),
        host=owner.host,
        parent_id=task.parent_id,
        properties=task.facts,
        params=_params(task.bindings),
        tags=_tags(task, owner.as_json()),
    )
    links = tuple(
        ArtifactLink(artifact=artifact, type=EventType.INPUT, path=path)
        for name, binding in task.bindings.items()
        for path, artifact in artifacts_in(binding, (name,))
    )
    publication = RunPublication(run=new, artifacts=_once(links), contexts=task.contexts)
    return Claim(session=session, task=task, token=owner.token, new=new, publication=publication)


def _params(bindings: Mapping[str, Binding]) -> Properties:
    plain = {name: plain_value(binding) for name, binding in bindings.items() if is_plain(binding)}
    return param_values(plain)


def _tags(task: Attempt, owner: dict[str, Json]) -> dict[str, PropertyValue]:
    found: dict[str, PropertyValue] = {
        tags.PIPELINE: task.pipeline,
        tags.RUN: task.run,
        tags.STEP: str(task.slot),
        tags.ATTEMPT: task.attempt,
        tags.PARTS: task.key.as_json(),
        tags.OWNER: owner,
    }
    return found | ({tags.REASON: task.reason} if task.reason else {})


def _once(links: tuple[ArtifactLink, ...]) -> tuple[ArtifactLink, ...]:
    """Keep the first edge to each artifact: an execution reads one once, however often it is given it."""
    return tuple({(link.artifact, link.type): link for link in reversed(links)}.values())[::-1]


def _versions_of(session: Session, attempts: tuple[ExecutionId, ...]) -> list[ModelVersion]:
    """Return the model versions that earlier attempts have registered."""
    if not attempts:
        return []
    events = session.store.links.events_of_executions(attempts, are_outputs=True)
    return session.store.models.by_artifact_ids([event.artifact_id for event in events])
