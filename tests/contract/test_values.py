"""Values of properties come back as they were, on every backend."""

import math
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.graph import NewExecution, NodeKind
from headwater.model.values import INT64_MAX, INT64_MIN, ProtoValue
from tests.contract.builders import put_type

anything = st.text(st.characters(exclude_categories=()), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)
values = (
    st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats()
    | anything
    | st.binary(max_size=20)
    | st.lists(json_values, max_size=3)
    | st.dictionaries(anything, json_values, max_size=3)
    | st.builds(ProtoValue, anything, st.binary(max_size=5))
)


def round_trip(store, **spaces):
    """Store values on a new execution and return the execution."""
    kind = put_type(store, NodeKind.EXECUTION)
    stored = store.executions.add([NewExecution(type_id=kind, **spaces)])
    return store.executions.get(stored)[0]


@pytest.mark.parametrize("space", ["custom_properties", "params"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.dictionaries(anything.filter(bool), values, max_size=4))
@example(given={"x": "\ud83d\ude00"})
@example(given={"x": ["\ud83d\ude00", {"\x00": -0.0}]})
def test_any_value_comes_back(store, space, given):
    found = getattr(round_trip(store, **{space: given}), space)

    # repr tells 1, 1.0 and True apart, and -0.0 from 0.0, and makes NaN equal NaN.
    assert {k: repr(found[k]) for k in found} == {k: repr(given[k]) for k in given}


@pytest.mark.parametrize(
    "number",
    [
        0.0,
        -0.0,
        math.nan,
        math.inf,
        -math.inf,
        5e-324,
        sys.float_info.max,
        -sys.float_info.max,
        sys.float_info.min,
        0.1 + 0.2,
        1e16 + 2,
        123456789.12345679,
        -1e-300,
    ],
    ids=repr,
)
def test_doubles_come_back_bit_by_bit(store, number):
    found = round_trip(store, custom_properties={"x": number}, params={"x": number})

    assert (repr(found.custom_properties["x"]), repr(found.params["x"])) == (repr(number),) * 2


@pytest.mark.parametrize("number", [0, -1, INT64_MAX, INT64_MIN, 2**53 + 1], ids=str)
def test_integers_come_back_exactly(store, number):
    found = round_trip(store, custom_properties={"x": number}, params={"x": number})

    assert (found.custom_properties, found.params) == ({"x": number}, {"x": number})


@pytest.mark.parametrize(
    "letter",
    ["a", "😀", "\x00", "\uf8ff", "\ud800", "\uf8ffd800", " "],
    ids=["ascii", "emoji", "nul", "mark", "surrogate", "looks-escaped", "space"],
)
def test_texts_around_the_end_of_the_index_come_back(store, letter):
    given = {}
    for size in (0, 1, 20, 25, 26, 42, 43, 63, 64, 65, 126, 127, 128, 129, 130, 4000):
        whole, cut = letter * size, "a" * size + letter
        given |= {f"whole {size}": whole, f"cut {size}": cut, f"proto {size}": ProtoValue(whole, b"")}

    found = round_trip(store, custom_properties=given, params=given)

    assert (found.custom_properties, found.params) == (given, given)


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000_000, "é\x00" * 1_000_000, b"\x00'\\\xff" * 1_000_000, ["y" * 5_000_000]],
    ids=["10-MB-text", "escapes", "4-MB-bytes", "5-MB-struct"],
)
def test_large_values_come_back(store, value):
    assert round_trip(store, custom_properties={"x": value}).custom_properties["x"] == value


@pytest.mark.parametrize(
    "keys",
    [
        ("a", "A"),
        ("a", "a "),
        ("é", "e\u0301"),
        ("a\x00", "a"),
        ("ß", "ss"),
        ("%s", "%"),
        ("'", "`", '"', "\\"),
    ],
    ids=["case", "space", "accents", "nul", "sharp-s", "percent", "quotes"],
)
def test_keys_differ_by(store, keys):
    given = {key: i for i, key in enumerate(keys)}

    assert round_trip(store, custom_properties=given, params=given).params == given


@pytest.mark.parametrize(
    "value",
    [2**63, INT64_MIN - 1, None, object(), {1, 2}, (1, 2), 1j, [object()], {"a": {1}}, {1: "a"}, [{2: 3}]],
    ids=[
        "large",
        "small",
        "none",
        "object",
        "set",
        "tuple",
        "complex",
        "in-list",
        "in-dict",
        "key",
        "inner-key",
    ],
)
def test_value_that_cannot_be_stored_is_refused(store, value):
    kind = put_type(store, NodeKind.EXECUTION)

    with pytest.raises(InvalidError, match="'x'"):
        store.executions.add([NewExecution(type_id=kind, custom_properties={"x": value})])

    assert store.executions.page().items == ()


def test_struct_that_holds_itself_is_refused(store):
    loop: list = []
    loop.append(loop)

    with pytest.raises(InvalidError, match="'x'"):
        round_trip(store, custom_properties={"x": loop})


def test_properties_come_back_sorted_by_name(store):
    found = round_trip(store, custom_properties={"b": 1, "a": 2, "Z": 3, "é": 4})

    assert list(found.custom_properties) == ["Z", "a", "b", "é"]
