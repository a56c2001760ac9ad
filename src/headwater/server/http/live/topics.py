"""What can be listened to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.errors import InvalidError
from headwater.model.access import subject
from headwater.model.graph import NodeRef
from headwater.model.ids import RunId
from headwater.model.protocols import Store
from headwater.model.refs import ModelRef, parse_ref
from headwater.sdk.naming import start_of
from headwater.tracking import find_run

MOST_TOPICS: Final = 100
GRAMMAR: Final = "runs, runs:ID, models, models:NAME, ledger, lineage:REF"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to listen to.

    Attributes:
        text: As the client calls it.
        kind: `runs`, `models`, `ledger` or `lineage`.
        name: A run id, a name or a reference; empty for all of a kind.
        node: Of lineage, where it starts.
        about: What grants call it, if they do.
    """

    text: str
    kind: str
    name: str = ""
    node: NodeRef | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed under a topic: changed fields by reference. A reset means: read it all again."""

    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    is_reset: bool = False

    def then(self, later: "News") -> "News":
        """Return both as one: of a field that changed twice the later value."""
        if later.is_reset or self.is_reset:
            return RESET
        merged = {ref: {**self.changes.get(ref, {}), **fields} for ref, fields in later.changes.items()}
        return News(changes={**self.changes, **merged})


RESET: Final = News(is_reset=True)


def model_of(subject: str) -> ModelRef | None:
    """Return the model, or version of one, that a reference names; None where it names something else."""
    try:
        found = parse_ref(subject)
    except InvalidError:
        return None
    return found if isinstance(found, ModelRef) else None


def topics_of(store: Store, text: str) -> list[Topic]:
    """Read topics, parted by commas; what they name has to be there.

    Raises:
        InvalidError: there is no such topic, none at all, or too many.
        NotFoundError: a run or a reference names nothing.
    """
    found = [_topic(store, word) for word in dict.fromkeys(map(str.strip, text.split(","))) if word]
    if not 1 <= len(found) <= MOST_TOPICS:
        raise InvalidError(f"topics must name 1 to {MOST_TOPICS} of {GRAMMAR}, not {len(found)}")
    return found


def _topic(store: Store, text: str) -> Topic:
    kind, colon, name = text.partition(":")
    match kind:
        case "runs" if name:
            run = find_run(store, name)
            return Topic(text, kind, run.run_id, about=subject("experiments", run.experiment))
        case "models" if name:
            return Topic(text, kind, name, about=subject("models", name))
        case "lineage" if name:
            return Topic(text, kind, name, node=start_of(store, parse_ref(name)))
        case "runs" | "models" | "ledger" if not colon:
            return Topic(text, kind)
        case _:
            raise InvalidError(f"{text[:80]!r} is no topic; there are {GRAMMAR}")


def run_ids(topics: frozenset[Topic]) -> list[RunId]:
    """Return the runs that are listened to one by one."""
    return sorted(RunId(topic.name) for topic in topics if topic.kind == "runs" and topic.name)
