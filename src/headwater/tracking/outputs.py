"""What a run reads and makes: artifacts with their bytes, and the edges to them."""

import json
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, Final, Protocol, TypeVar

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.blobs import Blob
from headwater.model.data import DataVersion
from headwater.model.graph import (
    MAX_NAME_CHARS,
    Artifact,
    ArtifactLink,
    ArtifactState,
    EventType,
    ExecutionChange,
    NewArtifact,
    Publication,
)
from headwater.model.ids import ArtifactId, ExecutionId, RunId
from headwater.model.models import ModelVersion
from headwater.model.protocols import Store
from headwater.model.refs import DataRef, ModelRef, NodeIdRef, parse_ref
from headwater.tracking.session import Session
from headwater.tracking.validation import check_key, storable

T = TypeVar("T")

_TRIES: Final = 10_000


class Owner(Protocol):
    """The run that artifacts belong to."""

    @property
    def id(self) -> ExecutionId:
        """The execution that it is."""
        ...

    @property
    def run_id(self) -> RunId:
        """Its run id."""
        ...


def log_path(session: Session, run: Owner, path: Path, name: str | None) -> Artifact:
    """Store a file or folder as an output of a run.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: the name cannot be used.
        UnavailableError: the store cannot be reached.
    """
    label = check_artifact_name(path.resolve().name if name is None else name)
    if not path.exists():
        raise NotFoundError("file", str(path))
    is_folder = path.is_dir()
    blob = session.blobs.put_folder(path) if is_folder else session.blobs.put_file(path)
    return _publish(session, run, label, blob, kind="folder" if is_folder else "file", source=str(path))


def log_bytes(session: Session, run: Owner, data: bytes, name: str, *, kind: str) -> Artifact:
    """Store bytes as an output of a run.

    Raises:
        HeadwaterError: as in `log_path`.
    """
    check_artifact_name(name)
    return _publish(session, run, name, session.blobs.put_bytes(data), kind=kind)


def check_artifact_name(name: str) -> str:
    """Check the name of an artifact: that of a key, and a relative path without `..`.

    Raises:
        InvalidError: it is neither.
    """
    check_key("artifact", name)
    parts = PurePath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or name != "/".join(parts):
        raise InvalidError(f"artifact name {name!r} must be a relative path, such as plots/roc.png")
    return name


def json_bytes(obj: Any) -> bytes:
    """Return an object as indented JSON; numpy scalars, dates, enums and paths become what params would.

    Raises:
        InvalidError: it holds itself.
    """
    try:
        return json.dumps(obj, indent=2, ensure_ascii=False, default=storable).encode(
            "utf-8", "backslashreplace"
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidError(f"this {type(obj).__name__} cannot be written as JSON: {error}") from error


def figure_bytes(fig: Any, name: str) -> tuple[bytes, str]:
    """Render a figure.

    Returns:
        The bytes, and the name with a suffix.

    Raises:
        InvalidError: nothing here knows how to render such an object.
    """
    suffix = PurePath(name).suffix.lstrip(".").lower()
    buffer = BytesIO()
    if hasattr(fig, "savefig"):  # matplotlib
        fig.savefig(buffer, format=suffix or "png")
        return buffer.getvalue(), name if suffix else f"{name}.png"
    if hasattr(fig, "write_html") and hasattr(fig, "to_html"):  # plotly
        if suffix in {"", "html"}:
            return fig.to_html(include_plotlyjs="cdn").encode(), name if suffix else f"{name}.html"
        return fig.to_image(format=suffix), name
    if hasattr(fig, "to_html") and hasattr(fig, "mark"):  # altair
        return fig.to_html().encode(), name if suffix else f"{name}.html"
    if hasattr(fig, "save") and hasattr(fig, "tobytes"):  # Pillow
        fig.save(buffer, format={"jpg": "jpeg"}.get(suffix, suffix or "png"))
        return buffer.getvalue(), name if suffix else f"{name}.png"
    raise InvalidError(
        f"a {type(fig).__name__} is no figure that can be rendered: save it to a file and use log_artifact"
    )


def link(session: Session, run: Owner, thing: object, kind: EventType, name: str | None) -> object:
    """Tie something to a run; a tie that is there already stays as it is.

    Returns:
        What was given; for a reference what it names.

    Raises:
        NotFoundError: a reference names nothing.
        InvalidError: it is nothing that a run can read or make.
        UnavailableError: the store cannot be reached.
    """
    found = _resolve(session.store, thing) if isinstance(thing, str) else thing
    artifact_id, label = artifact_of(session.store, found)
    path = (check_key("input" if kind is EventType.INPUT else "output", name or label),)
    tie = ArtifactLink(artifact=artifact_id, type=kind, path=path)
    session.store.links.publish(Publication(execution=ExecutionChange(id=run.id), artifacts=[tie]))
    return found


def artifact_of(store: Store, thing: object) -> tuple[ArtifactId, str]:
    """Return the artifact that something is, and what to call it.

    Raises:
        NotFoundError: a reference names nothing.
        InvalidError: it is no artifact.
    """
    match thing:
        case DataVersion():
            return thing.id, thing.name
        case ModelVersion():
            return thing.id, thing.model
        case Artifact():
            return thing.id, thing.name or f"artifact {thing.id}"
        case str():
            return artifact_of(store, _resolve(store, thing))
        case _ if isinstance(number := getattr(thing, "artifact_id", None), int):
            return ArtifactId(number), str(getattr(thing, "name", None) or f"artifact {number}")
        case _:
            raise InvalidError(
                f"a run cannot read or make a {type(thing).__name__}: give a data set (hw.dataset), a model "
                "version, an artifact, or a reference such as data/NAME/2"
            )


def _resolve(store: Store, text: str) -> DataVersion | ModelVersion | Artifact:
    match parse_ref(text):
        case DataRef(name, version):
            return store.data.version(name, version)
        case ModelRef(name, None, label):
            return store.models.resolve(name, label or "latest")
        case ModelRef(name, int(version)):
            return store.models.version(name, version)
        case NodeIdRef("artifacts", number):
            if found := store.artifacts.get([ArtifactId(number)]):
                return found[0]
            raise NotFoundError("artifact", number)
        case _:
            raise InvalidError(f"{text!r} is no data version, model version or artifact")


def _publish(
    session: Session, run: Owner, name: str, blob: Blob, *, kind: str, source: str | None = None
) -> Artifact:
    """Make the artifact LIVE together with its edge; the bytes are stored and on the disk by now."""
    store, execution = session.store, run.id
    (type_id,) = session.type_ids([builtin.ARTIFACT])
    for number in range(1, _TRIES):
        full_name = f"runs/{run.run_id}/{name}" + (f"#{number}" if number > 1 else "")
        found = store.artifacts.find(type_id, full_name)
        if found is not None and found.digest == blob.digest:
            return found
        if found is not None:
            continue
        new = NewArtifact(
            type_id=type_id,
            name=full_name[:MAX_NAME_CHARS],
            state=ArtifactState.LIVE,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            properties={"kind": kind} | ({"source": source} if source else {}),
        )
        tie = ArtifactLink(artifact=new, type=EventType.OUTPUT, path=(name,))
        try:
            done = store.links.publish(Publication(execution=ExecutionChange(id=execution), artifacts=[tie]))
        except ConflictError:
            # Another thread took the name just now; if with other bytes, the next number is free.
            if (other := store.artifacts.find(type_id, full_name)) is None or other.digest != blob.digest:
                continue
            return other
        return store.artifacts.get(done.artifact_ids)[0]
    raise ConflictError(f"run {run.run_id} has {_TRIES} artifacts named {name!r}")
