"""Runs in Prefect's own environment: does jobs that come as JSON lines, and answers with the seconds."""
# pyright: reportMissingImports=false, reportFunctionMemberAccess=false

import json
import sys
from time import perf_counter

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

WORKERS = 2


@task(persist_result=True)
def one(x):
    return x + 1


@flow(task_runner=ThreadPoolTaskRunner(max_workers=WORKERS), persist_result=True)
def many(first, count):
    return len(one.map(range(first, first + count)).result())


class Jobs:
    """What it can be asked: its server runs beside it, on a SQLite file of its own."""

    def __init__(self):
        self._first = 0

    def run(self, count):
        start = perf_counter()
        assert many(self._first, count) == count
        self._first += count
        return perf_counter() - start


def main():
    # Whatever Prefect prints must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    jobs = Jobs()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(jobs, asked["job"])(**asked["arguments"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
