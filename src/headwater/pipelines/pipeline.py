"""A pipeline: a function that calls steps."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from headwater.errors import InvalidError
from headwater.model.values import Json, check_json
from headwater.pipelines.definitions import address_of
from headwater.pipelines.graph import Graph, drawing

RESERVED: Final = frozenset(
    {"resume", "executor", "workers", "cache", "run_name", "listen", "raises", "wait"}
)
"""Names that a pipeline's parameters cannot have, because `run` takes them itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function that draws a graph of steps."""

    name: str
    function: Callable[..., Any]
    triggers: tuple[Any, ...] = ()
    """What starts it by itself; see `headwater.pipelines.triggers.Trigger`."""

    def __post_init__(self) -> None:
        if "/" in self.name or not self.name.strip():
            raise InvalidError(f"the name {self.name!r} of a pipeline may not be empty or hold a slash")
        if taken := RESERVED & inspect.signature(self.function).parameters.keys():
            raise InvalidError(f"pipeline {self.name}: run() takes {', '.join(sorted(taken))} for itself")

    @property
    def description(self) -> str | None:
        """The first line of its docstring."""
        text = inspect.getdoc(self.function)
        return text.strip().splitlines()[0] if text else None

    @property
    def entry(self) -> str:
        """Where its code is, such as `/home/me/flights.py:flights`."""
        return str(address_of(self.function))

    def bind(self, params: Mapping[str, Any]) -> dict[str, Json]:
        """Return all params, with the defaults of those that are not given.

        Raises:
            InvalidError: one is missing or unknown, or cannot be stored.
        """
        try:
            bound = inspect.signature(self.function).bind(**params)
        except TypeError as error:
            raise InvalidError(f"pipeline {self.name}: {error}") from error
        bound.apply_defaults()
        values = {name: _storable(name, value) for name, value in bound.arguments.items()}
        check_json("params", values)
        return values

    def draw(self, params: Mapping[str, Json]) -> Graph:
        """Call the function once, and return what it has drawn.

        Raises:
            InvalidError: it calls no step.
        """
        with drawing() as graph:
            graph.result = self.function(**params)
        if not graph.nodes:
            raise InvalidError(f"pipeline {self.name} calls no step")
        return graph


def _storable(name: str, value: Any) -> Json:
    """Return a param as it is stored; what has a reference is stored as that."""
    reference = getattr(value, "ref", None)
    if isinstance(reference, str):
        return reference
    if isinstance(value, tuple):
        return [_storable(name, each) for each in cast("tuple[Any, ...]", value)]
    if not isinstance(value, bool | int | float | str | list | dict | type(None)):
        raise InvalidError(
            f"param {name} cannot be a {type(value).__name__}: give plain values or references such as "
            "data/NAME/2, so that the run can be resumed elsewhere"
        )
    return cast("Json", value)
