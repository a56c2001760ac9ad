"""Two servers that hold the same: ours, and MLflow's own."""

from array import array
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.data.mlflow import fill_history, fill_mlflow
from benchmarks.data.runs import EXPERIMENT, Runs, fill_store
from benchmarks.frame import Bench
from benchmarks.frame.points import START_MS, losses
from benchmarks.peers.served import Served, headwater_served, mlflow_served
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.sql.store import SqlStore

RUN: str = "f" * 32
MODEL = "late-flights"
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Side:
    """A server, and what is asked for there.

    Attributes:
        known: `experiment`, an id; `run`, of which one series is long; `model`; paths of look-ups.
    """

    served: Served
    known: Mapping[str, str]


@contextmanager
def our_side(bench: Bench, url: str, runs: Runs, points: int, *, workers: int) -> Generator[Side]:
    """Run our server on an empty database that is filled first."""
    fill_store(url, runs)
    with SqlStore(url) as store:
        run = store.runs.start(NewRun(run_id=RUN, experiment="long"))
        values = losses(points)
        for number, first in enumerate(range(0, points, _BATCH)):
            part = values[first : first + _BATCH]
            steps = array("q", range(first, first + len(part)))
            times = array("q", [START_MS + step for step in steps])
            column = Points(steps, times, array("d", part.tobytes()))
            store.series.append(
                [SeriesBatch(execution_id=run.id, key="long", writer=1, batch=number, points=column)]
            )
    with bench.folder() as folder, headwater_served(url, folder, workers=workers) as served:
        experiment = served.ask("experiments/get-by-name?" + urlencode({"experiment_name": EXPERIMENT}))
        yield _side(served, experiment["experiment"]["experiment_id"], RUN)


@contextmanager
def mlflow_side(bench: Bench, python: Path, url: str, runs: Runs, points: int) -> Generator[Side]:
    """Run MLflow's server on an empty database; it makes its tables, and then they are filled."""
    with bench.folder() as folder, mlflow_served(python, url, folder) as served:
        experiment = served.ask("experiments/create", {"name": EXPERIMENT})["experiment_id"]
        run = served.ask("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
        fill_mlflow(url, int(experiment), runs)
        fill_history(url, run, "long", losses(points).tolist())
        yield _side(served, experiment, run)


def _side(served: Served, experiment: str, run: str) -> Side:
    served.ask("registered-models/create", {"name": MODEL})
    made = served.ask("model-versions/create", {"name": MODEL, "source": "s3://bucket/model"})
    version = made["model_version"]["version"]
    served.ask("registered-models/alias", {"name": MODEL, "alias": "champion", "version": version})
    return Side(
        served,
        {
            "experiment": experiment,
            "run": run,
            "model": MODEL,
            "run path": f"runs/get?run_id={run}",
            "alias path": f"registered-models/alias?name={MODEL}&alias=champion",
            "version path": f"model-versions/get?name={MODEL}&version={version}",
            "model path": f"registered-models/get?name={MODEL}",
        },
    )
