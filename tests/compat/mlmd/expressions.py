"""Random filter queries over the names that the original has for a kind of node."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

STATES: Final = {
    "artifact": ("UNKNOWN", "PENDING", "LIVE", "MARKED_FOR_DELETION", "DELETED"),
    "execution": ("UNKNOWN", "NEW", "RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED"),
}
EVENTS: Final = (
    "UNKNOWN",
    "DECLARED_OUTPUT",
    "DECLARED_INPUT",
    "INPUT",
    "OUTPUT",
    "INTERNAL_INPUT",
    "INTERNAL_OUTPUT",
)
_TIMES: Final = {"create_time_since_epoch": "time", "last_update_time_since_epoch": "time"}
_NODE: Final = {"id": "int", "name": "string", "type": "string"}
_COMMON: Final = {**_NODE, "type_id": "int", "external_id": "string", **_TIMES}
_ARTIFACT: Final = {"uri": "string", "state": "artifact"}
_EXECUTION: Final = {"last_known_state": "execution"}
_VALUES: Final = {
    f"{map_name}.{key}.{kind}_value": kind
    for map_name, key in (
        ("properties", "i"),
        ("properties", "d"),
        ("properties", "s"),
        ("properties", "b"),
        ("custom_properties", "i"),
        ("custom_properties", "`x.y`"),
    )
    for kind in ("int", "double", "string", "bool")
}


def _aliased(prefix: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}_{alias}.{name}": kind for alias in ("a", "b") for name, kind in fields.items()}


def _events(other: str) -> dict[str, str]:
    return _aliased("events", {"type": "event", "milliseconds_since_epoch": "time", f"{other}_id": "int"})


_CONTEXTS: Final = _aliased("contexts", {**_NODE, **_TIMES})
NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "artifact": {**_COMMON, **_ARTIFACT, **_VALUES, **_CONTEXTS, **_events("execution")},
    "execution": {**_COMMON, **_EXECUTION, **_VALUES, **_CONTEXTS, **_events("artifact")},
    "context": {
        **_COMMON,
        **_VALUES,
        **_aliased("parent_contexts", _NODE),
        **_aliased("child_contexts", _NODE),
        **_aliased("artifacts", {**_NODE, **_ARTIFACT, **_TIMES}),
        **_aliased("executions", {**_NODE, **_EXECUTION, **_TIMES}),
    },
}
"""Every name of the grammar, and what is compared with it."""

_LITERALS: Final = {
    "int": ("0", "1", "2", "3", "-1", "10"),
    "time": ("0", "5", "9999999999999"),
    "double": ("0.0", "0.5", "-1.25", "1000000.0", "1"),
    "string": ("'a'", '"b"', "''", "'x'", "'é'", "'T'", "'%'"),
    "bool": ("true", "false"),
    "event": EVENTS,
    **STATES,
}
_FAULTS: Final = ("oops = 1", "id = 'a'", "name = 1", "id", "(id = 1", "id = 1 AND", "state = NOTHING")


@st.composite
def expressions(draw: Callable[..., Any], kind: str, depth: int = 2) -> str:
    """A boolean expression, now and then one with a fault."""
    shape = draw(st.sampled_from(("one", "one", "and", "or", "not") if depth else ("one",)))
    if shape == "not":
        return f"NOT ({draw(expressions(kind, depth - 1))})"
    if shape != "one":
        left, right = draw(expressions(kind, depth - 1)), draw(expressions(kind, depth - 1))
        return f"({left}) {shape.upper()} {right}"
    if draw(st.integers(0, 59)) == 0:
        return draw(st.sampled_from(_FAULTS))
    return draw(conditions(kind))


@st.composite
def _numbered(draw: Callable[..., Any], name: str) -> str:
    """An enum by its number, in the shapes in which the original takes that."""
    number, other = draw(st.integers(-1, 8)), draw(st.integers(-1, 8))
    shapes = (
        f"{name} IN ({number})",
        f"{name} NOT IN ({number})",
        f"{number} = {name}",
        f"({name}) = ({number})",
        f"{name} <> {number}",
        f"{name} <= {number}",
        f"{name} > {number}",
        f"{name} BETWEEN {number} AND {other}",
        f"{name} + {number} = {other}",
    )
    return draw(st.sampled_from(shapes))


@st.composite
def conditions(draw: Callable[..., Any], node: str) -> str:
    """A condition on one name of a kind of node."""
    name = draw(st.sampled_from(sorted(NAMES[node])))
    kind = NAMES[node][name]
    is_enum = kind in {"event", *STATES}
    if is_enum and draw(st.integers(0, 2)) == 0:
        return draw(_numbered(name))
    literals = st.sampled_from(_LITERALS[kind])
    some = ", ".join(draw(st.lists(literals, min_size=1, max_size=2)))
    shapes = ["=", "IN", "IS NULL", "IS NOT NULL"]
    if not is_enum or "." not in name:
        # What the original says about a neighbour whose state is another one is no rule of its own.
        shapes += ["!=", "NOT IN"]
    if not is_enum and kind != "bool":
        shapes += ["<", "<=", ">", ">=", "BETWEEN"]
    if kind == "string":
        shapes += ["LIKE"]
    match draw(st.sampled_from(shapes)):
        case "IN" | "NOT IN" as shape:
            return f"{name} {shape} ({some})"
        case "BETWEEN":
            return f"{name} BETWEEN {draw(literals)} AND {draw(literals)}"
        case "IS NULL" | "IS NOT NULL" as shape:
            return f"{name} {shape}"
        case shape:
            return f"{name} {shape} {draw(literals)}"
