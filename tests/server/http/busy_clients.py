"""A program whose four threads log, register and promote for some seconds, and write down what was answered.

Arguments: address of the server, number of this process, seconds. Prints one JSON object.
"""

import json
import sys
import threading
import time
from typing import Any

from headwater.errors import ConflictError, RefusedError, UnavailableError
from headwater.model.ids import new_run_id
from headwater.model.models import NewVersion, Transition
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.remote import RemoteStore

MODEL = "shared"
THREADS = 4


def work(url: str, name: str, until_s: float, noted: dict[str, Any]) -> None:
    with RemoteStore(url, environment={}) as store:
        run = store.runs.start(NewRun(run_id=new_run_id(), experiment="busy", name=name))
        noted |= {"run": run.id, "points": 0, "versions": [], "moves": 0, "refused": 0, "failures": []}
        while time.monotonic() < until_s:
            number = noted["points"]
            points = Points.of([(number, number, number / 2)])
            batch = SeriesBatch(execution_id=run.id, key="loss", writer=1, batch=number, points=points)
            try:
                store.series.append([batch])
                noted["points"] += 1
                if number % 5 == 0:
                    noted["versions"].append(
                        store.models.add_version(NewVersion(model=MODEL), actor=name).version
                    )
                    promote(store, noted, name)
            except UnavailableError as error:
                noted["failures"].append(str(error))
                return


def promote(store: RemoteStore, noted: dict[str, Any], name: str) -> None:
    version = noted["versions"][-1]
    wanted = Transition(model=MODEL, version=version, to="production", reason="busy", actor=name)
    try:
        store.models.transition(wanted)
        noted["moves"] += 1
    except (ConflictError, RefusedError):
        noted["refused"] += 1


def main(url: str, number: str, seconds: str) -> None:
    notes: list[dict[str, Any]] = [{} for _ in range(THREADS)]
    until_s = time.monotonic() + float(seconds)
    threads = [
        threading.Thread(target=work, args=(url, f"client-{number}-{i}", until_s, noted))
        for i, noted in enumerate(notes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(notes))


if __name__ == "__main__":
    main(*sys.argv[1:])
