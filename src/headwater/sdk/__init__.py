"""What users import, as functions of the current client; `headwater` re-exports it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, overload

from headwater.errors import RefusedError
from headwater.model.models import ModelVersion
from headwater.model.runs import Run
from headwater.pipelines.steps import Step, approval, step, when
from headwater.pipelines.triggers import Cron, NewData, OnEvent, Trigger
from headwater.registry import Model
from headwater.sdk.client import Client, Current
from headwater.sdk.current_models import CurrentModels
from headwater.sdk.lineage import Lineage
from headwater.sdk.pipelines import Pipeline, make_pipeline
from headwater.tracking import ActiveRun, Dataset, current_run

if TYPE_CHECKING:
    from headwater.validation.data.schema import Schema
    from headwater.validation.data.statistics import Statistics
    from headwater.validation.model import Gate, InfraGate, InfraJudged, Judged

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

_LATER: Final = {
    "Schema": "headwater.validation.data.schema",
    "Statistics": "headwater.validation.data.statistics",
}
"""Names whose modules are loaded when they are first used: `import headwater` should not wait for them."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


# The one piece of state in the package: scripts and notebooks work with one store at a time.
_current = Current()


def current() -> Current:
    """Return what knows the client that the functions here use."""
    return _current


def connect(url: str | None = None, *, blobs: str | None = None, actor: str | None = None) -> Client:
    """Use a store from now on, and close the one used before.

    Without this call, the first use opens the project's own store.

    Args:
        url: `memory://`, `sqlite:///PATH`, `postgresql://…` or `mysql://…`; else
            `$HEADWATER_STORE`, else `.headwater/headwater.db` in the project.
        blobs: Folder or URL for bytes; else `$HEADWATER_BLOBS`, else beside a
            SQLite file (`.blobs`), else `.headwater/blobs` in the project.
        actor: Who decides, for the ledger; by default user@host.

    Raises:
        InvalidError: no kind of store has such a URL.
        SchemaError: the database's tables are of another version.
        UnavailableError: the database cannot be reached.

    Example:
        >>> client = connect("memory://")
        >>> client.store.url
        'memory://'
    """
    return _current.connect(Client(url, blobs=blobs, actor=actor))


def run(
    experiment: str,
    *,
    name: str | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    run_id: str | None = None,
    parent: ActiveRun | Run | str | None = None,
    capture: bool = True,
) -> ActiveRun:
    """Start a run, or go on with the one of `run_id`; use it in a `with` block.

    Args:
        experiment: Name of the experiment; it is made when it is not there.
        name: A name for people; it need not be unique.
        params: Hyperparameters; they never change afterwards.
        tags: Labels; they can change.
        run_id: Go on with this run: an id, a reference, or the beginning of an id.
        parent: The run that this one is part of; by default the one whose `with` block we are in.
        capture: Record the code, environment and hardware that it runs on.

    Raises:
        InvalidError: a name or key cannot be used; nothing was started then.
        NotFoundError: there is no run with this `run_id`.
        ConflictError: the run to go on with has another experiment or other params.

    Example:
        >>> _ = connect("memory://")
        >>> with run("flights/train", params={"lr": 0.1}) as active:
        ...     active.log_metric(name="auc", value=0.71, step=1)
        >>> get_run(active.run_id).metrics["auc"].value
        0.71
    """
    return _current.get().run(
        experiment,
        name=name,
        params=params,
        tags=tags,
        run_id=run_id,
        parent=parent,
        capture=capture,
    )


def dataset(name: str, data: object, **options: Any) -> Dataset:
    """Record a version of a data set; the same content gives the version that is there already.

    Args:
        name: Name of the data set.
        data: A pandas, polars or arrow frame, a numpy array, rows, a file, a folder, or a URI.
        options: As in `headwater.tracking.log_dataset`.

    Example:
        >>> _ = connect("memory://")
        >>> first = dataset("flights/train", [{"carrier": "UA", "late": 1}])
        >>> dataset("flights/train", [{"carrier": "UA", "late": 1}]).ref
        'data/flights/train/1'
    """
    return _current.get().dataset(name, data, **options)


def get_run(run_id: str) -> Run:
    """Return a stored run by its id, its reference, or the beginning of its id.

    Raises:
        NotFoundError: there is none.
        InvalidError: several begin like this.
    """
    return _current.get().get_run(run_id)


def search_runs(filter: str = "", *, order_by: str = "", limit: int = 100) -> list[Run]:
    """Return the runs that a filter selects; by default the newest first.

    Args:
        filter: Such as `metrics.auc > 0.7 and params.lr = 0.1`.
        order_by: Such as `metrics.auc desc, start_time`.
        limit: Runs at the most.

    Raises:
        FilterError: the filter or order does not parse; the message points at the fault.
        InvalidError: the limit is negative.
    """
    return _current.get().search_runs(filter, order_by=order_by, limit=limit)


def delete_runs(run_ids: Sequence[str], *, reason: str, force: bool = False) -> None:
    """Delete runs, all or none: lists and searches leave them out, lineage still shows them.

    `headwater gc` removes them for good after a while; until then `restore_runs` brings them back.

    Args:
        run_ids: Ids, references, or the beginnings of ids.
        reason: Why; kept in the ledger.
        force: Also runs whose model versions are registered.

    Raises:
        NotFoundError: there is no such run.
        RefusedError: the reason is empty, or a run has made registered versions and `force` is not set.
    """
    _current.get().delete_runs(run_ids, reason=reason, force=force)


def restore_runs(run_ids: Sequence[str], *, reason: str) -> None:
    """Bring deleted runs back, all or none.

    Args:
        run_ids: Ids, references, or the beginnings of ids.
        reason: Why; kept in the ledger.

    Raises:
        NotFoundError: there is no such run, or it was removed for good.
        RefusedError: the reason is empty.
    """
    _current.get().restore_runs(run_ids, reason=reason)


def load_model(ref: str) -> object:
    """Load a model, after its bytes were compared with their digest.

    Args:
        ref: Such as `models/late-flights/3` or `models/late-flights@production`.

    Raises:
        NotFoundError: there is no such version, or its bytes are gone.
        CorruptError: the bytes are not those that were registered.
        RefusedError: the version was registered without bytes.
    """
    return _current.get().load_model(ref)


def judge(ref: str, *, gate: "Gate", on: Dataset | str, frame: Any = None) -> "Judged":
    """Judge a version of a model against the one in production, and store the verdict.

    Args:
        ref: Such as `models/late-flights/3`.
        gate: What is asked for; see `headwater.validation.model`.
        on: The data version to judge on: what `hw.dataset` returned, or a reference such as
            `data/flights/2`.
        frame: The data's content, where it is at hand; else it is loaded.

    Returns:
        The judgement, which shows itself as text and HTML, with the stored verdict.

    Raises:
        NotFoundError: there is no such version.
        InvalidError: the data lack a column that the gate or a model needs.
        RefusedError, CorruptError: a version does not load.
    """
    return _current.get().judge(ref, gate=gate, on=on, frame=frame)


def judge_infra(ref: str, *, gate: "InfraGate | None" = None) -> "InfraJudged":
    """Let a version load in a fresh process and answer its example, and store the verdict.

    Args:
        ref: Such as `models/late-flights/3`.
        gate: The limits; by default a minute and 4 GiB.

    Returns:
        The stored verdict with what it rests on; a model that fails raises nothing.

    Raises:
        NotFoundError: there is no such version.
    """
    return _current.get().judge_infra(ref, gate=gate)


def lineage(ref: str) -> Lineage:
    """Return the lineage of what a reference names.

    Args:
        ref: Such as `models/late-flights/3`, `data/flights/2`, `runs/ID` or `artifacts/17`.

    Raises:
        InvalidError: it is not a reference to an artifact or execution.
        NotFoundError: there is no such thing.
    """
    return _current.get().lineage(ref)


def active_run() -> ActiveRun:
    """Return the run that this code is inside of: that of a `with` block, or of a pipeline's step.

    Raises:
        RefusedError: it is inside of none.
    """
    if (found := current_run()) is None:
        raise RefusedError("no run is active here: use `with hw.run(…)`, or call this in a pipeline's step")
    return found


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...


@overload
def pipeline(
    *, name: str | None = None, triggers: Sequence[Trigger] = ()
) -> Callable[[Callable[..., Any]], Pipeline]: ...


def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    triggers: Sequence[Trigger] = (),
) -> Pipeline | Callable[[Callable[..., Any]], Pipeline]:
    """Make a function that calls steps a pipeline; with or without arguments.

    Args:
        function: The function. It is called once, to see which steps there are; its parameters are
            plain values, or references such as `data/flights/2`.
        name: Its name in the store; by default the function's name.
        triggers: What starts it under `headwater pipeline serve`: `hw.Cron`, `hw.NewData`, `hw.OnEvent`.

    Raises:
        InvalidError: the name has a slash, or a parameter has a name that `run` takes itself.

    Example:
        >>> _ = connect("memory://")
        >>> @step
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @pipeline
        ... def answer(x: int = 21):
        ...     return double(x)
        >>> answer.run().value
        42
    """

    def made(function: Callable[..., Any]) -> Pipeline:
        return make_pipeline(function, current, name=name, triggers=triggers)

    return made if function is None else made(function)


def at(moment: str | datetime | int) -> Client:
    """Return a view of the current store as it was at a moment; it reads, and never writes.

    Args:
        moment: Such as `2013-08-14T09:00` (UTC), a datetime, or milliseconds since the epoch.

    Raises:
        InvalidError: the text is no moment.

    Example:
        >>> _ = connect("memory://")
        >>> with run("flights/train"):
        ...     pass
        >>> at("2013-08-14T09:00").search_runs()
        []
    """
    return _current.get().at(moment)


models = CurrentModels(current)
