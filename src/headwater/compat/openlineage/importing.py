"""Files of events, as OpenLineage's file transport writes them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.compat.counting import Watch, silent
from headwater.compat.openlineage.data_states import Identify
from headwater.compat.openlineage.events import Event, decode_event
from headwater.compat.openlineage.receiving import OpenLineage
from headwater.errors import InvalidError, UnavailableError
from headwater.model.protocols import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReport:
    """What came of files of events.

    Attributes:
        taken: Events that are in the store now.
        refused: What is no event, as `FILE:LINE: why`.
    """

    taken: int
    refused: tuple[str, ...]


def import_events(
    files: Sequence[Path], store: Store, identify: Identify, *, watch: Watch = silent
) -> EventsReport:
    """Put the events of files and folders into a store, in the order of their times.

    Args:
        files: Files with an event a line, or one alone; of folders, all files below.
        store: The graph.
        identify: As for `OpenLineage`.
        watch: Told after each event how far it is.

    Raises:
        UnavailableError: a file cannot be read, or the store not be reached.
    """
    events, refused = list[Event](), list[str]()
    for place, text in _texts(files):
        try:
            events.append(decode_event(text))
        except InvalidError as error:
            refused.append(f"{place}: {error}")
    door = OpenLineage(store, identify)
    for done, event in enumerate(sorted(events, key=lambda each: each.time_ms), start=1):
        door.record(event)
        watch("events", done, len(events))
    return EventsReport(taken=len(events), refused=tuple(refused))


def _texts(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the text of each event, with where it stands."""
    for path in files:
        if path.is_dir():
            yield from _texts(sorted(each for each in path.rglob("*") if each.is_file()))
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnavailableError(f"{path} cannot be read: {error}") from error
        lines = [(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
        # One event over several lines begins with a brace alone, which is no event.
        if lines and lines[0][1].strip() == b"{":
            yield str(path), data
        else:
            yield from ((f"{path}:{number}", line) for number, line in lines)
