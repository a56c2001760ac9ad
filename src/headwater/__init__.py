"""Headwater: a lineage-first ML metadata store."""

import typing as _typing

from headwater.version import VERSION as __version__  # noqa: N811

if _typing.TYPE_CHECKING:
    from headwater.sdk import (
        ActiveRun,
        Client,
        Cron,
        Dataset,
        Lineage,
        Model,
        ModelVersion,
        NewData,
        OnEvent,
        Pipeline,
        Run,
        Schema,
        Statistics,
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

__all__ = [
    "ActiveRun",
    "Client",
    "Cron",
    "Dataset",
    "Lineage",
    "Model",
    "ModelVersion",
    "NewData",
    "OnEvent",
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
    # Now, because a program that hardly uses this package should not wait for all of it.
    from headwater import sdk

    found = globals()[name] = getattr(sdk, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
