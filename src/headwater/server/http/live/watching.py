"""Finding out what changed: a few cheap questions, the same for all who listen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from headwater.errors import NotFoundError
from headwater.model.filters import And, Comparison, Field, Operator, Scope
from headwater.model.graph import NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId, RunId
from headwater.model.ledger import LedgerEntry
from headwater.model.lineage import Direction, Walk
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.model.refs import RunRef
from headwater.model.runs import Run, RunStatus
from headwater.model.times import now_ms
from headwater.server.http.json_values import json_value
from headwater.server.http.live.releases import Releases
from headwater.server.http.live.topics import RESET, News, Topic, model_of, run_ids

MOST_ENTRIES: Final = 500
MOST_RUNS: Final = 200
MOST_METRICS: Final = 200
MOST_NODES: Final = 10_000
LONGEST_GAP_MS: Final = 3_600_000
"""Whoever was away for longer reads everything again."""
_OVERLAP_MS: Final = 5_000
"""Clocks of several machines differ, and a change is seen after its time."""
_SLOW_EVERY: Final = 4
"""What costs more is asked at every fourth look."""
_UPDATED: Final = Field(Scope.ATTRIBUTE, "updated_time")
_STATUS: Final = Field(Scope.ATTRIBUTE, "status")
_FIELDS: Final = ("status", "name", "experiment", "end_ms", "error", "deleted_ms", "revision", "tags")

Snapshot = Mapping[str, Any]
Found = dict[Topic, News]


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has seen: every event has it as its id, and any process of a server understands it."""

    seq: int
    time_ms: int

    def __str__(self) -> str:
        return f"{self.seq}-{self.time_ms}"

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read an id; None when it is none."""
        seq, _, time_ms = text.partition("-")
        if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (seq, time_ms)):
            return None
        return cls(int(seq), int(time_ms))


class Watcher:
    """Looks at a store again and again, and tells what is new under some topics."""

    def __init__(self, store: Store) -> None:
        """Look at a store; what is there now is not new."""
        self._store = store
        self._releases = Releases(store)
        self._runs: dict[str, Snapshot] = {}
        self._reached: dict[NodeRef, tuple[int, int]] = {}
        self._known: frozenset[Topic] = frozenset()
        self._looks = 0
        self.position = Position(store.ledger.head().seq, now_ms())

    def look(self, topics: frozenset[Topic]) -> Found:
        """Return what is new since the last look; of what was not looked at before, how it stands."""
        is_slow = self._looks % _SLOW_EVERY == 0 or not topics <= self._known
        self._known = topics
        self._looks += 1
        now, since = now_ms(), self.position.time_ms
        entries = self._entries()
        found = {t: news for t in topics if (news := _decided(t, entries))}
        found |= self._runs_now(topics, since, is_slow=is_slow)
        if is_slow:
            found |= self._lineage(topics)
            for topic, news in self._releases.new(topics, since - _OVERLAP_MS).items():
                found[topic] = found.get(topic, News()).then(news)
        self.position = Position(self.position.seq + len(entries or ()), now)
        if entries is None:
            self.position = Position(self._store.ledger.head().seq, now)
        return found

    def missed(self, topics: Iterable[Topic], seen: Position | None) -> Found:
        """Return what somebody missed since a position; all is reset when that cannot be told."""
        head = self._store.ledger.head().seq
        if seen is None or seen.seq > head or now_ms() - seen.time_ms > LONGEST_GAP_MS:
            return dict.fromkeys(topics, RESET)
        entries = self._store.ledger.entries(after=seen.seq, limit=MOST_ENTRIES + 1)
        decided = None if len(entries) > MOST_ENTRIES else entries
        released = self._releases.since(topics, seen.time_ms - _OVERLAP_MS)
        found: Found = {}
        for topic in topics:
            news = self._missed(topic, seen, decided).then(released.get(topic, News()))
            if news.is_reset or news.changes:
                found[topic] = news
        return found

    def _missed(self, topic: Topic, seen: Position, entries: list[LedgerEntry] | None) -> News:
        match topic.kind:
            case "lineage":
                return self._reach(topic)
            case "runs" if topic.name:
                runs = self._store.runs.get([RunId(topic.name)])
                return News(changes={_ref(run): _snapshot(run) for run in runs})
            case "runs":
                runs = self._updated(seen.time_ms)
                full = {_ref(run): _snapshot(run) for run in runs}
                return RESET if len(runs) >= MOST_RUNS else News(changes=full)
            case _:
                return _decided(topic, entries) or News()

    def _entries(self) -> list[LedgerEntry] | None:
        """Return new decisions; None when there are too many to tell one by one."""
        if self._store.ledger.head().seq == self.position.seq:
            return []
        found = self._store.ledger.entries(after=self.position.seq, limit=MOST_ENTRIES + 1)
        return None if len(found) > MOST_ENTRIES else found

    def _runs_now(self, topics: frozenset[Topic], since_ms: int, *, is_slow: bool) -> Found:
        found: Found = {}
        watched = run_ids(topics)
        everything = next((topic for topic in topics if topic.text == "runs"), None)
        runs: dict[str, Run] = {}
        runs |= {run.run_id: run for run in self._store.runs.get(watched)} if watched else {}
        listed: dict[str, Run] = {}
        listed |= {run.run_id: run for run in self._updated(since_ms)} if everything else {}
        if everything and is_slow:
            listed |= {run.run_id: run for run in self._running()}
        changed = {key: self._changed(run) for key, run in (listed | runs).items()}
        for topic in topics:
            if topic.kind == "runs" and topic.name and changed.get(topic.name):
                found[topic] = News(changes={_ref(runs[topic.name]): changed[topic.name]})
        news = {_ref(run): changed[key] for key, run in (listed | runs).items() if changed[key]}
        if everything and news:
            found[everything] = RESET if len(listed) >= MOST_RUNS else News(changes=news)
        return found

    def _updated(self, since_ms: int) -> Sequence[Run]:
        """Return the runs that changed of late, those that were deleted, too."""
        recent = Comparison(_UPDATED, Operator.GE, since_ms - _OVERLAP_MS)
        order = (Order(_UPDATED, is_descending=True),)
        listing = Listing(filter=recent, order_by=order, limit=MOST_RUNS, with_deleted=True)
        return self._store.runs.page(listing).items

    def _running(self) -> Sequence[Run]:
        is_running = Comparison(_STATUS, Operator.EQ, int(RunStatus.RUNNING))
        is_alive = Comparison(
            Field(Scope.ATTRIBUTE, "heartbeat_time"), Operator.GE, now_ms() - LONGEST_GAP_MS // 60
        )
        return self._store.runs.page(Listing(filter=And((is_running, is_alive)), limit=MOST_RUNS // 4)).items

    def _changed(self, run: Run) -> Snapshot:
        """Return what differs from what was seen of a run before; of one not seen before, all of it."""
        after, before = _snapshot(run), self._runs.get(run.run_id, {})
        self._runs.pop(run.run_id, None)
        # What changed last is last, so what is forgotten is what has not changed for long.
        self._runs[run.run_id] = after
        while len(self._runs) > 10 * MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        known = before.get("metrics", {})
        metrics = {key: point for key, point in after["metrics"].items() if known.get(key) != point}
        changed = {
            key: value for key, value in after.items() if key != "metrics" and before.get(key) != value
        }
        return {**changed, **({"metrics": metrics} if metrics else {})}

    def _lineage(self, topics: frozenset[Topic]) -> Found:
        found: Found = {}
        for topic in topics:
            if topic.node is not None:
                before = self._reached.get(topic.node)
                news = self._reach(topic)
                if before != self._reached[topic.node]:
                    found[topic] = news
        return found

    def _reach(self, topic: Topic) -> News:
        """Count what lies up and down of a node."""
        if topic.node is None:
            return News()
        kind, node_id = topic.node
        counts = [
            _count(self._store, _walk(kind, node_id, way))
            for way in (Direction.UPSTREAM, Direction.DOWNSTREAM)
        ]
        self._reached[topic.node] = (counts[0], counts[1])
        return News(changes={topic.name: {"up": counts[0], "down": counts[1]}})


def _decided(topic: Topic, entries: list[LedgerEntry] | None) -> News | None:
    """Return the decisions that belong to a topic, None when there are none."""
    if topic.kind not in {"ledger", "models"}:
        return None
    if entries is None:
        return RESET
    mine = [entry for entry in entries if _is_about(topic, entry.subject)]
    if topic.kind == "ledger":
        return News(changes={f"ledger/{e.seq}": _entry(e) for e in mine}) if mine else None
    return News(changes={entry.subject: _entry(entry) for entry in mine}) if mine else None


def _is_about(topic: Topic, subject: str) -> bool:
    if topic.kind == "ledger":
        return True
    ref = model_of(subject)
    return ref is not None and topic.name in {"", ref.name}


def _entry(entry: LedgerEntry) -> Snapshot:
    return {"seq": entry.seq, "action": entry.action, "actor": entry.actor, "subject": entry.subject}


def _snapshot(run: Run) -> Snapshot:
    newest = list(run.metrics.items())[:MOST_METRICS]
    metrics = {
        key: {"step": m.step, "time_ms": m.time_ms, "value": m.value, "count": m.count} for key, m in newest
    }
    return json_value({**{name: getattr(run, name) for name in _FIELDS}, "metrics": metrics})


def _ref(run: Run) -> str:
    return str(RunRef(run.run_id))


def _walk(kind: NodeKind, node_id: int, direction: Direction) -> Walk:
    is_artifact = kind is NodeKind.ARTIFACT
    return Walk(
        artifacts=(ArtifactId(node_id),) if is_artifact else (),
        executions=() if is_artifact else (ExecutionId(node_id),),
        direction=direction,
        max_nodes=MOST_NODES,
    )


def _count(store: Store, walk: Walk) -> int:
    try:
        reached = store.lineage.reach(walk)
    except NotFoundError:
        return 0
    return len(reached.artifacts) + len(reached.executions) - 1
