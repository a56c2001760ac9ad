"""Deliveries to webhooks, by a few threads beside the requests.

What happened is kept in memory until it is sent: when the process dies or the queue is full, it is lost.
A webhook is a hint to look, not a record; the ledger is the record.
"""

import logging
import queue
import threading
from typing import Final

from headwater.compat.mlflow.webhook_addresses import WebhookRules, resolve
from headwater.compat.mlflow.webhook_events import Announcement
from headwater.compat.mlflow.webhook_sending import Delivery, body_of, send
from headwater.errors import HeadwaterError, NotFoundError
from headwater.model.protocols import WebhookStore
from headwater.model.webhooks import Webhook

MAX_WAITING: Final = 1000
"""Things that happened and wait to be sent; more are dropped."""
THREADS: Final = 2
WAITS_S: Final = (1.0, 4.0)
"""How long to wait before the second and the third try."""

_log = logging.getLogger(__name__)


class WebhookDelivery:
    """Sends what happened to the webhooks that ask for it; threads start with the first thing."""

    def __init__(self, webhooks: WebhookStore, rules: WebhookRules) -> None:
        """Take where webhooks are kept, and what they may reach."""
        self._webhooks = webhooks
        self._rules = rules
        self._waiting: queue.Queue[tuple[Webhook, Announcement] | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._is_closing = threading.Event()

    def check(self, url: str) -> None:
        """Check that something may be sent to an address.

        Raises:
            InvalidError: it may not, or nobody knows the host.
        """
        resolve(url, self._rules)

    def announce(self, happened: Announcement) -> None:
        """Send something that happened to all who want to know, in the background."""
        try:
            # Now: a webhook that is made later has not asked for this.
            asking = [w for w in self._webhooks.all() if w.is_active and happened.name in w.events]
        except HeadwaterError as error:
            # What happened has happened: the call that did it succeeds.
            _log.warning("nobody is told of %s: %s", happened.name, error)
            return
        for webhook in asking:
            self._start()
            try:
                self._waiting.put_nowait((webhook, happened))
            except queue.Full:
                _log.warning("%d webhook deliveries wait already: %s is dropped", MAX_WAITING, happened.name)

    def send(self, webhook: Webhook, happened: Announcement) -> Delivery:
        """Send something to one webhook now, once."""
        secret = self._webhooks.secret(webhook.id)
        return send(webhook.url, secret, body_of(happened), self._rules)

    def close(self, timeout_s: float = 2.0) -> None:
        """Send what waits, for a moment at most, and end the threads."""
        with self._lock:
            threads, self._threads = self._threads, []
        self._is_closing.set()
        for _ in threads:
            try:
                self._waiting.put(None, timeout=timeout_s)
            except queue.Full:
                _log.warning("webhook deliveries that wait are dropped")
        for thread in threads:
            thread.join(timeout_s)

    def _start(self) -> None:
        if self._threads or self._is_closing.is_set():
            return
        with self._lock:
            if not self._threads:
                names = [f"headwater-webhooks-{number}" for number in range(THREADS)]
                self._threads = [
                    threading.Thread(target=self._work, name=name, daemon=True) for name in names
                ]
                for thread in self._threads:
                    thread.start()

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            try:
                self._deliver(*waiting)
            except HeadwaterError as error:
                _log.warning("webhook %s is not told: %s", waiting[0].id, error)

    def _deliver(self, webhook: Webhook, happened: Announcement) -> None:
        """Send something, and try again a little later where that may help."""
        try:
            done = self.send(webhook, happened)
            for wait_s in WAITS_S:
                if not done.is_worth_another_try or self._is_closing.wait(wait_s):
                    break
                done = self.send(webhook, happened)
        except NotFoundError:
            # It was removed in the meantime.
            return
        if done.status is None or done.status >= 400:
            _log.warning(
                "webhook %s was not told of %s: %s", webhook.id, happened.name, done.problem or done.status
            )
