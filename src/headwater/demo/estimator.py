"""The estimator: gradient boosting on the features, and how well it ranks flights by their risk."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, TypeAlias

from headwater.demo.features import CATEGORIES, COLUMNS, LABEL
from headwater.demo.libraries import Frame, load

Estimator: TypeAlias = Any
"""A scikit-learn classifier."""

PARAMS: Final = {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31, "random_state": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """One AUC per day; NaN on a day on which no flight, or every flight, was late."""

    days: list[date]
    auc: list[float]


def fit(flights: Frame) -> Estimator:
    """Train on flights whose label is known."""
    with one_thread():
        return _pipeline().fit(flights[COLUMNS], flights[LABEL])


def risks(estimator: Estimator, flights: Frame) -> Any:
    """Return the probability of being late, as an array aligned with the flights."""
    with one_thread():
        return estimator.predict_proba(flights[COLUMNS])[:, 1]


def auc(flights: Frame, risk: Any) -> float:
    """Return the chance that a late flight has a greater risk than one on time; NaN without both kinds."""
    if flights[LABEL].nunique() < 2:
        return float("nan")
    return float(load("sklearn.metrics").roc_auc_score(flights[LABEL], risk))


def daily_auc(flights: Frame, risk: Any) -> Daily:
    """Return the AUC of each day."""
    groups = flights.assign(risk=risk).groupby("day")
    by_day = {day.date(): auc(group, group["risk"]) for day, group in groups}
    return Daily(days=list(by_day), auc=list(by_day.values()))


def _pipeline() -> Estimator:
    compose, pipeline = load("sklearn.compose"), load("sklearn.pipeline")
    encoder = load("sklearn.preprocessing").OrdinalEncoder(
        # An airline or airport that was not in the training data yet.
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )
    columns = compose.make_column_transformer((encoder, CATEGORIES), remainder="passthrough")
    classifier = load("sklearn.ensemble").HistGradientBoostingClassifier(**PARAMS)
    return pipeline.make_pipeline(columns, classifier)


@cache
def _openmp() -> Any:
    """Find the OpenMP libraries that scikit-learn has loaded.

    Once: the search calls Python from C, where Ctrl-C would be swallowed.
    """
    load("sklearn.ensemble")
    return load("threadpoolctl").ThreadpoolController().select(user_api="openmp")


def one_thread() -> AbstractContextManager[object]:
    """Keep OpenMP to one thread.

    The sums, and with them the trees, depend on the number of threads: with one, every machine gets the
    same model. It takes half a second; where other processes use the cores too, more threads take up to
    20, as they wait for each other by spinning.
    """
    return _openmp().limit(limits=1)
