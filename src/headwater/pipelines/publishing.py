"""Publishing what a step made: bytes first, then one transaction that makes all of it count.

Bytes go to the blob store under their digest, whole and on the disk, before anything names them. The
transaction that turns the execution COMPLETE is the one that ties its outputs to it, so there is never
an output of a step that did not end.
"""

from pathlib import Path
from typing import Any, Final, Protocol, cast

from headwater.errors import InvalidError
from headwater.model import builtin
from headwater.model.graph import (
    MAX_NAME_CHARS,
    ArtifactLink,
    ArtifactState,
    EventPath,
    EventType,
    NewArtifact,
    Published,
)
from headwater.model.ids import ArtifactId
from headwater.model.runs import RunStatus
from headwater.model.values import Json, PropertyValue
from headwater.pipelines import tags
from headwater.pipelines.contracts import Contract, Shape, is_dataset, is_statistics, is_version
from headwater.pipelines.keys import CacheKey
from headwater.pipelines.slots import Slot
from headwater.pipelines.step_run import Claim, StepRun
from headwater.pipelines.values import Kind, Stored, Written, kept_with, stored_artifact, write_value
from headwater.tracking import Session, log_dataset
from headwater.tracking.reads import watch

OUTPUT: Final = "output"
READ: Final = "read"
MAX_READ_BYTES: Final = 1 << 30
"""Undeclared files up to this size are read again, to tell whether they changed."""


class Made(Protocol):
    """What publishing has to know of an attempt."""

    @property
    def pipeline(self) -> str: ...  # noqa: D102
    @property
    def run(self) -> str: ...  # noqa: D102
    @property
    def slot(self) -> Slot: ...  # noqa: D102
    @property
    def attempt(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> CacheKey: ...  # noqa: D102
    @property
    def is_reusable(self) -> bool: ...  # noqa: D102


class Outputs:
    """What one attempt made.

    Args:
        session: Where it is kept.
        run: The attempt.
        task: What it is an attempt at.
        contract: What the step gives.
    """

    def __init__(self, session: Session, run: StepRun, task: Made, contract: Contract) -> None:
        self._session, self._run, self._task, self._contract = session, run, task, contract
        self._items: list[Stored | Written] = []
        self.shape = contract.shape
        self.reads: dict[str, str] = {}

    def take(self, value: Any) -> None:
        """Store the bytes of what the function returned.

        Raises:
            InvalidError: it is not what the step is annotated to return, or nothing that can be kept.
        """
        with watch.ignoring():
            for index, item in enumerate(self._elements(value)):
                self._items.append(self._item(item, self._contract.output(index), index))

    def publish(self, following: Claim | None = None) -> tuple[tuple[Stored, ...], list[Published]]:
        """End the attempt, complete with its outputs, and make the claim that follows where it can be made.

        Returns:
            The outputs; and the end and the claim, as they were stored.

        Raises:
            RefusedError: the attempt was taken away in the meantime.
        """
        with watch.ignoring():
            reads, is_known = self._note_reads()
        links = tuple(
            ArtifactLink(artifact=self._artifact(item, index), type=EventType.OUTPUT, path=self._path(index))
            for index, item in enumerate(self._items)
        )
        noted: dict[str, PropertyValue | None] = {tags.SHAPE: self.shape.value}
        if self.reads:
            files: dict[str, Json] = {**self.reads}
            noted[tags.READS] = files
        if self._task.is_reusable and is_known:
            noted[tags.KEY] = self._task.key.digest
        facts: dict[str, PropertyValue | None] = {}
        if not is_known:
            names: list[Json] = [*self._run.undeclared]
            facts["undeclared_reads"] = {"files": names, "more": int(self._run.has_more_reads)}
        # Their edges may be there already, under a name that the function gave them, and are not made twice.
        known: list[Json] = [i.artifact_id if isinstance(i, Stored) else None for i in self._items]
        if any(known):
            noted[tags.OUTPUTS] = known
        published = self._run.finish(
            RunStatus.FINISHED, artifacts=(*links, *reads), noted=noted, facts=facts, following=following
        )
        return self._stored(published[0].artifact_ids if published else ()), published

    def _elements(self, value: Any) -> list[Any]:
        if self.shape is Shape.ONE:
            return [value]
        if not isinstance(value, (list, tuple)):
            raise InvalidError(
                f"step {self._task.slot} is annotated -> {self._contract.text} and returned a "
                f"{type(value).__name__}"
            )
        items = list(cast("list[Any]", value))
        if self.shape is Shape.TUPLE and len(items) != len(self._contract.outputs):
            raise InvalidError(
                f"step {self._task.slot} is annotated to return {len(self._contract.outputs)} values and "
                f"returned {len(items)}"
            )
        return items

    def _item(self, value: Any, hint: Any, index: int) -> Stored | Written:
        if (found := stored_artifact(self._session, value)) is not None:
            return found
        if is_dataset(hint):
            return cast(
                "Stored", stored_artifact(self._session, log_dataset(self._session, self._name(index), value))
            )
        if is_version(hint):
            return cast(
                "Stored", stored_artifact(self._session, self._run.log_model(self._name(index), value))
            )
        if is_statistics(hint) and not is_statistics(type(value)):
            raise InvalidError(
                f"step {self._task.slot} is annotated -> {self._contract.text} and returned a "
                f"{type(value).__name__}"
            )
        return write_value(self._session, value)

    def _name(self, index: int) -> str:
        """Return the name of a data set or model that the step only returns: `PIPELINE/STEP`."""
        name = f"{self._task.pipeline}/{self._task.slot.node}"
        return name if self.shape is not Shape.TUPLE else f"{name}.{index}"

    def _path(self, index: int) -> EventPath:
        return (OUTPUT,) if self.shape is Shape.ONE else (OUTPUT, index)

    def _artifact(self, item: Stored | Written, index: int) -> NewArtifact | ArtifactId:
        if isinstance(item, Stored):
            return item.artifact_id
        name = f"{self._task.pipeline}/{self._task.run}/{self._task.slot}"
        name += f"#{self._task.attempt}" if self._task.attempt > 1 else ""
        name += "" if self.shape is Shape.ONE else f"/{index}"
        (type_id,) = self._session.type_ids([item.type])
        kind = {"kind": item.kind.value} if item.type is builtin.ARTIFACT else {}
        return NewArtifact(
            type_id=type_id,
            name=name if len(name) <= MAX_NAME_CHARS else None,
            state=ArtifactState.LIVE,
            digest=item.blob.digest,
            size_bytes=item.blob.size_bytes,
            properties={**kind, **item.facts},
            custom_properties=kept_with(item),
        )

    def _stored(self, ids: tuple[ArtifactId, ...]) -> tuple[Stored, ...]:
        found: list[Stored] = []
        for index, item in enumerate(self._items):
            if isinstance(item, Stored):
                found.append(item)
                continue
            digest = item.blob.digest
            found.append(
                Stored(
                    artifact_id=ids[index],
                    kind=item.kind,
                    digest=digest,
                    bytes_digest=digest if item.text is None else None,
                    detail=item.detail,
                    text=item.text,
                )
            )
        return tuple(found)

    def _note_reads(self) -> tuple[list[ArtifactLink], bool]:
        """Record files that the function read without declaring them as inputs.

        Returns:
            The inputs, and whether they are all that it read.
        """
        if self._run.has_more_reads:
            return [], False
        for name in self._run.undeclared:
            digest = read_digest(self._run.shown(name))
            if digest is None:
                return [], False
            self.reads[name] = digest
        return [
            ArtifactLink(artifact=self._file(name, digest), type=EventType.INPUT, path=(READ, name))
            for name, digest in self.reads.items()
        ], True

    def _file(self, name: str, digest: str) -> NewArtifact | ArtifactId:
        uri = self._run.shown(name).as_uri()
        known = self._session.store.artifacts.by_uris([uri])
        if found := next((each.id for each in known if each.digest == digest), None):
            return found
        (type_id,) = self._session.type_ids([builtin.ARTIFACT])
        return NewArtifact(
            type_id=type_id,
            uri=uri,
            state=ArtifactState.REFERENCE,
            digest=digest,
            properties={"kind": Kind.FILE.value, "source": name},
        )


def read_digest(path: Path) -> str | None:
    """Return the digest of a file that was read; None where nobody can tell whether it changed."""
    from headwater.blobs import file_blob

    try:
        if not path.is_file() or path.stat().st_size > MAX_READ_BYTES:
            return None
        return file_blob(path).digest
    except OSError:
        return None
