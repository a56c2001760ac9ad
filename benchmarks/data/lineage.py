"""A million artifacts in families: pipelines of every length, their ids mixed as those of real ones are."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.model.graph import EventType, NewType, NodeKind
from headwater.store.sql.store import SqlStore

OUTPUTS: Final = 2
INPUTS: Final = 4
WINDOW: Final = 20
"""An execution makes 2 artifacts, from up to 4 of the 20 that its family made last."""
START_MS: Final = 1_760_000_000_000


@dataclass(frozen=True)
class Families:
    """How many executions each family has; ids are handed out in one random order for all."""

    sizes: tuple[int, ...]

    @classmethod
    def of(cls, executions: int) -> "Families":
        """Return one large, ten middle and many small families."""
        large, middle, small = executions // 18, executions // 167, 26
        left = executions - large - 10 * middle
        return cls((large, *[middle] * 10, *[small] * (left // small)))

    @property
    def executions(self) -> int:
        """How many there are."""
        return sum(self.sizes)

    @property
    def members(self) -> list[NDArray[np.int64]]:
        """Return the execution ids of each family, in the order of its making."""
        labels = np.repeat(np.arange(len(self.sizes)), self.sizes)
        np.random.default_rng(5).shuffle(labels)
        order = np.argsort(labels, kind="stable") + 1
        return np.split(order, np.cumsum(self.sizes)[:-1])

    def last_artifact(self, family: int) -> int:
        """Return an artifact that nearly all of its family is upstream of."""
        return int(self.members[family][-1]) * OUTPUTS

    def events(self) -> NDArray[np.int64]:
        """Return rows of (execution, type, artifact), in this order, each once."""
        random = np.random.default_rng(6)
        parts: list[NDArray[np.int64]] = []
        for ids in self.members:
            made = (ids[:, None] * OUTPUTS - np.arange(OUTPUTS - 1, -1, -1)).reshape(-1)
            places = np.arange(1, len(ids))[:, None] * OUTPUTS
            back = 1 + random.random((len(ids) - 1, INPUTS)) * np.minimum(places, WINDOW)
            used = made[places - back.astype(np.int64)].reshape(-1)
            parts.append(_rows(np.repeat(ids, OUTPUTS), EventType.OUTPUT, made))
            parts.append(_rows(np.repeat(ids[1:], INPUTS), EventType.INPUT, used))
        return np.unique(np.concatenate(parts), axis=0)


def fill_store(file: Path, families: Families) -> None:
    """Put the families into an empty SQLite store, past its interface."""
    with SqlStore(f"sqlite:///{file}") as store:
        artifact, execution = store.types.put(
            [NewType(kind=kind, name="Step") for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION)]
        )
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous=OFF")
    columns = "(id, type_id, name, created_ms, updated_ms, revision) VALUES (?, ?, ?, ?, ?, 1)"
    count = families.executions
    connection.executemany(f"INSERT INTO execution {columns}", _nodes(count, execution, "step"))
    connection.executemany(f"INSERT INTO artifact {columns}", _nodes(count * OUTPUTS, artifact, "data"))
    # An index that is built at once takes half the time of one that grows row by row.
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    events = families.events()
    connection.executemany(
        f"INSERT INTO event (execution_id, type, artifact_id, time_ms) VALUES (?, ?, ?, {START_MS})",
        zip(*(column.tolist() for column in events.T), strict=True),
    )
    for _, statement in indexes:
        connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _rows(executions: NDArray[np.int64], kind: EventType, artifacts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([executions, np.full(len(executions), int(kind)), artifacts], axis=1)


def _nodes(count: int, type_id: int, word: str) -> Iterator[tuple[int, int, str, int, int]]:
    for i in range(1, count + 1):
        time_ms = START_MS + 10 * i
        yield (i, type_id, f"{word}-{i}", time_ms, time_ms)
