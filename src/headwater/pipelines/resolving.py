"""From handles to what they stand for: which nodes can run, and with which arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast, get_args

from headwater.errors import InvalidError
from headwater.model import builtin
from headwater.model.graph import Artifact
from headwater.model.ids import ArtifactId
from headwater.model.refs import DataRef, ModelRef, NodeIdRef, parse_ref
from headwater.model.values import Json, check_json
from headwater.model.verdicts import Outcome
from headwater.pipelines.bindings import Binding, Element, Made, Named, Plain, Several, loaded
from headwater.pipelines.contracts import Shape, hints_of, is_artifact_type, is_dataset, is_version
from headwater.pipelines.graph import Choice, Handle, Node, Output, handles_in
from headwater.pipelines.history import Product
from headwater.pipelines.slots import Slot
from headwater.pipelines.values import Kind, Loader, Stored, of_artifact, of_data, of_version, stored_artifact
from headwater.registry import version_of
from headwater.tracking import Session


class NodeState(Enum):
    """How far a node has come."""

    WAITING = "waiting"
    OPEN = "open"
    """Its calls run."""
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Something before it has failed."""

    @property
    def is_settled(self) -> bool:
        """True when it will not change any more."""
        return self not in {NodeState.WAITING, NodeState.OPEN}


@dataclass(slots=True)
class Progress:
    """How far one node has come, and what its calls made."""

    node: Node
    state: NodeState = NodeState.WAITING
    slots: list[Slot] = field(default_factory=list[Slot])
    products: dict[Slot, Product] = field(default_factory=dict[Slot, Product])
    failed: set[Slot] = field(default_factory=set[Slot])
    note: str = ""
    """Why it failed, where no call of it says so: who rejected it."""

    def settle(self) -> None:
        """Take the state that the calls give it."""
        if len(self.products) + len(self.failed) == len(self.slots):
            self.state = NodeState.FAILED if self.failed else NodeState.DONE


class Readiness(Enum):
    """Whether a node can run."""

    READY = "ready"
    WAIT = "wait"
    SKIP = "skip"
    BLOCKED = "blocked"


_READINESS = {
    NodeState.DONE: Readiness.READY,
    NodeState.SKIPPED: Readiness.SKIP,
    NodeState.FAILED: Readiness.BLOCKED,
    NodeState.BLOCKED: Readiness.BLOCKED,
}


class Resolver:
    """Knows what the nodes have made so far.

    Args:
        session: Where it is kept.
        nodes: All nodes, by name.
        loader: Loads what conditions and lists are.
        pinned: Which version each reference named when the run began; new ones are added.
    """

    def __init__(
        self, session: Session, nodes: Mapping[str, Progress], loader: Loader, pinned: dict[str, str]
    ) -> None:
        self._session, self._nodes, self.pinned = session, nodes, pinned
        self._loader = loader
        self._plain: dict[str, Json] = {}
        self._refs: dict[str, Stored] = {}

    def readiness(self, node: Node) -> Readiness:
        """Tell whether a node can run now."""
        for guard in node.guards:
            found = self._settled(guard.condition)
            if found is not Readiness.READY:
                return found
            if self.truth(guard.condition) is not guard.wanted:
                return Readiness.SKIP
        handles = [*node.after, *handles_in(node.arguments)]
        states = {self._settled(handle) for handle in handles}
        for worst in (Readiness.BLOCKED, Readiness.SKIP, Readiness.WAIT):
            if worst in states:
                return worst
        return Readiness.READY

    def is_ready(self, handle: Handle) -> bool:
        """Tell whether what a handle stands for is there."""
        return self._settled(handle) is Readiness.READY

    def truth(self, condition: Handle) -> bool:
        """Return what a condition decides.

        Raises:
            InvalidError: it is neither true nor false.
        """
        value = self._value(self.binding(condition, Any))
        return bool(value)

    def calls(self, node: Node) -> list[tuple[Slot, dict[str, Binding]]]:
        """Return the calls that a node stands for, each with its arguments.

        Raises:
            InvalidError: an argument cannot be given to a step, or a list is no list.
        """
        assert node.step is not None
        hints = hints_of(node.step.function)
        bound = {
            name: self._each(value, hints.get(name, Any))
            if name in node.mapped
            else self.binding(value, hints.get(name, Any))
            for name, value in node.arguments.items()
        }
        if not node.mapped:
            return [(Slot(node.name), cast("dict[str, Binding]", bound))]
        lists = {name: cast("list[Binding]", bound[name]) for name in node.mapped}
        lengths = {name: len(items) for name, items in lists.items()}
        if len(set(lengths.values())) > 1:
            raise InvalidError(f"{node.name}.map was given lists of different lengths: {lengths}")
        count = next(iter(lengths.values()))
        return [
            (
                Slot(node.name, index),
                {
                    name: lists[name][index] if name in lists else cast("Binding", bound[name])
                    for name in bound
                },
            )
            for index in range(count)
        ]

    def binding(self, argument: Any, hint: Any) -> Binding:
        """Return what an argument stands for.

        Raises:
            InvalidError: it cannot be given to a step.
        """
        match argument:
            case Output():
                return self._output(argument)
            case Choice():
                chosen = argument.then if self.truth(argument.condition) else argument.otherwise
                return self.binding(chosen, hint)
            case list() | tuple() if handles_in(argument) or _holds_artifacts(
                cast("Sequence[Any]", argument)
            ):
                items = cast("Sequence[Any]", argument)
                inner = next(iter(get_args(hint)), Any)
                return Several(tuple(self.binding(i, inner) for i in items), isinstance(argument, tuple))
            case dict() if handles_in(argument):
                inner = next(reversed(get_args(hint)), Any)
                given = cast("Mapping[str, Any]", argument)
                return Named({name: self.binding(value, inner) for name, value in given.items()})
            case _:
                return self._constant(argument, hint)

    def value(self, result: Any) -> Any:
        """Return what a pipeline's function returned, with values in the place of handles."""
        match result:
            case Handle():
                if self._settled(result) is not Readiness.READY:
                    return None
                return self._read(self.binding(result, Any))
            case list() | tuple():
                values = [self.value(each) for each in cast("Sequence[Any]", result)]
                return tuple(values) if isinstance(result, tuple) else values
            case dict():
                return {name: self.value(each) for name, each in cast("Mapping[Any, Any]", result).items()}
            case _:
                return result

    def _read(self, binding: Binding) -> Any:
        match binding:
            case Made(stored) if stored.kind in {Kind.FILE, Kind.FOLDER}:
                # A file would go with the runner's folder.
                return self._session.store.artifacts.get([stored.artifact_id])[0]
            case Several(items, is_tuple):
                values = [self._read(each) for each in items]
                return tuple(values) if is_tuple else values
            case _:
                return loaded(binding, self._loader, Any)

    def _constant(self, value: Any, hint: Any) -> Binding:
        if (stored := stored_artifact(self._session, value)) is not None:
            return Made(stored)
        if isinstance(value, str) and is_artifact_type(hint):
            return Made(self._reference(value, hint))
        if isinstance(value, list | tuple) and is_artifact_type(next(iter(get_args(hint)), Any)):
            inner, items = get_args(hint)[0], cast("Sequence[Any]", value)
            return Several(tuple(self._constant(item, inner) for item in items))
        if isinstance(value, bool | int | float | str | type(None) | list | dict):
            check_json("argument", cast("Json", value))
            return Plain(cast("Json", value))
        kind = type(cast("object", value)).__name__
        raise InvalidError(
            f"a step cannot be called with a {kind} that no step made: give plain values (numbers, text, "
            "lists, dicts) or references, and make everything else in a step"
        )

    def _reference(self, text: str, hint: Any) -> Stored:
        """Return what a reference names, now and whenever the run is resumed."""
        if text not in self._refs:
            parsed = parse_ref(self.pinned.get(text, text))
            store = self._session.store
            if is_dataset(hint) and isinstance(parsed, DataRef):
                version = store.data.version(parsed.name, parsed.version)
                self.pinned[text], self._refs[text] = version.ref, of_data(version)
            elif is_version(hint) and isinstance(parsed, ModelRef):
                model = version_of(store, str(parsed))
                self.pinned[text], self._refs[text] = model.ref, of_version(model)
            elif isinstance(parsed, NodeIdRef) and (found := self._artifact(parsed)):
                self.pinned[text], self._refs[text] = text, of_artifact(found)
            else:
                raise InvalidError(f"{text!r} is no reference to what the step asks for ({hint.__name__})")
        return self._refs[text]

    def _artifact(self, ref: NodeIdRef) -> Artifact | None:
        wanted = [ArtifactId(ref.id)] if ref.kind == "artifacts" else []
        return next(iter(self._session.store.artifacts.get(wanted)), None)

    def _settled(self, handle: Handle) -> Readiness:
        match handle:
            case Output():
                return _READINESS.get(self._nodes[handle.node].state, Readiness.WAIT)
            case Choice():
                found = self._settled(handle.condition)
                if found is not Readiness.READY:
                    return found
                chosen = handle.then if self.truth(handle.condition) else handle.otherwise
                states = [self._settled(each) for each in handles_in([chosen])]
                return next((s for s in states if s is not Readiness.READY), Readiness.READY)
            case _:
                return Readiness.READY

    def _output(self, handle: Output) -> Binding:
        progress = self._nodes[handle.node]
        made = [_binding_of(progress.products[slot]) for slot in progress.slots]
        whole: Binding = Several(tuple(made)) if progress.node.mapped else made[0]
        if handle.element is None:
            return whole
        return self._elements(whole, handle.node)[handle.element]

    def _each(self, argument: Any, hint: Any) -> list[Binding]:
        if isinstance(argument, list):
            return [self.binding(each, hint) for each in cast("list[Any]", argument)]
        return self._elements(self.binding(argument, list[hint]), str(argument))

    def _elements(self, binding: Binding, name: str) -> list[Binding]:
        match binding:
            case Several(items):
                return list(items)
            case Plain(list() as values):
                return [Plain(value) for value in values]
            case Made(stored) if stored.kind is Kind.JSON:
                values = self._value(binding)
                if isinstance(values, list):
                    return [Element(stored, index, value) for index, value in enumerate(values)]
            case _:
                pass
        raise InvalidError(f"{name} gives no list, so there is nothing to take one by one")

    def _value(self, binding: Binding) -> Json:
        match binding:
            case Plain(value) | Element(_, _, value):
                return value
            case Made(stored) if stored.kind in {Kind.JSON, Kind.DECISION}:
                if stored.digest not in self._plain:
                    self._plain[stored.digest] = cast("Json", self._loader.load(stored, Any))
                return self._plain[stored.digest]
            case Several(items):
                return [self._value(each) for each in items]
            case Made(stored) if stored.kind is Kind.ARTIFACT:
                return self._verdict(stored)
            case _:
                raise InvalidError("a condition has to be a plain value, such as a bool that a step returns")

    def _verdict(self, stored: Stored) -> bool:
        """Return whether a gate let something pass; not enough evidence does not."""
        (found,) = self._session.store.artifacts.get([stored.artifact_id])
        if found.type_name != builtin.VERDICT.name:
            raise InvalidError(f"artifacts/{found.id} is no verdict, so it cannot be a condition")
        return found.properties.get("outcome") == Outcome.PASS


def _binding_of(product: Product) -> Binding:
    if product.shape is Shape.ONE:
        return Made(product.outputs[0])
    items = tuple(Made(stored) for stored in product.outputs)
    return Several(items, is_tuple=product.shape is Shape.TUPLE)


def _holds_artifacts(values: Sequence[Any]) -> bool:
    return any(isinstance(getattr(value, "artifact_id", None), int) for value in values)
