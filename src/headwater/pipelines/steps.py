"""What a pipeline is written with: steps, conditions and approvals."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import update_wrapper
from typing import Any, get_args, get_origin, overload

from headwater.errors import InvalidError
from headwater.pipelines.definitions import Options, StepFunction
from headwater.pipelines.graph import Choice, Graph, Guard, Handle, Output, Work, drawn


class Step:
    """A function that is a step of pipelines.

    Called while a pipeline is drawn it becomes a node, and what it returns a handle of what it will
    give. Called anywhere else it is the plain function. Its types are not those of the function: it takes
    handles and references, too, and its own run is given to it.
    """

    def __init__(
        self, function: Callable[..., Any], definition: StepFunction, after: tuple[Handle, ...] = ()
    ) -> None:
        self.function, self.definition, self._after = function, definition, after
        update_wrapper(self, function, updated=())

    @property
    def name(self) -> str:
        """What it is called in a pipeline."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a node to the pipeline that is being drawn, or call the function."""
        graph = drawn()
        if graph is None:
            return self.function(*args, **kwargs)
        arguments = self._bound(args, kwargs)
        return self._add(graph, arguments, ())

    def map(self, *each: Iterable[Any], **same: Any) -> Any:
        """Call it once for each element of some lists.

        Args:
            each: Lists, or handles of lists, for the first parameters: element by element.
            same: What every call gets.

        Returns:
            A handle of the list of what the calls give.

        Raises:
            InvalidError: no list is given, or no pipeline is being drawn.
        """
        graph = drawn()
        if not each:
            raise InvalidError(f"{self.name}.map needs at least one list")
        if graph is None:
            return [self.function(*one, **same) for one in zip(*each, strict=True)]
        arguments = self._bound(tuple(e if isinstance(e, Handle) else list(e) for e in each), same)
        mapped = tuple(self.definition.signature.parameters)[: len(each)]
        return self._add(graph, arguments, mapped)

    def after(self, *handles: object) -> "Step":
        """Return the step for a call that waits for others, whose output it does not take."""
        given = tuple(handle for handle in handles if isinstance(handle, Handle))
        if drawn() is not None and len(given) < len(handles):
            raise InvalidError(f"{self.name}.after takes what other steps return")
        return Step(self.function, self.definition, (*self._after, *given))

    def named(self, name: str) -> "Step":
        """Return the step under another name, such as one for each of several calls."""
        return Step(self.function, replace(self.definition, name=name), self._after)

    def using(self, **options: Any) -> "Step":
        """Return the step with other options, such as `retries=2`."""
        changed = replace(self.definition, options=replace(self.definition.options, **options))
        return Step(self.function, changed, self._after)

    def __repr__(self) -> str:
        return f"<Step {self.name}>"

    def _add(self, graph: Graph, arguments: Mapping[str, Any], mapped: tuple[str, ...]) -> Output:
        width = None if mapped else _width(self.function)
        return graph.add(
            self.name,
            step=self.definition,
            arguments=arguments,
            mapped=mapped,
            after=self._after,
            width=width,
        )

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        from headwater.pipelines.contracts import run_parameter

        signature, given = self.definition.signature, run_parameter(self.function)
        kinds = {p.kind for p in signature.parameters.values()}
        if kinds & {p.VAR_POSITIONAL for p in signature.parameters.values()}:
            raise InvalidError(f"step {self.name} takes *args: give it a list instead")
        try:
            bound = signature.bind_partial(*args, **kwargs)
            bound.apply_defaults()
            signature.bind(*args, **(dict(kwargs) | ({given: None} if given else {})))
        except TypeError as error:
            raise InvalidError(f"step {self.name}: {error}") from error
        return {name: value for name, value in bound.arguments.items() if name != given}


@overload
def step(function: Callable[..., Any], /) -> Step: ...


@overload
def step(
    *,
    name: str | None = None,
    retries: int = 0,
    backoff_s: float = 1.0,
    timeout_s: float | None = None,
    environment: tuple[str, ...] = (),
    resources: Mapping[str, float] | None = None,
    cache: bool = True,
    version: str = "",
) -> Callable[[Callable[..., Any]], Step]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retries: int = 0,
    backoff_s: float = 1.0,
    timeout_s: float | None = None,
    environment: tuple[str, ...] = (),
    resources: Mapping[str, float] | None = None,
    cache: bool = True,
    version: str = "",
) -> Step | Callable[[Callable[..., Any]], Step]:
    """Make a function a step of pipelines; with or without arguments.

    Args:
        function: The function. Parameters and result are plain values, `hw.Dataset`, `hw.ModelVersion`
            or other artifacts; a parameter annotated `hw.ActiveRun` gets the step's own run.
        name: What it is called in a pipeline; by default the function's name.
        retries: How often it is tried again after a failure.
        backoff_s: Seconds before the first new try; doubled each time.
        timeout_s: Longest time of one try, in seconds.
        environment: Environment variables that its result depends on.
        resources: What it takes while it runs, such as `{"cpus": 2}`.
        cache: May be reused when the same code has run on the same inputs.
        version: Tells apart what its code cannot, such as the version of a service that it calls.

    Raises:
        InvalidError: an option makes no sense.

    Example:
        >>> @step(retries=2)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double(21)
        42
    """
    options = Options(
        retries=retries,
        backoff_s=backoff_s,
        timeout_s=timeout_s,
        environment=environment,
        resources=resources or {},
        cache=cache,
        version=version,
    )

    def made(function: Callable[..., Any]) -> Step:
        return Step(
            function, StepFunction(name=name or function.__name__, function=function, options=options)
        )

    return made if function is None else made(function)


def when(condition: object, *, then: Callable[[], Any], otherwise: Callable[[], Any] | None = None) -> Any:
    """Run one branch or another, as the output of a step decides.

    Args:
        condition: What a step returns: anything that is true or false.
        then: Calls the steps of the one branch.
        otherwise: Calls the steps of the other one.

    Returns:
        A handle of what the branch gives that ran; None where it gives nothing.

    Example:
        >>> when(True, then=lambda: "deploy", otherwise=lambda: "keep")
        'deploy'
    """
    graph = drawn()
    if graph is None or not isinstance(condition, Handle):
        chosen = then if condition else otherwise
        return chosen() if chosen else None
    with graph.guarded(Guard(condition, wanted=True)):
        first = then()
    with graph.guarded(Guard(condition, wanted=False)):
        second = otherwise() if otherwise else None
    return Choice(condition, first, second)


def approval(name: str, *, after: Iterable[object] = ()) -> Any:
    """Wait until a person approves: `headwater pipeline approve RUN NAME --reason …`.

    Args:
        name: What is to be approved; the step's name.
        after: What has to be there before anybody is asked.

    Returns:
        A handle of who approved and why, as a dict; steps that take it, or that are `.after` it, wait.

    Raises:
        InvalidError: no pipeline is being drawn.
    """
    graph = drawn()
    if graph is None:
        raise InvalidError("hw.approval belongs into a pipeline's function")
    handles = tuple(handle for handle in after if isinstance(handle, Handle))
    return graph.add(name, work=Work.APPROVAL, after=handles)


def _width(function: Callable[..., Any]) -> int | None:
    """Return how many elements the tuple has that a function returns."""
    from headwater.pipelines.contracts import hints_of

    hint = hints_of(function).get("return")
    items = get_args(hint) if get_origin(hint) is tuple else ()
    return len(items) if items and Ellipsis not in items else None
