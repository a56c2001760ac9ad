"""Headwater: a lineage-first ML metadata store."""

from headwater.sdk import (
    ActiveRun,
    Client,
    Dataset,
    Lineage,
    Model,
    ModelVersion,
    Run,
    at,
    connect,
    dataset,
    get_run,
    lineage,
    load_model,
    models,
    run,
    search_runs,
)
from headwater.version import VERSION as __version__  # noqa: N811

__all__ = [
    "ActiveRun",
    "Client",
    "Dataset",
    "Lineage",
    "Model",
    "ModelVersion",
    "Run",
    "__version__",
    "at",
    "connect",
    "dataset",
    "get_run",
    "lineage",
    "load_model",
    "models",
    "run",
    "search_runs",
]
