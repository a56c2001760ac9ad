"""The nodes of a graph as the store remembers them, for who shows a run without its code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from headwater.model.values import Json
from headwater.pipelines.graph import Choice, Graph, Guard, Handle, Node, Output, Work, handles_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A node without what it runs.

    Attributes:
        work: What it does: `step` or `approval`.
        needs: Names of the nodes that have to be done before.
        takes: What it takes and what it waits for.
        guards: Conditions that have to hold.
    """

    name: str
    work: str
    needs: tuple[str, ...]
    is_mapped: bool
    takes: tuple[Handle, ...] = ()
    guards: tuple[Guard, ...] = ()

    def node(self) -> Node:
        """Return the node of the graph, as far as it is known."""
        return Node(name=self.name, work=Work(self.work), after=self.takes, guards=self.guards)


def plan_of(graph: Graph) -> tuple[Plan, ...]:
    """Return the nodes of a graph as the store remembers them."""
    return tuple(
        Plan(
            name=node.name,
            work=node.work.value,
            needs=tuple(node.needs()),
            is_mapped=bool(node.mapped),
            takes=(*node.after, *handles_in(node.arguments)),
            guards=node.guards,
        )
        for node in graph.nodes.values()
    )


def plan_json(plan: Sequence[Plan]) -> list[Json]:
    """Return nodes as they are stored."""
    return [_node_json(each) for each in plan]


def plan_from(stored: object) -> tuple[Plan, ...]:
    """Return nodes that `plan_json` wrote."""
    return tuple(_plan(each) for each in cast("list[dict[str, Json]]", stored or []))


def _node_json(plan: Plan) -> dict[str, Json]:
    found: dict[str, Json] = {
        "name": plan.name,
        "work": plan.work,
        "needs": [*plan.needs],
        "is_mapped": plan.is_mapped,
    }
    if plan.takes:
        found["takes"] = _handles_json(plan.takes)
    if plan.guards:
        found["guards"] = [{"when": _handle_json(g.condition), "is": g.wanted} for g in plan.guards]
    return found


def _handles_json(handles: Iterable[Handle]) -> list[Json]:
    # What is taken twice, as every element of a list is, hangs on one node.
    found: list[Json] = []
    for handle in handles:
        if (each := _handle_json(handle)) not in found:
            found.append(each)
    return found


def _handle_json(handle: Handle) -> Json:
    match handle:
        case Choice():
            return {
                "if": _handle_json(handle.condition),
                "then": _handles_json(handles_in([handle.then])),
                "else": _handles_json(handles_in([handle.otherwise])),
            }
        case Output(element=None):
            return {"node": handle.node}
        case Output():
            return {"node": handle.node, "element": handle.element}
        case _:
            raise TypeError(f"a {type(handle).__name__} is no handle of a node")


def _plan(found: Mapping[str, Json]) -> Plan:
    needs = found.get("needs")
    guards = cast("list[dict[str, Json]]", found.get("guards", []))
    return Plan(
        name=str(found.get("name")),
        work=str(found.get("work")),
        needs=tuple(str(need) for need in needs) if isinstance(needs, list) else (),
        is_mapped=bool(found.get("is_mapped")),
        takes=_handles(found.get("takes", [])),
        guards=tuple(Guard(_handle(guard["when"]), bool(guard["is"])) for guard in guards),
    )


def _handles(stored: Json) -> tuple[Handle, ...]:
    return tuple(_handle(each) for each in cast("list[Json]", stored))


def _handle(stored: Json) -> Handle:
    found = cast("dict[str, Json]", stored)
    if "if" in found:
        return Choice(_handle(found["if"]), [*_handles(found["then"])], [*_handles(found["else"])])
    return Output(str(found["node"]), cast("int | None", found.get("element")))
