"""Laws that hold for all filters."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import FilterError, InvalidError
from headwater.model.filters import (
    And,
    Between,
    Comparison,
    Entity,
    Field,
    In,
    IsNull,
    Not,
    Operator,
    Or,
    Scope,
)
from headwater.model.runs import RunStatus
from headwater.query.attributes import ATTRIBUTES, RELATIONS, SCOPES, ValueType
from headwater.query.parse import parse_filter, parse_order
from headwater.query.unparse import unparse

INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES = {
    ValueType.STRING: TEXTS,
    ValueType.INTEGER: INT64,
    ValueType.TIME: INT64,
    ValueType.ENUM: st.sampled_from([status.value for status in RunStatus]),
    ValueType.NUMBER: NUMBERS,
    ValueType.ANY: INT64 | NUMBERS | TEXTS,
}
ORDERS = [Operator.LT, Operator.LE, Operator.GT, Operator.GE]
PATTERNS = [Operator.LIKE, Operator.ILIKE, Operator.NOT_LIKE, Operator.NOT_ILIKE]


@st.composite
def fields(draw):
    """Draw a field of a run or of a node related to it, with what it is compared with."""
    relation = draw(st.none() | st.sampled_from(list(RELATIONS[Entity.RUN])))
    entity = RELATIONS[Entity.RUN][relation] if relation else Entity.RUN
    scope = draw(st.sampled_from([Scope.ATTRIBUTE, *sorted(SCOPES[entity], key=lambda scope: scope.value)]))
    if scope is not Scope.ATTRIBUTE:
        kind = ValueType.NUMBER if scope is Scope.METRIC else ValueType.ANY
        return Field(scope, draw(NAMES), relation), kind
    name = draw(st.sampled_from(sorted(ATTRIBUTES[entity])))
    return Field(scope, name, relation), ATTRIBUTES[entity][name].value_type


@st.composite
def conditions(draw):
    """Draw a condition that makes sense."""
    field, kind = draw(fields())
    values = VALUES[kind]
    if kind is ValueType.ENUM:
        return draw(st.sampled_from([Comparison(field, Operator.NE, 1), In(field, (1, 2)), IsNull(field)]))
    shapes = [
        st.builds(Comparison, st.just(field), st.sampled_from([Operator.EQ, Operator.NE, *ORDERS]), values),
        st.builds(In, st.just(field), st.lists(values, min_size=1).map(tuple), st.booleans()),
        st.just(IsNull(field)),
    ]
    ends = TEXTS if kind is ValueType.STRING else values.filter(lambda value: not isinstance(value, str))
    shapes.append(st.builds(Between, st.just(field), ends, ends, st.booleans()))
    if kind in {ValueType.STRING, ValueType.ANY}:
        shapes.append(st.builds(Comparison, st.just(field), st.sampled_from(PATTERNS), TEXTS))
    return draw(st.one_of(shapes))


def _negated(term):
    return term.term if isinstance(term, Not) else Not(term)


def _join(kind, terms):
    flat = [inner for term in terms for inner in (term.terms if isinstance(term, kind) else (term,))]
    return kind(tuple(flat))


TREES = st.recursive(
    conditions(),
    lambda trees: (
        trees.map(_negated)
        | st.lists(trees, min_size=2, max_size=4).map(lambda terms: _join(And, terms))
        | st.lists(trees, min_size=2, max_size=4).map(lambda terms: _join(Or, terms))
    ),
    max_leaves=12,
)

VOCABULARY = """
metrics params tags inputs contexts . auc lr name status id start_time , ; ( )
= != <> < <= > >= == <=> + - * / % : ? $ \\ ' ` " -- /* */ {# #} {{ }} || ::
AND or NOT IN LIKE ilike BETWEEN IS NULL true select exists case when lower( n' b' x'
'a' '' `x` "y" 0.7 -1 1e5 inf 0x 1_0 1. FINISHED '2026-11-20'
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\x00", "\n", "\r", "\x1c", "é", "𝒳", "\u2028"])


def canonical(text: str) -> str:
    """Return a filter on runs as it is written out again."""
    tree = parse_filter(text, Entity.RUN)
    assert tree is not None
    return unparse(tree)


def _attempt(parse: Any, text: str, entity: Entity) -> tuple[Any, FilterError | None]:
    try:
        return parse(text, entity), None
    except FilterError as error:
        return None, error


@given(TREES)
def test_text_of_a_tree_parses_to_the_tree(tree):
    text = unparse(tree)

    assert parse_filter(text, Entity.RUN) == tree
    assert canonical(text) == text


@given(st.text() | st.lists(WORDS).map(" ".join) | st.lists(WORDS).map("".join), st.sampled_from(Entity))
def test_any_text_parses_or_raises_a_filter_error(text, entity):
    tree, error = _attempt(parse_filter, text, entity)

    assert 0 <= error.position <= len(text) if error else True
    assert not tree or parse_filter(unparse(tree), entity) == tree


@given(TREES, st.integers(0), st.integers(0, 3), WORDS)
def test_a_damaged_filter_parses_or_raises_a_filter_error(tree, place, length, word):
    text = unparse(tree)
    place %= len(text)

    tree, error = _attempt(parse_filter, text[:place] + word + text[place + length :], Entity.RUN)

    assert isinstance(error, FilterError) or parse_filter(unparse(tree), Entity.RUN) == tree


@given(st.text() | st.lists(WORDS).map(" ".join), st.sampled_from(Entity))
def test_any_order_parses_or_raises_a_filter_error(text, entity):
    _, error = _attempt(parse_order, text, entity)

    assert 0 <= error.position <= len(text) if error else True


@pytest.mark.parametrize(
    "tree",
    [Comparison(Field(Scope.METRIC, "auc"), Operator.EQ, math.nan), And(()), Or(())],
    ids=["nan", "empty-and", "empty-or"],
)
def test_what_has_no_text_is_refused(tree):
    with pytest.raises(InvalidError):
        unparse(tree)


def _alternating(turns):
    text = "id = 1"
    for _ in range(turns):
        text = f"NOT (id = 1 AND {text})"
    return text


def test_and_and_or_take_turns():
    assert canonical(_alternating(12)) == _alternating(12)


@pytest.mark.parametrize("turns", [13, 100])
def test_and_and_or_take_turns_not_too_often(turns):
    with pytest.raises(FilterError, match="at most 12 times") as caught:
        parse_filter(_alternating(turns), Entity.RUN)

    assert caught.value.text[caught.value.position] == "("
