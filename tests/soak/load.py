"""What clients ask of a server, again and again: a bit of everything."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import urllib3

from headwater.model.models import NewVersion, Transition
from headwater.model.series import Points, SeriesBatch
from headwater.model.verdicts import NewVerdict, Outcome
from headwater.store.remote import RemoteStore

MODEL: Final = "soaked"
RARELY: Final = 10
"""Every how many rounds something is decided, and somebody listens anew."""


class Client:
    """One who trains: starts runs, logs, searches, registers, and looks at what came of it.

    Args:
        url: Address of the server.
        name: Who it is.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(60))
        self.requests = 0

    def round(self, number: int, pause: Callable[[], None]) -> None:
        """Do everything once, with a pause before each request."""
        made = self._mlflow("runs/create", pause, experiment_id="0", start_time=1 + number)["run"]["info"]
        run = made["run_id"]
        for step in range(5):
            metrics = [
                {"key": f"m{i}", "value": step / (i + 1), "step": step, "timestamp": step} for i in range(20)
            ]
            self._mlflow("runs/log-batch", pause, run_id=run, metrics=metrics)
        params = [{"key": "lr", "value": str(number % 7)}]
        self._mlflow("runs/log-batch", pause, run_id=run, params=params)
        self._mlflow("runs/update", pause, run_id=run, status="FINISHED")
        wanted = {"filter": "params.lr = '3'", "order_by": ["metrics.m0 DESC"], "max_results": 20}
        self._mlflow("runs/search", pause, experiment_ids=["0"], **wanted)
        self._get(f"/api/v1/runs/{run}", pause)
        self._get(f"/api/v1/runs/{run}/series?keys=m0", pause)
        self._bytes(made["artifact_uri"], number, pause)
        if number % RARELY == 0:
            self._decide(run, pause)
            self._listen(pause)

    def close(self) -> None:
        """Close its connections."""
        self._http.clear()

    def _mlflow(self, path: str, pause: Callable[[], None], **body: Any) -> Any:
        pause()
        return self._ask("POST", f"/api/2.0/mlflow/{path}", json=body).json()

    def _get(self, path: str, pause: Callable[[], None]) -> None:
        pause()
        self._ask("GET", path)

    def _ask(self, method: str, path: str, **given: Any) -> urllib3.BaseHTTPResponse:
        answer = self._http.request(method, self._url + path, **given)
        self.requests += 1
        assert answer.status < 400, (method, path, answer.status, answer.data[:500])
        return answer

    def _bytes(self, folder: str, number: int, pause: Callable[[], None]) -> None:
        pause()
        body = hashlib.sha256(f"{self._name} {number}".encode()).digest() * 2_000
        path = f"/api/2.0/mlflow-artifacts/artifacts/{folder.removeprefix('mlflow-artifacts:/')}/bytes"
        self._ask("PUT", path, body=body)
        pause()
        assert self._ask("GET", path).data == body

    def _decide(self, run: str, pause: Callable[[], None]) -> None:
        """Use the store's own calls: points, a version, a verdict and a promotion."""
        with RemoteStore(self._url, environment={}) as store:
            pause()
            [found] = store.runs.get([run])
            points = Points.of([(i, i, i / 2) for i in range(1_000)])
            store.series.append(
                [SeriesBatch(execution_id=found.id, key="loss", writer=1, batch=1, points=points)]
            )
            version = store.models.add_version(NewVersion(model=MODEL), actor=self._name).version
            store.releases.add_verdict(
                NewVerdict(model=MODEL, version=version, gate="soak", outcome=Outcome.PASS, actor=self._name)
            )
            move = Transition(model=MODEL, version=version, to="staging", reason="soak", actor=self._name)
            store.models.transition(move)
            self.requests += 5

    def _listen(self, pause: Callable[[], None]) -> None:
        pause()
        path = f"{self._url}/api/v1/events?topics=runs,models,ledger"
        stream = self._http.request("GET", path, preload_content=False)
        assert b"event: open" in next(stream.stream(64))
        stream.close()
        self.requests += 1


def paced(per_s: float | None) -> Callable[[], None]:
    """Return a pause that keeps to some requests a second; None does not wait."""
    if per_s is None:
        return lambda: None
    due_s = time.monotonic()

    def pause() -> None:
        nonlocal due_s
        # What was missed is not made up for: a busy machine is not loaded any more by that.
        due_s = max(due_s + 1 / per_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))

    return pause


def work(client: Client, stop: threading.Event, per_s: float | None) -> None:
    """Do round after round until it is time to stop."""
    pause = paced(per_s)
    number = 0
    try:
        while not stop.is_set():
            client.round(number, pause)
            number += 1
    finally:
        client.close()
