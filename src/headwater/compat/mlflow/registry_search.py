"""What filters and orders on registered models can name; prompts are left out unless they are asked for."""

from typing import Final

from headwater.compat.mlflow.experiments import tag_key
from headwater.compat.mlflow.filters import NUMBER, TEXT, Key, Names, Test, parse_filter, parse_order
from headwater.compat.mlflow.registry_rules import IS_PROMPT
from headwater.model.filters import And, Comparison, Field, Filter, In, IsNull, Not, Operator, Or, Scope
from headwater.model.listing import Order
from headwater.query.attributes import ValueType

_PROMPT: Final = Field(Scope.TAG, IS_PROMPT)
_IS_PROMPT: Final = In(_PROMPT, ("true", "True", "TRUE"))
_NOT_COMPARED: Final = frozenset[str]()


def models_filter(text: str) -> Filter:
    """Read a filter on registered models."""
    return _without_prompts(text, _MODEL_NAMES)


def versions_filter(text: str) -> Filter:
    """Read a filter on model versions."""
    return _without_prompts(text, _VERSION_NAMES)


def models_order(texts: tuple[str, ...]) -> tuple[Order, ...]:
    """Read what to sort registered models by; without anything, by name."""
    return _with_ties(parse_order(texts, _MODEL_NAMES), Order(_attribute("name")))


def versions_order(texts: tuple[str, ...]) -> tuple[Order, ...]:
    """Read what to sort versions by; without anything, those that changed last first."""
    given = parse_order(texts, _VERSION_NAMES) or (Order(_attribute("updated_time"), is_descending=True),)
    ties = (Order(_attribute("name")), Order(_attribute("version"), is_descending=True))
    return _with_ties(given, *ties)


def _without_prompts(text: str, names: Names) -> Filter:
    wanted = parse_filter(text, names)
    if wanted is None:
        return Not(_IS_PROMPT)
    return wanted if _names_prompts(wanted) else And((wanted, Not(_IS_PROMPT)))


def _names_prompts(tree: Filter) -> bool:
    """Tell whether a filter says anything about being a prompt."""
    match tree:
        case And(terms) | Or(terms):
            return any(_names_prompts(term) for term in terms)
        case Not(term):
            return _names_prompts(term)
        case In(field):
            return field == _PROMPT
        case _:
            return False


def _with_ties(given: tuple[Order, ...], *ties: Order) -> tuple[Order, ...]:
    named = {order.field for order in given}
    return (*given, *(tie for tie in ties if tie.field not in named))


def _tag(name: str) -> Key:
    if name != IS_PROMPT:
        return tag_key(name)
    return Key(field=_PROMPT, operators=TEXT, rewrite=_prompt_test)


def _prompt_test(test: Test) -> Filter:
    """Return what a test of the prompt tag means: a model without the tag is none."""
    match test:
        case Comparison(_, Operator.EQ, value):
            asks = str(value).lower() == "true"
        case Comparison(_, Operator.NE, value):
            asks = str(value).lower() == "false"
        case _:
            asks = False
    return _IS_PROMPT if asks else Not(_IS_PROMPT)


def _run_test(test: Test) -> Filter:
    """Return a test of the run that made a version, or of one that this store does not know."""
    return Or((test, _moved(test, Field(Scope.PROPERTY, "source_run"))))


def _source_test(test: Test) -> Filter:
    uri = _attribute("uri")
    return Or((test, And((IsNull(test.field), _moved(test, uri)))))


def _moved(test: Test, field: Field) -> Filter:
    match test:
        case Comparison(_, operator, value):
            return Comparison(field, operator, value)
        case In(_, values, is_negated):
            return In(field, values, is_negated)
        case IsNull():
            return IsNull(field)


def _attribute(name: str) -> Field:
    return Field(Scope.ATTRIBUTE, name)


def _time(name: str) -> Key:
    """A key that is sorted by and not compared."""
    return Key(field=_attribute(name), operators=_NOT_COMPARED, value_type=ValueType.INTEGER)


_MODEL_NAMES: Final = Names(
    attributes={
        "name": Key(field=_attribute("name")),
        "timestamp": _time("updated_time"),
        "last_updated_timestamp": _time("updated_time"),
    },
    scopes={"tag": _tag, "tags": _tag},
)
_VERSION_NAMES: Final = Names(
    attributes={
        "name": Key(field=_attribute("name")),
        "run_id": Key(field=_attribute("run_id"), rewrite=_run_test, is_sortable=False),
        "source_path": Key(field=Field(Scope.PROPERTY, "source"), rewrite=_source_test, is_sortable=False),
        "version_number": Key(field=_attribute("version"), operators=NUMBER, value_type=ValueType.INTEGER),
        "creation_timestamp": _time("created_time"),
        "last_updated_timestamp": _time("updated_time"),
    },
    scopes={"tag": _tag, "tags": _tag},
)
