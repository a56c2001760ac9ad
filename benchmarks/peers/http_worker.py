"""A client of a tracking server: raw requests in JSON, the same for both servers, timed one by one.

Clients run on the servers' machine, and their work counts as the servers'. So answers are looked at when the
last one has come, and requests go through the standard library, with half of urllib3's work for each.
"""
# Runs in headwater's environment; asks either server.

import json
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from itertools import count
from time import perf_counter
from typing import Any, TextIO
from urllib.parse import urlsplit

JSON = {"Content-Type": "application/json"}
KEYS = 10
TIME_MS = 1_760_000_000_000


class Jobs:
    """What it can be asked; every job answers with the seconds of its requests, or a fault."""

    def __init__(self) -> None:
        self._connections: dict[str, HTTPConnection] = {}
        self._steps = count()
        self._runs: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Close all connections."""
        while self._connections:
            self._connections.popitem()[1].close()

    def log_metric(self, url: str, experiment: str, times: int) -> list[float]:
        run = self._run(url, experiment)
        return [
            self._post(
                url, "runs/log-metric", run_id=run, key="loss", value=0.5, timestamp=TIME_MS, step=step
            )
            for step in self._some(times)
        ]

    def log_batch(self, url: str, experiment: str, times: int, size: int) -> list[float]:
        run = self._run(url, experiment)
        return [
            self._post(url, "runs/log-batch", run_id=run, metrics=_metrics(step, size))
            for step in self._some(times)
        ]

    def create_run(self, url: str, experiment: str, times: int) -> list[float]:
        return [
            self._post(url, "runs/create", experiment_id=experiment, run_name=f"run {i}", start_time=TIME_MS)
            for i in range(times)
        ]

    def get(self, url: str, path: str, holds: str, times: int) -> list[float]:
        asked = [self._send("GET", f"{url}/api/2.0/mlflow/{path}") for _ in range(times)]
        assert all(f'"{holds}"' in data.decode() for _, data in asked), f"{path} is not {holds}"
        return [seconds for seconds, _ in asked]

    def search(
        self, url: str, experiment: str, text: str, times: int, limit: int, expected: list[str]
    ) -> list[float]:
        wanted = {
            "experiment_ids": [experiment],
            "filter": text,
            "order_by": ["metrics.acc DESC"],
            "max_results": limit,
        }
        asked = [self._send("POST", f"{url}/api/2.0/mlflow/runs/search", wanted) for _ in range(times)]
        for _, data in asked:
            found = [run["info"]["run_id"] for run in json.loads(data).get("runs", ())]
            assert found == expected, f"{text} finds {len(found)} runs: {found[:3]}, not {expected[:3]}"
        return [seconds for seconds, _ in asked]

    def history(self, url: str, run: str, times: int, size: int) -> list[float]:
        return [self._history(url, run, size) for _ in range(times)]

    def _history(self, url: str, run: str, size: int) -> float:
        """Read a history page by page."""
        path, token, seen, took = f"metrics/get-history?run_id={run}&metric_key=long", "", 0, 0.0
        while True:
            seconds, answer = self._ask(
                "GET",
                f"{url}/api/2.0/mlflow/{path}&max_results=25000" + (f"&page_token={token}" if token else ""),
            )
            took, seen = took + seconds, seen + len(answer["metrics"])
            token = answer.get("next_page_token", "")
            if not token:
                assert seen == size, f"{seen} points, not {size}"
                return took

    def _run(self, url: str, experiment: str) -> str:
        """Return a run of this client's own."""
        if (url, experiment) not in self._runs:
            made = self._ask("POST", f"{url}/api/2.0/mlflow/runs/create", {"experiment_id": experiment})[1]
            self._runs[url, experiment] = made["run"]["info"]["run_id"]
        return self._runs[url, experiment]

    def _some(self, times: int) -> Iterator[int]:
        return (next(self._steps) for _ in range(times))

    def _post(self, url: str, path: str, **body: Any) -> float:
        return self._send("POST", f"{url}/api/2.0/mlflow/{path}", body)[0]

    def _ask(self, method: str, url: str, body: Any = None) -> tuple[float, Any]:
        took, data = self._send(method, url, body)
        return took, json.loads(data)

    def _send(self, method: str, url: str, body: Any = None) -> tuple[float, bytes]:
        sent = None if body is None else json.dumps(body)
        server = urlsplit(url).netloc
        path = url.partition(server)[2]
        connection = self._connections.setdefault(server, HTTPConnection(server))
        start = perf_counter()
        connection.request(method, path, sent, JSON)
        answer = connection.getresponse()
        data = answer.read()
        took = perf_counter() - start
        if answer.status != 200:
            raise RuntimeError(f"{method} {url}: {answer.status} {data[:200]!r}")
        return took, data


def _metrics(step: int, size: int) -> list[dict[str, Any]]:
    """Return `size` points: ten metrics, some steps of each."""
    return [
        {
            "key": f"m{i % KEYS}",
            "value": i / size,
            "timestamp": TIME_MS + step,
            "step": step * size + i // KEYS,
        }
        for i in range(size)
    ]


def main(asked: TextIO, answers: TextIO) -> None:
    jobs = Jobs()
    for line in asked:
        job = json.loads(line)
        work: Callable[..., list[float]] = getattr(jobs, job["job"])
        # A server closes connections that wait while the other one is asked.
        jobs.forget()
        try:
            answer: list[float] | dict[str, str] = work(**job["arguments"])
        except (RuntimeError, AssertionError, HTTPException, OSError) as error:
            answer = {"fault": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
