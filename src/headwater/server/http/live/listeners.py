"""All who listen in one process, and the one task that looks for them."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from starlette.concurrency import run_in_threadpool

from headwater.errors import HeadwaterError
from headwater.model.protocols import Store
from headwater.server.http.live.topics import RESET, News, Topic
from headwater.server.http.live.watching import Watcher

PERIOD_S: Final = 0.25
"""How often the store is asked; so nobody gets more than four events a second under one topic."""
_log = logging.getLogger(__name__)


class Listener:
    """Somebody who listens: what they were not told yet, merged by topic."""

    def __init__(self, topics: list[Topic]) -> None:
        self.topics = topics
        self._waiting: dict[Topic, News] = {}
        self._has_news = asyncio.Event()

    def tell(self, found: dict[Topic, News]) -> None:
        """Add what is new under their topics."""
        for topic in self.topics:
            if topic in found:
                before = self._waiting.get(topic)
                self._waiting[topic] = before.then(found[topic]) if before else found[topic]
                self._has_news.set()

    async def news(self, timeout_s: float) -> dict[Topic, News]:
        """Wait for news and take them; nothing when none came in time."""
        try:
            await asyncio.wait_for(self._has_news.wait(), timeout_s)
        except TimeoutError:
            return {}
        self._has_news.clear()
        found, self._waiting = self._waiting, {}
        return found


class Listeners:
    """Whoever listens to one store. While nobody does, nobody asks it anything."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._all: set[Listener] = set()
        self._watcher: Watcher | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_watching(self) -> bool:
        """Tell whether the store is being asked."""
        return self._task is not None

    async def watcher(self) -> Watcher:
        """Return what looks at the store."""
        if self._watcher is None:
            self._watcher = await run_in_threadpool(Watcher, self._store)
        return self._watcher

    @contextmanager
    def listening(self, watcher: Watcher, topics: list[Topic]) -> Generator[Listener]:
        """Listen while the block runs."""
        listener = Listener(topics)
        self._all.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._watch(watcher))
        try:
            yield listener
        finally:
            self._all.discard(listener)
            if not self._all:
                self._task.cancel()
                self._task = self._watcher = None

    async def _watch(self, watcher: Watcher) -> None:
        is_well = True
        while True:
            topics = frozenset(topic for listener in self._all for topic in listener.topics)
            try:
                found = await run_in_threadpool(watcher.look, topics)
            except HeadwaterError as error:
                if is_well:
                    _log.warning("what changed cannot be found out: %s", error)
                found, is_well = {}, False
            else:
                if not is_well:
                    # Nobody knows what was missed.
                    found, is_well = dict.fromkeys(topics, RESET), True
            for listener in list(self._all):
                listener.tell(found)
            await asyncio.sleep(PERIOD_S)
