"""A pipeline: a function that calls steps."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.errors import InvalidError
from headwater.model.values import Json
from headwater.pipelines.definitions import address_of
from headwater.pipelines.graph import Graph, drawing
from headwater.pipelines.params import bound_params

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
            InvalidError: one is missing or unknown, not of the annotated type, or cannot be stored.
        """
        try:
            return bound_params(self.function, params)
        except InvalidError as error:
            raise InvalidError(f"pipeline {self.name}: {error}") from error

    def draw(self, params: Mapping[str, Json]) -> Graph:
        """Call the function once, and return what it has drawn.

        Raises:
            InvalidError: it calls no step, or itself without an end.
        """
        with drawing() as graph:
            try:
                graph.result = self.function(**params)
            except RecursionError as error:
                raise InvalidError(
                    f"pipeline {self.name} calls itself without an end: it is drawn before any step runs, so "
                    "only its params can end that"
                ) from error
        if not graph.nodes:
            raise InvalidError(f"pipeline {self.name} calls no step")
        return graph
