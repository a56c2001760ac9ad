"""The filter tree: what every filter language is parsed into, and what a store compiles."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from headwater.model.joins import Joined


class Entity(Enum):
    """What a filter selects."""

    RUN = "run"
    ARTIFACT = "artifact"
    EXECUTION = "execution"
    CONTEXT = "context"
    VERSION = "version"
    """A model version."""


class Scope(Enum):
    """Where a field's value is kept."""

    ATTRIBUTE = "attribute"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    """The custom properties: a tag is one."""
    PROPERTY = "property"
    """The properties that the node's type declares."""


class Relation(Enum):
    """How a related node is reached from the filtered one."""

    INPUTS = "inputs"
    """Artifacts that an execution or run read."""
    OUTPUTS = "outputs"
    """Artifacts that an execution or run made."""
    CONTEXTS = "contexts"
    """Contexts that an artifact, execution or run belongs to."""
    PRODUCERS = "producers"
    """Executions that made an artifact."""
    CONSUMERS = "consumers"
    """Executions that read an artifact."""
    ARTIFACTS = "artifacts"
    """Artifacts of a context."""
    EXECUTIONS = "executions"
    """Executions of a context."""
    PARENTS = "parents"
    CHILDREN = "children"


Scalar: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the filtered node, or of one related to it.

    `Field(Scope.METRIC, "auc")` is `metrics.auc`;
    `Field(Scope.ATTRIBUTE, "name", Relation.INPUTS)` is `inputs.name`.
    A condition on related nodes holds when one of them meets it.
    """

    scope: Scope
    name: str
    relation: Relation | None = None

    def __str__(self) -> str:
        own = self.name if self.scope is Scope.ATTRIBUTE else f"{_PLURAL[self.scope]}.{self.name}"
        return f"{self.relation.value}.{own}" if self.relation else own


_PLURAL = {
    Scope.METRIC: "metrics",
    Scope.PARAM: "params",
    Scope.TAG: "tags",
    Scope.PROPERTY: "properties",
}


class Operator(Enum):
    """A comparison.

    LIKE has `%` and `_`, which nothing escapes. ILIKE ignores the case of a to z, and of
    other letters where the database does.
    """

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    LIKE = "like"
    ILIKE = "ilike"
    NOT_LIKE = "not like"
    NOT_ILIKE = "not ilike"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; false for a node that lacks the field, also with NE and NOT LIKE.

    NaN meets none, and a value of another kind (a string that is compared with a number)
    meets none either; params compare as numbers and as text, whichever way they were logged.
    """

    field: Field
    operator: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    """`field IN (values)`, or with `is_negated` `field NOT IN (values)`.

    Both are false for a node that lacks the field; `Not(In(…))` is true for it.
    """

    field: Field
    values: tuple[Scalar, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """`field BETWEEN low AND high`, both ends included; negated as `In` is.

    Not two comparisons: one related node has to meet both ends.
    """

    field: Field
    low: Scalar
    high: Scalar
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """`field IS NULL`: the node lacks the field."""

    field: Field


@dataclass(frozen=True, slots=True)
class Not:
    """True where `term` is not."""

    term: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """True where all terms are."""

    terms: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """True where any term is."""

    terms: "tuple[Filter, ...]"


Filter: TypeAlias = Comparison | In | Between | IsNull | Joined | Not | And | Or
