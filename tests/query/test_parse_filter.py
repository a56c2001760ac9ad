"""What the filter language accepts, and what it means."""

import pytest

from headwater.errors import FilterError
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
    Relation,
    Scope,
)
from headwater.model.graph import ArtifactState
from headwater.model.runs import RunStatus
from headwater.query.attributes import ATTRIBUTES, RELATIONS, SCOPE_WORDS, SCOPES, ValueType
from headwater.query.parse import parse_filter

AUC = Field(Scope.METRIC, "auc")
LR = Field(Scope.PARAM, "lr")
NAME = Field(Scope.ATTRIBUTE, "name")
START = Field(Scope.ATTRIBUTE, "start_time")
STATUS = Field(Scope.ATTRIBUTE, "status")
A, B, C = (Comparison(NAME, Operator.EQ, letter) for letter in "abc")

ACCEPTED = {
    "metric": ("metrics.auc > 0.7", Comparison(AUC, Operator.GT, 0.7)),
    "whole-number-for-metric": ("metrics.auc = 1", Comparison(AUC, Operator.EQ, 1.0)),
    "negative": ("metrics.auc >= -1", Comparison(AUC, Operator.GE, -1.0)),
    "exponent": ("metrics.auc < 1.5e-3", Comparison(AUC, Operator.LT, 0.0015)),
    "infinity": ("metrics.auc != -inf", Comparison(AUC, Operator.NE, float("-inf"))),
    "too-large-is-infinity": ("metrics.auc < 1e999", Comparison(AUC, Operator.LT, float("inf"))),
    "thousands-of-digits": (f"metrics.auc < 1{'0' * 5000}", Comparison(AUC, Operator.LT, float("inf"))),
    "other-not-equal": ("name <> 'a'", Comparison(NAME, Operator.NE, "a")),
    "no-spaces": ("metrics.auc<=-1", Comparison(AUC, Operator.LE, -1.0)),
    "literal-first": ("0.7 < metrics.auc", Comparison(AUC, Operator.GT, 0.7)),
    "string-first": ("'a' = name", A),
    "param-string": ("params.lr = '0.1'", Comparison(LR, Operator.EQ, "0.1")),
    "param-number": ("params.lr = 0.1", Comparison(LR, Operator.EQ, 0.1)),
    "param-bool": ("params.lr = TRUE", Comparison(LR, Operator.EQ, True)),
    "param-beyond-64-bits": (f"params.lr < {10**20}", Comparison(LR, Operator.LT, 1e20)),
    "quote-in-string": ("name = 'a''b'", Comparison(NAME, Operator.EQ, "a'b")),
    "quotes-only": ("name = ''''", Comparison(NAME, Operator.EQ, "'")),
    "empty-string": ("name = ''", Comparison(NAME, Operator.EQ, "")),
    "backslash-is-plain": (r"name = 'a\'", Comparison(NAME, Operator.EQ, "a\\")),
    "comment-in-string": ("name = '-- /* {#'", Comparison(NAME, Operator.EQ, "-- /* {#")),
    "semicolon-in-string": ("name = ';'", Comparison(NAME, Operator.EQ, ";")),
    "double-quoted-name": (
        'metrics."val/auc" > 0',
        Comparison(Field(Scope.METRIC, "val/auc"), Operator.GT, 0.0),
    ),
    "backquoted-name": ("tags.`a b` = 'x'", Comparison(Field(Scope.TAG, "a b"), Operator.EQ, "x")),
    "quoted-dot": ("tags.`a.b` = 'x'", Comparison(Field(Scope.TAG, "a.b"), Operator.EQ, "x")),
    "plain-dot": ("tags.a.b = 'x'", Comparison(Field(Scope.TAG, "a.b"), Operator.EQ, "x")),
    "doubled-backquote": ("tags.`a``b` = 'x'", Comparison(Field(Scope.TAG, "a`b"), Operator.EQ, "x")),
    "doubled-quote": ('tags."a""b" = \'x\'', Comparison(Field(Scope.TAG, 'a"b'), Operator.EQ, "x")),
    "keyword-name": ("params.in = 1", Comparison(Field(Scope.PARAM, "in"), Operator.EQ, 1)),
    "sql-word-name": ("params.order = 1", Comparison(Field(Scope.PARAM, "order"), Operator.EQ, 1)),
    "letters-of-other-scripts": ("tags.größe = 'λ'", Comparison(Field(Scope.TAG, "größe"), Operator.EQ, "λ")),
    "custom-property": ("custom_properties.x = 1", Comparison(Field(Scope.TAG, "x"), Operator.EQ, 1)),
    "property": ("properties.x = 1", Comparison(Field(Scope.PROPERTY, "x"), Operator.EQ, 1)),
    "related-attribute": (
        "inputs.name = 'x'",
        Comparison(Field(Scope.ATTRIBUTE, "name", Relation.INPUTS), Operator.EQ, "x"),
    ),
    "related-property": (
        "inputs.properties.rows > 5",
        Comparison(Field(Scope.PROPERTY, "rows", Relation.INPUTS), Operator.GT, 5),
    ),
    "like": ("name like 'a%'", Comparison(NAME, Operator.LIKE, "a%")),
    "not-like": ("name NOT LIKE 'a%'", Comparison(NAME, Operator.NOT_LIKE, "a%")),
    "ilike": ("name Ilike 'a%'", Comparison(NAME, Operator.ILIKE, "a%")),
    "not-ilike": ("name not ilike 'a%'", Comparison(NAME, Operator.NOT_ILIKE, "a%")),
    "in": ("params.lr in ('a', 2, 0.5, true)", In(LR, ("a", 2, 0.5, True))),
    "not-in": ("params.lr not in ('a')", In(LR, ("a",), is_negated=True)),
    "between": ("metrics.auc between 1 and 2", Between(AUC, 1.0, 2.0)),
    "not-between": ("metrics.auc not between 1 and 2", Between(AUC, 1.0, 2.0, is_negated=True)),
    "between-and": ("metrics.auc between 1 and 2 and name = 'a'", And((Between(AUC, 1.0, 2.0), A))),
    "is-null": ("metrics.auc is null", IsNull(AUC)),
    "is-not-null": ("metrics.auc is not null", Not(IsNull(AUC))),
    "enum-word": ("status = finished", Comparison(STATUS, Operator.EQ, RunStatus.FINISHED.value)),
    "enum-string": ("status = 'Finished'", Comparison(STATUS, Operator.EQ, RunStatus.FINISHED.value)),
    "enum-list": ("status in (lost, 'FAILED')", In(STATUS, (RunStatus.LOST.value, RunStatus.FAILED.value))),
    "time-number": ("start_time > 12", Comparison(START, Operator.GT, 12)),
    "time-date": ("start_time > '1970-01-02'", Comparison(START, Operator.GT, 86_400_000)),
    "time-minutes": ("start_time > '1970-01-01T00:01'", Comparison(START, Operator.GT, 60_000)),
    "time-zone": ("start_time > '1970-01-01T01:00+01:00'", Comparison(START, Operator.GT, 0)),
    "time-before-epoch": ("start_time > '1969-12-31T23:59:59.999'", Comparison(START, Operator.GT, -1)),
    "and-binds-tighter": ("name='a' or name='b' and name='c'", Or((A, And((B, C))))),
    "not-binds-tightest": ("not name='a' and name='b'", And((Not(A), B))),
    "parentheses": ("(name='a' or name='b') and name='c'", And((Or((A, B)), C))),
    "flat": ("name='a' and (name='b' and name='c')", And((A, B, C))),
    "not-not": ("not (not (name='a'))", A),
    "not-group": ("not (name='a' or name='b')", Not(Or((A, B)))),
    "line-breaks": ("name\n=\t'a'", A),
}


@pytest.mark.parametrize(("text", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(text, expected):
    assert parse_filter(text, Entity.RUN) == expected


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_blank_text_is_no_filter(text):
    assert parse_filter(text, Entity.RUN) is None


def test_the_same_name_means_what_the_entity_says():
    found = parse_filter("state = live", Entity.ARTIFACT)

    assert found == Comparison(Field(Scope.ATTRIBUTE, "state"), Operator.EQ, ArtifactState.LIVE.value)


def test_a_related_node_has_its_own_fields():
    with pytest.raises(FilterError, match="an artifact has no 'status'"):
        parse_filter("inputs.status = finished", Entity.RUN)


SAMPLES = {
    ValueType.STRING: "'x'",
    ValueType.INTEGER: "1",
    ValueType.TIME: "'2026-11-20'",
    ValueType.ENUM: "1",
    ValueType.NUMBER: "0.5",
    ValueType.ANY: "'x'",
}


@pytest.mark.parametrize("entity", Entity)
def test_everything_in_the_tables_can_be_named(entity):
    own = [(name, SAMPLES[attribute.value_type]) for name, attribute in ATTRIBUTES[entity].items()]
    scoped = [(f"{word}.x", "1") for word, scope in SCOPE_WORDS.items() if scope in SCOPES[entity]]
    related = [(f"{relation.value}.name", "'x'") for relation in RELATIONS[entity]]

    edges = [
        (f"{relation.value}.path", "'x'")
        for relation in RELATIONS[entity]
        if relation in {Relation.INPUTS, Relation.OUTPUTS, Relation.PRODUCERS, Relation.CONSUMERS}
    ]

    for name, sample in own + scoped + related + edges:
        assert isinstance(parse_filter(f"{name} = {sample}", entity), Comparison)


@pytest.mark.parametrize("entity", Entity)
def test_names_are_words_that_need_no_quotes(entity):
    assert all(name.isidentifier() for name in ATTRIBUTES[entity])
    assert not set(ATTRIBUTES[entity]) & {relation.value for relation in Relation}


def test_a_hundred_parentheses_are_fine():
    assert parse_filter("(" * 100 + "name='a'" + ")" * 100, Entity.RUN) == A


def test_any_number_of_nots_is_fine():
    assert parse_filter("not " * 20_001 + "name='a'", Entity.RUN) == Not(A)


def test_ten_thousand_values_are_fine():
    found = parse_filter(f"id in ({','.join(map(str, range(10_000)))})", Entity.RUN)

    assert found == In(Field(Scope.ATTRIBUTE, "id"), tuple(range(10_000)))
