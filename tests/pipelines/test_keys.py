"""Laws of cache keys: equal parts make equal keys, and any difference is seen and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.pipelines.bindings import Element, Made, Named, Plain, Several, digest_of_binding
from headwater.pipelines.keys import FIELDS, CacheKey, FieldChange, changes_between, digest_of, key_from
from headwater.pipelines.values import Kind, Stored

texts = st.text(max_size=8)
parts = st.dictionaries(st.sampled_from(FIELDS), st.dictionaries(texts, texts, max_size=3), max_size=4)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def without_empty(found):
    return {name: inner for name, inner in found.items() if inner}


@given(parts, parts)
def test_keys_are_equal_exactly_when_their_parts_are(one, other):
    same = without_empty(one) == without_empty(other)

    assert (CacheKey(parts=one).digest == CacheKey(parts=other).digest) is same


@given(parts, parts)
def test_a_difference_is_named_where_it_is(one, other):
    found = changes_between(CacheKey(parts=one), CacheKey(parts=other))

    for name in FIELDS:
        changed = {change.part for change in found if change.field == name}
        old, new = one.get(name, {}), other.get(name, {})
        assert changed == {part for part in old.keys() | new.keys() if old.get(part) != new.get(part)}


@given(parts)
def test_a_stored_key_is_the_same_key(one):
    key = CacheKey(parts=one)

    again = key_from(key.as_json())

    assert again is not None
    assert again.digest == key.digest
    assert changes_between(key, again) == []


@given(plain, plain)
def test_plain_values_differ_in_digest_exactly_when_they_differ_in_json(one, other):
    import json

    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert (digest_of(one) == digest_of(other)) is same


def stored(number, digest):
    return Stored(artifact_id=number, kind=Kind.JSON, digest=digest)


def test_an_input_counts_by_its_content_and_not_by_its_artifact():
    assert digest_of_binding(Made(stored(1, "blake3:a"))) == digest_of_binding(Made(stored(2, "blake3:a")))
    assert digest_of_binding(Made(stored(1, "blake3:a"))) != digest_of_binding(Made(stored(1, "blake3:b")))


def test_an_element_counts_without_the_rest_of_its_list():
    short, long = stored(1, "blake3:short"), stored(2, "blake3:long")

    assert digest_of_binding(Element(short, 0, 7)) == digest_of_binding(Element(long, 5, 7))


def test_order_counts_in_lists_and_not_in_dicts():
    a, b = Plain(1), Plain(2)

    assert digest_of_binding(Several((a, b))) != digest_of_binding(Several((b, a)))
    assert digest_of_binding(Named({"x": a, "y": b})) == digest_of_binding(Named({"y": b, "x": a}))


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("1", "2", "params months changed: 1 → 2"),
        (None, "2", "params months is new (2)"),
        ("1", None, "params months is gone (was 1)"),
    ],
    ids=["changed", "new", "gone"],
)
def test_a_change_reads_as_a_sentence(before, after, text):
    change = FieldChange(field="params", part="months", before=before, after=after)

    assert str(change) == text
