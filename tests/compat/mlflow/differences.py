"""Where we answer otherwise than MLflow's server on purpose; `docs/mlflow.md` tells users of each."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """Calls whose last one has other answers, and the statuses of these: ours and theirs."""

    calls: list[tuple[str, dict[str, Any]]]
    statuses: tuple[int, int]


SEARCH = {"experiment_ids": ["$exp"]}
DATA = {"name": "said-later", "digest": "1", "source_type": "x", "source": "y"}
TEN, NINE = ({"run_id": run, "key": "a", "value": value} for run, value in (("$0", "10"), ("$1", "9")))


def searching(filter: str, statuses: tuple[int, int]) -> Difference:
    """Return a difference in one search."""
    return Difference([("runs/search", SEARCH | {"filter": filter})], statuses)


DIFFERENCES = {
    "OR in a filter": searching("params.a = '1' OR run_name = 'n1'", (200, 400)),
    "parentheses in a filter": searching("(run_name = 'n1')", (200, 400)),
    "NOT in a filter": searching("NOT run_name = 'n2'", (200, 400)),
    "IN for params and tags": searching("params.a IN ('1')", (200, 400)),
    "NOT LIKE": searching("run_name NOT LIKE 'n2'", (200, 400)),
    "no LIKE on artifact_uri": searching("artifact_uri LIKE '%'", (400, 200)),
    "params that are numbers sort as numbers": Difference(
        [
            ("runs/create", {"experiment_id": "$exp", "run_name": "n2", "start_time": 1001}),
            ("runs/log-parameter", TEN),
            ("runs/log-parameter", NINE),
            ("runs/search", SEARCH | {"order_by": ["params.a"]}),
        ],
        (200, 200),
    ),
    "an unknown status is refused": Difference(
        [("runs/update", {"run_id": "$0", "status": "DONE"})], (400, 200)
    ),
    "a run keeps a name": Difference(
        [("runs/delete-tag", {"run_id": "$0", "key": "mlflow.runName"})], (400, 200)
    ),
    "a name has at most 500 characters": Difference(
        [("runs/create", {"experiment_id": "$exp", "run_name": "n" * 501})], (400, 200)
    ),
    "experiments come 1,000 to a page": Difference([("experiments/search", {})], (200, 400)),
    "renaming a deleted experiment is the caller's mistake": Difference(
        [
            ("experiments/delete", {"experiment_id": "$exp"}),
            ("experiments/update", {"experiment_id": "$exp", "new_name": "new"}),
        ],
        (400, 500),
    ),
    "restoring an experiment leaves earlier deletions": Difference(
        [
            ("runs/delete", {"run_id": "$0"}),
            ("experiments/delete", {"experiment_id": "$exp"}),
            ("experiments/restore", {"experiment_id": "$exp"}),
            ("runs/get", {"run_id": "$0"}),
        ],
        (200, 200),
    ),
    "of two tags with one key the last one counts": Difference(
        [
            (
                "runs/create",
                {"experiment_id": "$exp", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
            )
        ],
        (200, 400),
    ),
    "the history of no run is not found": Difference(
        [("metrics/get-history", {"run_id": "0" * 32, "metric_key": "a"})], (404, 200)
    ),
    "sorting twice by one key is the caller's mistake": Difference(
        [("runs/search", SEARCH | {"order_by": ["metrics.a", "metrics.a DESC"]})], (400, 500)
    ),
    "a data set and digest are one version for all experiments": Difference(
        [
            ("runs/log-inputs", {"run_id": "$0", "datasets": [{"dataset": each}]})
            for each in (DATA, DATA | {"profile": "{}"})
        ]
        + [("runs/get", {"run_id": "$0"})],
        (200, 200),
    ),
    "names of data sets are those of references": Difference(
        [
            (
                "runs/log-inputs",
                {
                    "run_id": "$0",
                    "datasets": [{"dataset": DATA | {"name": "/a"}}],
                },
            )
        ],
        (400, 200),
    ),
}


def is_worded_otherwise(endpoint: str, theirs: tuple[int, Any]) -> bool:
    """Tell whether only an error's code is the same: our messages about filters show where the fault is."""
    status, body = theirs
    return status != 200 and (
        endpoint == "runs/search" or any(text in body.get("message", "") for text in _REWORDED)
    )


_REWORDED = ("Invalid path", "Error: (sqlite3")
