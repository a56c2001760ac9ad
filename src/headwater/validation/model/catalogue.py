"""All metrics by name, some with a number or column in parentheses: `f1`, `ndcg(10)`."""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from headwater.errors import InvalidError
from headwater.validation.model import classification, fairness, ranking, regression
from headwater.validation.model.metrics import Metric
from headwater.validation.model.samples import Task

OBSERVED: Final[Mapping[str, bool]] = {
    "latency_p50_ms": False,
    "latency_p95_ms": False,
    "size_bytes": False,
}
"""What is measured beside the rows, of all of them alone; whether more is better."""

DEFAULTS: Final[Mapping[Task, tuple[str, ...]]] = {
    Task.CLASSIFICATION: (
        "accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "pr_auc",
        "log_loss",
        "brier",
        "calibration_error",
    ),
    Task.REGRESSION: ("mae", "mse", "rmse", "mape", "r2", "quantile_loss"),
    Task.RANKING: ("ndcg(10)", "map(10)", "mrr"),
}
"""What is measured when nobody says what."""

_NAME: Final = re.compile(r"(?P<name>\w+)(?:\((?P<given>[^()]*)\))?")
_PLAIN: Final[Mapping[Task, Mapping[str, Callable[[], Metric]]]] = {
    Task.CLASSIFICATION: {
        "accuracy": classification.accuracy,
        "precision": classification.precision,
        "recall": classification.recall,
        "f1": classification.f1,
        "roc_auc": classification.roc_auc,
        "pr_auc": classification.pr_auc,
        "log_loss": classification.log_loss,
        "brier": classification.brier,
    },
    Task.REGRESSION: {
        "mae": regression.mae,
        "mse": regression.mse,
        "rmse": regression.rmse,
        "mape": regression.mape,
        "r2": regression.r2,
    },
    Task.RANKING: {"mrr": ranking.mrr},
}
_WITH_NUMBER: Final[Mapping[Task, Mapping[str, Callable[[float | None], Metric]]]] = {
    Task.CLASSIFICATION: {"calibration_error": classification.calibration_error},
    Task.REGRESSION: {"quantile_loss": regression.quantile_loss},
    Task.RANKING: {"ndcg": ranking.ndcg, "map": ranking.mean_average_precision},
}
_WITH_COLUMN: Final[Mapping[str, Callable[[str], Metric]]] = {
    "demographic_parity_difference": fairness.demographic_parity_difference,
    "equal_opportunity_difference": fairness.equal_opportunity_difference,
    "equalized_odds_difference": fairness.equalized_odds_difference,
}


def metric_named(text: str, task: Task) -> Metric:
    """Return a metric.

    Args:
        text: Its name, perhaps with a number or column in parentheses.
        task: What the model is for.

    Raises:
        InvalidError: there is no such metric for the task, with near names.
    """
    makers = _makers(task)
    match = _NAME.fullmatch(text.strip())
    if match is None or match["name"] not in makers:
        near = difflib.get_close_matches(text, makers, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else f"; there are {', '.join(sorted(makers))}"
        raise InvalidError(f"no metric {text!r} for {task}{hint}")
    return makers[match["name"]](match["given"])


def _makers(task: Task) -> dict[str, Callable[[str | None], Metric]]:
    found: dict[str, Callable[[str | None], Metric]] = {}
    for name, plain in _PLAIN[task].items():
        found[name] = partial(_plain, name, plain)
    for name, numbered in _WITH_NUMBER[task].items():
        found[name] = partial(_numbered, name, numbered)
    if task is Task.CLASSIFICATION:
        for name, over in _WITH_COLUMN.items():
            found[name] = partial(_over, over)
    return found


def _plain(name: str, make: Callable[[], Metric], given: str | None) -> Metric:
    if given is not None:
        raise InvalidError(f"metric {name!r} takes nothing in parentheses, not {given!r}")
    return make()


def _numbered(name: str, make: Callable[[float | None], Metric], given: str | None) -> Metric:
    try:
        number = None if given is None else float(given)
    except ValueError:
        raise InvalidError(f"metric {name!r} takes a number in parentheses, not {given!r}") from None
    return make(number)


def _over(make: Callable[[str], Metric], given: str | None) -> Metric:
    return make((given or "").strip())
