"""What the filter language refuses, and where the caret points."""

import pytest

from headwater.errors import FilterError
from headwater.model.filters import Entity
from headwater.query.parse import parse_filter

# The caret stands under the fault; the second line is the text and the third the caret.
REFUSED = [
    ("unknown-attribute", "statsu = 'a'", "^", "did you mean status"),
    ("unknown-scope", "metric.auc > 1", "^", "did you mean metrics"),
    ("unknown-relation", "input.name = 'x'", "^", "did you mean inputs"),
    ("unknown-related-attribute", "inputs.nam = 'x'", "       ^", "did you mean name"),
    ("relation-of-another-entity", "producers.name = 'x'", "^", "a run has no 'producers'"),
    ("related-has-no-metrics", "contexts.metrics.auc > 1", "         ^", "a context has no 'metrics'"),
    ("attribute-with-parts", "name.x = 'a'", "     ^", "name has no parts"),
    ("scope-alone", "metrics > 1", "       ^", "metrics.NAME"),
    ("relation-alone", "inputs = 'a'", "      ^", "inputs.NAME"),
    ("no-name-after-dot", "metrics. > 1", "         ^", "a name must follow the dot"),
    ("empty-name", "metrics.`` > 1", "        ^", "cannot be empty"),
    ("slash-in-name", "metrics.val/auc > 1", "           ^", "backquotes"),
    ("dash-in-name", "metrics.val-auc > 1", "           ^", "backquotes"),
    ("half-a-comparison", "metrics.auc", "           ^", "not finished"),
    ("half-before-and", "metrics.auc and name = 'a'", "            ^", "not finished"),
    ("no-value", "metrics.auc >", "             ^", "a value must follow"),
    ("no-value-before-and", "name = and name = 'a'", "       ^", "a value must follow"),
    ("no-field", "= 1", "^", "a condition must stand here"),
    ("literal-alone", "0.7", "   ^", "a comparison must follow"),
    ("two-literals", "1 = 1", "    ^", "a field must follow"),
    ("literal-before-like", "'a' like name", "    ^", "a comparison must follow"),
    ("nothing-after-and", "name = 'a' and", "              ^", "a condition must stand here"),
    ("nothing-after-not", "not", "   ^", "a condition must stand here"),
    ("nothing-inside", "()", " ^", "a condition must stand here"),
    ("no-join", "name = 'a' name = 'b'", "           ^", "'name' cannot follow a condition"),
    ("open-parenthesis", "name = 'a' and (name = 'b'", "               ^", "never closed"),
    ("close-parenthesis", "name = 'a')", "          ^", "never opened"),
    ("open-string", "name = 'a", "       ^", "never closed"),
    ("open-name", "metrics.`a > 1", "        ^", "never closed"),
    ("double-equals", "id == 1", "   ^", "'==' is not an operator"),
    ("spaceship", "id <=> 1", "   ^", "'<=>' is not an operator"),
    ("plus", "id + 1 = 2", "   ^", "'+' is not an operator"),
    ("minus", "id - 1 = 2", "   ^", "'-' is not an operator"),
    ("concatenation", "name || 'a' = 'b'", "     ^", "is not an operator"),
    ("regular-expression", "name regexp 'a'", "     ^", "'regexp' is not an operator"),
    ("dangling-not", "name not = 'a'", "         ^", "NOT stands before these"),
    ("chained", "1 < id < 3", "       ^", "cannot follow a condition"),
    ("two-fields", "name = metrics.auc", "       ^", "not with another field"),
    ("two-attributes", "name = user", "       ^", "must be a string in single quotes"),
    ("function-left", "lower(name) = 'a'", "^", "functions"),
    ("function-right", "name = lower('A')", "       ^", "functions"),
    ("subquery", "id in (select 1)", "       ^", "must be a whole number"),
    ("subquery-right", "id = (select 1)", "     ^", "subqueries"),
    ("statement", "name = 'a'; drop table run", "          ^", "';' cannot follow"),
    ("line-comment", "name = 'a' -- b", "           ^", "comments"),
    ("block-comment", "name /* b */ = 'a'", "     ^", "comments"),
    ("only-a-comment", "-- b", "^", "comments"),
    ("template-comment", "name {# b #} = 'a'", "     ^", "comments"),
    ("template", "{{ name }} = 'a'", "^", "a condition must stand here"),
    ("parameter", "name = ?", "       ^", "a value must follow"),
    ("named-parameter", "name = :x", "       ^", "a value must follow"),
    ("star", "*", "^", "a condition must stand here"),
    ("national-string", "name = n'a'", "       ^", "a value must follow"),
    ("double-quoted-value", 'name = "a"', "       ^", "double quotes are for names"),
    ("string-for-metric", "metrics.auc > '1'", "              ^", "must be a number"),
    ("bool-for-metric", "metrics.auc = true", "              ^", "must be a number"),
    ("like-on-metric", "metrics.auc like '1'", "            ^", "metrics.auc is not a string"),
    ("not-like-on-metric", "metrics.auc not like '1'", "            ^", "metrics.auc is not a string"),
    ("like-on-status", "status like 'F%'", "       ^", "status is not a string"),
    ("number-as-pattern", "params.lr like 1", "               ^", "a pattern is a string"),
    ("number-for-name", "name = 1", "       ^", "must be a string in single quotes"),
    ("string-for-id", "id = '1'", "     ^", "must be a whole number"),
    ("fraction-for-id", "id = 1.5", "     ^", "must be a whole number"),
    ("id-beyond-64-bits", f"id = {2**63}", "     ^", "64 bits"),
    ("minus-a-string", "name = -'a'", "        ^", "a number must follow"),
    ("unknown-status", "status = done", "         ^", "none of its names"),
    ("unknown-status-number", "status = 77", "         ^", "none of its names"),
    ("order-of-status", "status > failed", "       ^", "have no order"),
    ("between-statuses", "status between 1 and 2", "       ^", "have no order"),
    ("order-of-bools", "params.x < true", "         ^", "have no order"),
    ("between-bools", "params.x between false and true", "                 ^", "have no order"),
    ("between-kinds", "params.x between 1 and 'a'", "                       ^", "both ends"),
    ("between-without-and", "id between 1, 2", "            ^", "the second end"),
    ("bad-time", "start_time > 'yesterday'", "             ^", "2026-11-20T14:05"),
    ("equals-null", "name = null", "       ^", "nothing equals NULL"),
    ("is-something", "name is 'a'", "        ^", "missing value"),
    ("is-true", "params.x is true", "            ^", "missing value"),
    ("empty-list", "id in ()", "       ^", "a value must follow"),
    ("no-list", "id in 1", "      ^", "a list must follow"),
    ("open-list", "id in (1, 2", "      ^", "never closed"),
    ("list-without-comma", "id in (1 2)", "         ^", "go on or end"),
    ("trailing-comma", "id in (1,)", "         ^", "a value must follow"),
    ("wrong-kind-in-list", "id in (1, 'a')", "          ^", "whole number"),
    ("word-after-number", "id = 1abc", "      ^", "cannot follow"),
    ("hexadecimal", "id = 0x1F", "      ^", "cannot follow"),
    ("control-character", "name = 'a' \x01", "           ^", "cannot follow"),
]


@pytest.mark.parametrize(
    ("text", "caret", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused_with_the_caret_under_the_fault(text, caret, problem):
    with pytest.raises(FilterError) as caught:
        parse_filter(text, Entity.RUN)

    assert problem in caught.value.problem
    assert caught.value.text == text
    assert caught.value.position == len(caret) - 1
    assert str(caught.value).split("\n")[1:3] == [f"  {text}", f"  {caret}"]


TOO_MUCH = {
    "parentheses": ("(" * 101 + "id=1" + ")" * 101, 100, "100 deep"),
    "characters": ("a" * 100_001, 100_000, "100,000 characters"),
    "conditions": (" or ".join(["id=1"] * 251), 250 * 8, "250 conditions"),
    "values": (f"id in ({','.join('1' * 10_001)})", 7 + 2 * 10_000, "10,000 values"),
    "half-a-surrogate": ("name = '\ud800'", 8, "surrogate"),
}


@pytest.mark.parametrize(("text", "position", "problem"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_bounds(text, position, problem):
    with pytest.raises(FilterError) as caught:
        parse_filter(text, Entity.RUN)

    assert problem in caught.value.problem
    assert caught.value.position == position


def test_what_is_allowed_is_told():
    with pytest.raises(FilterError) as caught:
        parse_filter("status = done", Entity.RUN)

    assert caught.value.allowed == ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED", "LOST")


def test_fields_are_listed_where_one_is_unknown():
    with pytest.raises(FilterError) as caught:
        parse_filter("nothing = 1", Entity.CONTEXT)

    assert {"name", "created_time", "tags.NAME", "children.NAME"} < set(caught.value.allowed)
    assert "metrics.NAME" not in caught.value.allowed
