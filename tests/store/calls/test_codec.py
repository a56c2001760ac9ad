import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.filters import Filter
from headwater.model.graph import ExecutionChange, NewArtifact
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.calls import calls, entity, pack, plain, unpack
from tests.store.calls import values

FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["is", "id", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def _name(kind: Any) -> str:
    return re.sub(r"[\w.]+\.(?=\w)|<(?:class|enum) |[<>' ]", "", str(kind))


def all_types() -> list[Any]:
    found = [kind for call in calls().values() for kind in (*call.parameters.values(), call.result)]
    return list({_name(kind): kind for kind in found if kind is not type(None)}.values())


@pytest.mark.parametrize("kind", all_types(), ids=_name)
@FEW
@given(data=st.data())
def test_what_is_sent_is_what_arrives(kind, data):
    value = data.draw(values.of(kind))

    assert entity(unpack(pack(plain(value, kind))), kind) == value


@pytest.mark.parametrize("kind", all_types(), ids=_name)
@FEW
@given(sent=NONSENSE)
def test_nonsense_is_an_invalid_value_or_a_valid_one(kind, sent):
    try:
        value = entity(sent, kind)
        # Whatever was taken for a value is one, and can be written again.
        again = entity(unpack(pack(plain(value, kind))), kind)
    except InvalidError:
        return

    assert again == value or "nan" in repr(value)


@FEW
@given(st.lists(st.tuples(values.INT64S, values.INT64S, values.DOUBLES), max_size=9))
def test_points_arrive_bit_by_bit(rows):
    points = Points.of(rows)

    assert entity(unpack(pack(plain(points, Points))), Points) == points


@pytest.mark.parametrize(
    "columns",
    [[b"", b""], [b"", b"", b"", b""], [b"1234567", b"", b""], [b"12345678", b"", b""], b"", {"steps": []}],
)
def test_columns_that_do_not_fit_are_refused(columns):
    with pytest.raises(InvalidError):
        entity(columns, Points)


def test_a_field_that_nobody_knows_is_refused():
    sent = plain(NewRun(run_id="r", experiment="e"), NewRun) | {"color": "red"}

    with pytest.raises(InvalidError, match="color"):
        entity(sent, NewRun)


@pytest.mark.parametrize("wrong", ["1", 1.0, True, None, [1], b"1"], ids=repr)
def test_no_value_is_turned_into_another_kind(wrong):
    sent = plain(SeriesBatch(execution_id=1, key="k", writer=1, batch=0, points=Points()), SeriesBatch)

    with pytest.raises(InvalidError, match="expected int"):
        entity(sent | {"writer": wrong}, SeriesBatch)


def test_a_message_says_where():
    sent = [plain(NewArtifact(type_id=1), NewArtifact), {"type_id": "one"}]

    with pytest.raises(InvalidError, match=r"value\[1\].*type_id"):
        entity(sent, list[NewArtifact])


def test_what_is_kept_is_not_sent():
    assert plain(ExecutionChange(id=1), ExecutionChange) == {"id": 1}


def test_a_filter_as_deep_as_the_stack_is_refused():
    deep: Any = {"is": "Nonsense"}
    for _ in range(100_000):
        deep = {"is": "Not", "part": deep}

    with pytest.raises(InvalidError):
        entity(deep, Filter)
    # Pulled apart by hand: freeing it at once would recurse as well.
    while deep:
        deep = deep.get("part")
