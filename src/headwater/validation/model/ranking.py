"""Metrics of rankings: a value of each query, and their mean by the weight of the query's first row.

Queries without a relevant row say nothing and are left out. Relevance is 0 for what should not be
found; NDCG uses it as gain, the others ask whether it is above 0.
"""

from collections.abc import Callable, Iterator

import numpy as np

from headwater.errors import InvalidError
from headwater.validation.model.metrics import Metric, Rows, Statistic, never, ratio, sklearn_metrics
from headwater.validation.model.samples import Codes, Floats

Value = Callable[[Floats, Floats], float]
"""From relevance and scores of one query to a number."""


def ndcg(depth: float | None = None) -> Metric:
    """Normalised discounted cumulative gain of the first `depth` rows; ties are averaged.

    Source:
        Järvelin and Kekäläinen, ACM TOIS 20 (2002); ties as McSherry and Najork, ECIR 2008.
    """
    first = _depth("ndcg", depth)

    def value(relevance: Floats, scores: Floats) -> float:
        if len(relevance) == 1:
            return 1.0
        return float(sklearn_metrics().ndcg_score(relevance[None], scores[None], k=first))

    return _mean_over_queries("ndcg", depth, value)


def mean_average_precision(depth: float | None = None) -> Metric:
    """The mean of the precision at each relevant row among the first `depth`; ties count against the model.

    Source:
        Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), section 8.4.
    """
    first = _depth("map", depth)

    def value(relevance: Floats, scores: Floats) -> float:
        hit = _in_order(relevance, scores)[:first]
        found = np.cumsum(hit) / np.arange(1, len(hit) + 1)
        return float((found * hit).sum() / min(int((relevance > 0).sum()), len(hit)))

    return _mean_over_queries("map", depth, value)


def mrr() -> Metric:
    """The mean of one by the place of the first relevant row; ties count against the model."""
    return _mean_over_queries("mrr", None, lambda r, s: 1 / (1 + int(_in_order(r, s).argmax())))


def _depth(name: str, depth: float | None) -> int | None:
    if depth is None:
        return None
    if depth < 1 or depth != int(depth):
        raise InvalidError(f"{name} needs a whole number of rows, 1 or more, not {depth:g}")
    return int(depth)


def _in_order(relevance: Floats, scores: Floats) -> Floats:
    """Return 1 for relevant rows, the best score first; among equal scores the irrelevant first."""
    relevant = relevance > 0
    return relevant[np.lexsort((relevant, -scores))].astype(np.float64)


def _mean_over_queries(name: str, depth: float | None, value: Value) -> Metric:
    def drawn(rows: Rows) -> Statistic:
        found, firsts = _by_query(rows, value)

        def mean(weights: Floats) -> Floats:
            mine = weights[:, firsts]
            return ratio(mine @ found, mine.sum(axis=1))

        return mean

    def why(rows: Rows) -> str:
        if (rows.truth < 0).any():
            return "relevance is below 0"
        return never(rows) or ("" if (rows.truth > 0).any() else "no query has a relevant row")

    return Metric(
        name=name if depth is None else f"{name}({depth:g})",
        higher_is_better=True,
        point=lambda r: float(drawn(r)(r.weights[None])[0]),
        drawn=drawn,
        why_undefined=why,
    )


def _by_query(rows: Rows, value: Value) -> tuple[Floats, Codes]:
    """Return the value of each query with a relevant row, and where its first row is."""
    found = [
        (value(rows.truth[query], rows.predicted[query]), query[0])
        for query in _queries(rows)
        if (rows.truth[query] > 0).any()
    ]
    return np.array([each for each, _ in found]), np.array([first for _, first in found], np.intp)


def _queries(rows: Rows) -> Iterator[Codes]:
    assert rows.groups is not None
    order = np.argsort(rows.groups, kind="stable")
    ends = np.flatnonzero(np.diff(rows.groups[order])) + 1
    yield from np.split(order, ends)
