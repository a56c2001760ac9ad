"""Runs in MLflow's own environment: does jobs that come as JSON lines, and answers with the seconds taken."""
# pyright: reportMissingImports=false

import json
import sys
from time import perf_counter

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric

FOLDER = sys.argv[1]


class Jobs:
    """What it can be asked, in process and on SQLite: no server in between."""

    def __init__(self):
        mlflow.set_tracking_uri(f"sqlite:///{FOLDER}/mlflow.db")
        self._experiment = mlflow.create_experiment("bench")
        self._run = mlflow.start_run(experiment_id=self._experiment)
        self._client = MlflowClient()
        self._step = 0

    def experiment(self):
        return int(self._experiment)

    def log_metric(self, count):
        start = perf_counter()
        for step in self._steps(count):
            mlflow.log_metric("loss", 0.5, step=step)
        return perf_counter() - start

    def log_batches(self, count, size):
        points = [Metric("batched", 0.5, 1_760_000_000_000, step) for step in self._steps(count)]
        start = perf_counter()
        for first in range(0, count, size):
            self._client.log_batch(self._run.info.run_id, metrics=points[first : first + size])
        return perf_counter() - start

    def search(self, experiment, text, order, limit):
        start = perf_counter()
        found = self._client.search_runs([str(experiment)], text, order_by=[order], max_results=limit)
        took = perf_counter() - start
        return {"seconds": took, "best": [run.data.metrics["acc"] for run in found]}

    def _steps(self, count):
        first, self._step = self._step, self._step + count
        return range(first, first + count)


def main():
    # Whatever MLflow prints must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    jobs = Jobs()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(jobs, asked["job"])(**asked["arguments"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
