"""The graph that a pipeline's function draws: nodes, and handles of what they will give."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn, TypeAlias, cast

from headwater.errors import InvalidError
from headwater.pipelines.definitions import StepFunction


class Handle:
    """What a step will give, while the pipeline is being drawn. It has no value yet."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise InvalidError(f"{self} has no value yet: use hw.when({self}, then=…, otherwise=…)")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Output(Handle):
    """What a node gives: all of it, or one element of a tuple."""

    __slots__ = ("element", "node", "width")

    def __init__(self, node: str, element: int | None = None, width: int | None = None) -> None:
        self.node, self.element, self.width = node, element, width

    def __getitem__(self, index: int) -> "Output":
        if self.element is not None or not isinstance(index, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidError(f"{self} has no value yet: index it inside of a step")
        if self.width is not None and not 0 <= index < self.width:
            raise IndexError(index)
        return Output(self.node, index)

    def __iter__(self) -> Iterator["Output"]:
        if self.width is None:
            raise InvalidError(
                f"{self} has no value yet: use STEP.map({self}) for each of its elements, or annotate the "
                "step with the tuple that it returns"
            )
        return iter([Output(self.node, index) for index in range(self.width)])

    def __repr__(self) -> str:
        return self.node if self.element is None else f"{self.node}[{self.element}]"


class Choice(Handle):
    """What the branch gives that a condition selects."""

    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Handle, then: Any, otherwise: Any) -> None:
        self.condition, self.then, self.otherwise = condition, then, otherwise

    def __repr__(self) -> str:
        return f"when({self.condition})"


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A node runs only when a condition has this outcome."""

    condition: Handle
    wanted: bool


class Work(Enum):
    """What a node does."""

    STEP = "step"
    APPROVAL = "approval"


Argument: TypeAlias = Any
"""A plain value, a handle, or a list, tuple or dict of these."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """One call of a step.

    Attributes:
        name: Unique in the graph, such as `train` or `monthly/train#2`.
        step: What is called; None for an approval.
        arguments: What it is called with, by parameter.
        mapped: Parameters that get one element each; empty: it is called once.
        after: Nodes that have to be done before.
        guards: Conditions that have to hold.
        scopes: Pipelines inside of pipelines that it belongs to, outermost first.
    """

    name: str
    work: Work = Work.STEP
    step: StepFunction | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict[str, Argument])
    mapped: tuple[str, ...] = ()
    after: tuple[Handle, ...] = ()
    guards: tuple[Guard, ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    """Name in the graph and name of each pipeline."""

    def needs(self) -> list[str]:
        """Return the names of the nodes that have to be done before, each once."""
        found: dict[str, None] = {}
        handles = [*self.after, *(guard.condition for guard in self.guards), *handles_in(self.arguments)]
        for handle in handles:
            found |= dict.fromkeys(nodes_of(handle))
        return list(found)


def handles_in(argument: Argument) -> list[Handle]:
    """Return all handles in an argument, however deep."""
    match argument:
        case Handle():
            return [argument]
        case Mapping():
            inner: Sequence[Any] = list(cast("Mapping[Any, Any]", argument).values())
        case list() | tuple():
            inner = cast("Sequence[Any]", argument)
        case _:
            return []
    return [handle for each in inner for handle in handles_in(each)]


def nodes_of(handle: Handle) -> list[str]:
    """Return the nodes that decide on what a handle stands for."""
    match handle:
        case Output():
            return [handle.node]
        case Choice():
            inner = handles_in([handle.condition, handle.then, handle.otherwise])
            return [node for each in inner for node in nodes_of(each)]
        case _:
            return []


class Graph:
    """Nodes in the order in which they were drawn, which is an order in which they can run."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.result: Any = None
        self._counts: Counter[str] = Counter()
        self._scopes: tuple[tuple[str, str], ...] = ()
        self._guards: tuple[Guard, ...] = ()

    def add(self, name: str, **fields: Any) -> Output:
        """Add a node inside of the scopes and guards that hold now."""
        full = self._unique(name)
        width: int | None = fields.pop("width", None)
        self.nodes[full] = Node(
            name=full, guards=(*self._guards, *fields.pop("guards", ())), scopes=self._scopes, **fields
        )
        return Output(full, width=width)

    @contextmanager
    def scope(self, pipeline: str) -> Generator[None]:
        """Draw inside of a pipeline inside of this one."""
        before = self._scopes
        self._scopes = (*before, (self._unique(pipeline), pipeline))
        try:
            yield
        finally:
            self._scopes = before

    @contextmanager
    def guarded(self, guard: Guard) -> Generator[None]:
        """Draw what runs only under a condition."""
        before = self._guards
        self._guards = (*before, guard)
        try:
            yield
        finally:
            self._guards = before

    def _unique(self, name: str) -> str:
        if "/" in name or not name.strip():
            raise InvalidError(f"the name {name!r} of a step or pipeline may not be empty or hold a slash")
        full = f"{self._scopes[-1][0]}/{name}" if self._scopes else name
        self._counts[full] += 1
        return full if self._counts[full] == 1 else f"{full}#{self._counts[full]}"


# What a step's call does depends on whether a pipeline is being drawn in this thread or task.
_DRAWING: ContextVar[Graph | None] = ContextVar("headwater_graph", default=None)


def drawn() -> Graph | None:
    """Return the graph that is being drawn, if one is."""
    return _DRAWING.get()


@contextmanager
def drawing() -> Generator[Graph]:
    """Draw a graph: steps that are called inside of the block become its nodes."""
    graph = Graph()
    token = _DRAWING.set(graph)
    try:
        yield graph
    finally:
        _DRAWING.reset(token)
