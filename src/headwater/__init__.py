"""Headwater: a lineage-first ML metadata store."""

import typing as _typing

from headwater import sdk as _sdk
from headwater.sdk import (
    ActiveRun,
    Client,
    Dataset,
    Lineage,
    Model,
    ModelVersion,
    Pipeline,
    Run,
    Step,
    active_run,
    approval,
    at,
    connect,
    dataset,
    delete_runs,
    get_run,
    judge,
    judge_infra,
    lineage,
    load_model,
    models,
    pipeline,
    restore_runs,
    run,
    search_runs,
    step,
    when,
)
from headwater.version import VERSION as __version__  # noqa: N811

if _typing.TYPE_CHECKING:
    from headwater.sdk import Schema, Statistics

__all__ = [
    "ActiveRun",
    "Client",
    "Dataset",
    "Lineage",
    "Model",
    "ModelVersion",
    "Pipeline",
    "Run",
    "Schema",
    "Statistics",
    "Step",
    "__version__",
    "active_run",
    "approval",
    "at",
    "connect",
    "dataset",
    "delete_runs",
    "get_run",
    "judge",
    "judge_infra",
    "lineage",
    "load_model",
    "models",
    "pipeline",
    "restore_runs",
    "run",
    "search_runs",
    "step",
    "when",
]


def __getattr__(name: str) -> _typing.Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_sdk, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
