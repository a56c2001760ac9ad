"""What merging costs, and that few points are summed up as many are."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.event import listen

from headwater.model.graph import NewExecution, NewType, NodeKind
from headwater.model.series import Points, SeriesBatch
from headwater.store.sql import latest, series
from headwater.store.sql.merging import AT_ONCE
from headwater.store.sql.series import MERGE_AFTER

SERIES = 2 * AT_ONCE + 1


def append_to_each(store, execution, number):
    """Add one point to every series."""
    store.series.append(
        [
            SeriesBatch(
                execution_id=execution,
                key=f"k{i}",
                writer=1,
                batch=number,
                points=Points.of([(number, number, 0.5)]),
            )
            for i in range(SERIES)
        ]
    )


def test_crowded_series_are_merged_some_in_each_transaction(store, monkeypatch):
    monkeypatch.setattr(series, "LOOKED_AT", 1)
    [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
    [execution] = store.executions.add([NewExecution(type_id=kind)])
    for number in range(MERGE_AFTER):
        append_to_each(store, execution, number)
    commits = []
    listen(store.series._db.engine, "commit", commits.append)

    append_to_each(store, execution, MERGE_AFTER)

    # One that appends; and three that merge, which a transaction for each series would not be.
    assert len(commits) == 1 + 3
    assert store.series.merge(execution) == SERIES


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-2, 2),
            st.integers(-2, 2),
            st.sampled_from([float("nan"), float("-inf"), float("inf"), -1.5, 0.0, 2.0]),
        ),
        min_size=2,
        max_size=latest.MANY - 1,
    )
)
def test_few_points_are_summed_up_as_many_are(rows):
    few = latest.latest_of(Points.of(rows))

    # Of each point so many copies that numpy counts them.
    many = latest.latest_of(Points.of(rows * latest.MANY))

    assert repr((few.step, few.time_ms, few.value, few.min, few.max)) == repr(
        (many.step, many.time_ms, many.value, many.min, many.max)
    )
