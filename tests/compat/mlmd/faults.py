"""Proof that a request has more than one fault: parts of it, on each of which both libraries agree."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from headwater.compat.mlmd.errors import StatusError
from headwater.compat.mlmd.service import MetadataService
from headwater.store import open_store
from tests.compat.mlmd.differences import comparable, excuse
from tests.compat.mlmd.messages import KINDS
from tests.compat.mlmd.peer import Answer, Original

MAX_PARTS = 1_000
_UNKNOWN, _INT = 0, 1
_OPTIONAL = {
    *((f"{kind.capitalize()}Type", field) for kind in KINDS for field in ("base_type", "external_id")),
    *((f"Put{kind.capitalize()}TypeRequest", "all_fields_match") for kind in KINDS),
    *((kind.capitalize(), "external_id") for kind in KINDS),
    ("PutTypesRequest", "all_fields_match"),
    ("Artifact", "name"),
    ("Execution", "name"),
    ("ArtifactAndEvent", "event"),
}
"""Fields that a request can do without, so leaving them out makes no new fault."""
_LENIENT = ("can_add_fields", "can_omit_fields")
"""Flags that allow more when they are set."""

Ask = Callable[[str, Any], tuple[Answer, Answer]]
"""Asks both libraries, theirs first."""


class Copies:
    """Both libraries on copies of their files; what they write there does not last."""

    def __init__(self, original: Original, theirs: Path, ours: Path) -> None:
        self._original, self._files = original, (theirs, ours)

    def ask(self, method: str, request: Any) -> tuple[Answer, Answer]:
        """Ask both on fresh copies."""
        theirs, ours = (_copied(file) for file in self._files)
        self._original.open(theirs)
        expected = self._original.call(method, request)
        with open_store(f"sqlite:///{ours}") as store:
            try:
                found = Answer(0, MetadataService(store).call(method, request))
            except StatusError as error:
                found = Answer(error.error_code, None, error.message)
        return expected, found

    def close(self) -> None:
        """Go on with the file itself."""
        self._original.open(self._files[0])


def has_several_faults(ask: Ask, method: str, request: Any, theirs: Answer, ours: Answer) -> bool:
    """Tell whether each of two different codes is what both libraries answer to some part of a request."""
    missing = {theirs.code, ours.code}
    for part in _parts(request):
        expected, found = ask(method, part)
        is_same = comparable(method, expected) == comparable(method, found)
        if is_same or excuse(method, part, expected, found):
            missing -= {expected.code, found.code}
        if not missing:
            return True
    return False


def _parts(request: Any) -> Iterator[Any]:
    """Yield what is left of a request without some of its things."""
    alone = list(_alone(request))
    yield from alone
    waiting, seen = deque([*alone, request]), {request.SerializeToString(deterministic=True)}
    while waiting and len(seen) < MAX_PARTS:
        for part in _without_one(waiting.popleft()):
            data = part.SerializeToString(deterministic=True)
            if data not in seen:
                seen.add(data)
                waiting.append(part)
                yield part


def _alone(request: Any) -> Iterator[Any]:
    """Yield copies of a request, each with one of its things alone."""
    lists = [field.name for field, value in request.ListFields() if hasattr(value, "add")]
    for name in lists:
        for each in getattr(request, name):
            copy = _copy(request)
            for other in lists:
                copy.ClearField(other)
            getattr(copy, name).add().CopyFrom(each)
            yield copy


def _without_one(message: Any) -> Iterator[Any]:
    """Yield copies of a message, each without one element, entry or field that it can do without."""
    for flag in _LENIENT:
        if flag in message.DESCRIPTOR.fields_by_name and not getattr(message, flag):
            copy = _copy(message)
            setattr(copy, flag, True)
            yield copy
    for field, value in message.ListFields():
        if field.name in {"options", "update_mask", "transaction_options", "path"}:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in value:
                copy = _copy(message)
                del getattr(copy, field.name)[key]
                yield copy
                if value[key] == _UNKNOWN:
                    copy = _copy(message)
                    getattr(copy, field.name)[key] = _INT
                    yield copy
        elif field.message_type is not None and hasattr(value, "add"):
            for place, each in enumerate(value):
                copy = _copy(message)
                del getattr(copy, field.name)[place]
                yield copy
                for part in _without_one(each):
                    copy = _copy(message)
                    getattr(copy, field.name)[place].CopyFrom(part)
                    yield copy
        else:
            yield from _without_field(message, field, value)


def _without_field(message: Any, field: Any, value: Any) -> Iterator[Any]:
    if (message.DESCRIPTOR.name, field.name) in _OPTIONAL:
        copy = _copy(message)
        copy.ClearField(field.name)
        yield copy
    kind = message.DESCRIPTOR.name.lower()
    if kind in KINDS and field.name in {"id", "type_id"}:
        # The node would be right as a new one of the type that is always there.
        copy = _copy(message)
        copy.ClearField(field.name)
        if field.name == "type_id" or not copy.HasField("type_id"):
            copy.type_id = 10 + KINDS.index(kind)
        yield copy
        if message.properties:
            # They may be of other kinds there.
            copy = _copy(copy)
            copy.ClearField("properties")
            yield copy
    if field.message_type is not None:
        for part in _without_one(value):
            copy = _copy(message)
            getattr(copy, field.name).CopyFrom(part)
            yield copy


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _copied(file: Path) -> Path:
    copy = file.with_suffix(".copy")
    copy.unlink(missing_ok=True)
    for journal in ("-wal", "-shm", "-journal"):
        copy.with_name(copy.name + journal).unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
