"""What the killed process does: all that writes, at random, each thing said once it is acknowledged."""

import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError
from headwater.sdk import Client
from headwater.tracking import ActiveRun

THREADS = 2
MODELS = ("alpha", "beta")
GRACE_S = 10.0
"""Bytes that wait for so long are not about to be named: a step here takes milliseconds."""


class Notes:
    """A file that outlives the process: a line for each acknowledgement, and for each intent to delete."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(self, kind: str, **facts: object) -> None:
        """Write one line at once."""
        os.write(self._descriptor, (json.dumps({"kind": kind, **facts}) + "\n").encode())


class Worker:
    """One thread of the workload."""

    def __init__(self, client: Client, notes: Notes, seed: int) -> None:
        self._client, self._notes, self._chance = client, notes, random.Random(seed)
        self._run: ActiveRun | None = None
        self._step = 0
        self._ended: list[str] = []
        self._artifacts: list[int] = []
        self._steps: list[tuple[Callable[[ActiveRun], None], int]] = [
            (self._log_metrics, 12),
            (self._log_series, 3),
            (self._log_param, 4),
            (self._log_artifact, 6),
            (self._record_data, 4),
            (self._register, 4),
            (self._promote, 4),
            (self._roll_back, 2),
            (self._set_alias, 2),
            (self._end, 3),
            (self._delete_run, 2),
            (self._delete_artifact, 2),
            (self._collect, 1),
        ]

    def work(self) -> None:
        """Do one thing after another until somebody kills the process."""
        steps, weights = zip(*self._steps, strict=True)
        while True:
            run = self._run or self._start()
            [step] = self._chance.choices(steps, weights)
            try:
                step(run)
            except HeadwaterError as error:
                # Refused, such as a rollback with nothing to go back to, or lost against the other thread.
                self._notes.add("refused", error=str(error), code=error.code, step=step.__name__)

    def _start(self) -> ActiveRun:
        run = self._client.run("crash", params={"seed": 1}, capture=False)
        self._notes.add("run", run=run.run_id)
        self._run = run
        return run

    def _log_metrics(self, run: ActiveRun) -> None:
        for _ in range(self._chance.randint(1, 20)):
            self._step += 1
            run.log_metric("loss", 1 / self._step, step=self._step)
            self._notes.add("point", run=run.run_id, key="loss", step=self._step)

    def _log_series(self, run: ActiveRun) -> None:
        key, count = f"curve-{self._next()}", self._chance.randint(1, 400)
        run.log_series(key, range(count), [0.5] * count)
        self._notes.add("series", run=run.run_id, key=key, count=count)

    def _log_param(self, run: ActiveRun) -> None:
        name = f"p{self._next()}"
        run.log_param(name, self._step)
        self._notes.add("param", run=run.run_id, name=name, value=self._step)

    def _log_artifact(self, run: ActiveRun) -> None:
        content = self._chance.randbytes(self._chance.randint(1, 5000))
        stored = run.log_dict({"content": content.hex()}, f"file-{self._next()}.json")
        self._artifacts.append(stored.id)
        self._notes.add("artifact", run=run.run_id, id=stored.id, digest=stored.digest)

    def _record_data(self, run: ActiveRun) -> None:
        # Few different ones, so that content comes back after it was deleted.
        dataset = run.use(self._client.dataset("crash", [{"n": self._chance.randint(1, 30)}]))
        self._notes.add("data", ref=dataset.ref, digest=dataset.stored_digest)

    def _register(self, run: ActiveRun) -> None:
        model = self._chance.choice(MODELS)
        version = run.log_model(model, {"weights": self._chance.random()})
        self._notes.add("version", ref=version.ref, digest=version.digest)

    def _promote(self, run: ActiveRun) -> None:
        model = self._client.models[self._chance.choice(MODELS)]
        if not (versions := model.versions()):
            return
        version = self._chance.choice(versions)
        reason = f"{run.run_id}-{self._next()}"
        model.promote(version.version, reason=reason, loads=False)
        self._notes.add("decision", ref=version.ref, action="promote", reason=reason)

    def _roll_back(self, run: ActiveRun) -> None:
        reason = f"{run.run_id}-{self._next()}"
        version = self._client.models[self._chance.choice(MODELS)].rollback(reason=reason, loads=False)
        self._notes.add("decision", ref=version.ref, action="rollback", reason=reason)

    def _set_alias(self, run: ActiveRun) -> None:
        model = self._client.models[self._chance.choice(MODELS)]
        if not (versions := model.versions()):
            return
        reason = f"{run.run_id}-{self._next()}"
        model.set_alias("champion", self._chance.choice(versions).version, reason=reason)
        self._notes.add("decision", ref=f"models/{model.name}", action="alias", reason=reason)

    def _end(self, run: ActiveRun) -> None:
        self._run = None
        run.end()
        self._ended.append(run.run_id)
        self._notes.add("end", run=run.run_id)

    def _delete_run(self, run: ActiveRun) -> None:
        if self._ended:
            gone, reason = self._ended.pop(), f"{run.run_id}-{self._next()}"
            self._notes.add("deleting", run=gone)
            self._client.delete_runs([gone], reason=reason, force=True)
            self._notes.add("decision", ref=f"runs/{gone}", action="delete", reason=reason)

    def _delete_artifact(self, run: ActiveRun) -> None:
        if self._artifacts:
            gone = self._artifacts.pop()
            self._notes.add("deleting", id=gone)
            # Its run may have taken it along, and the other thread may have collected it.
            self._client.store.artifacts.delete([gone])

    def _collect(self, run: ActiveRun) -> None:
        self._client.upkeep.collect(older_than_s=0, bytes_older_than_s=GRACE_S)

    def _next(self) -> int:
        self._step += 1
        return self._step


def work(url: str, notes: Path, seed: int) -> None:
    """Run the workload in this process, from several threads, for ever."""
    client, file = Client(url, actor="crash"), Notes(notes)
    workers = [Worker(client, file, seed * THREADS + n) for n in range(THREADS)]
    threads = [threading.Thread(target=_guarded, args=(worker, file), daemon=True) for worker in workers]
    file.add("ready")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _guarded(worker: Worker, notes: Notes) -> None:
    try:
        worker.work()
    except BaseException as error:
        notes.add("broken", error=repr(error))
        raise


def facts_of(notes: Path) -> list[dict[str, Any]]:
    """Read the whole lines of a file of notes; half a line is what the kill cut off."""
    if not notes.exists():
        return []
    return [json.loads(line) for line in notes.read_bytes().split(b"\n")[:-1]]
