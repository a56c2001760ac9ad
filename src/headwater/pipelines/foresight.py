"""What becomes of the steps of a run that have not begun: some never will."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from headwater.errors import HeadwaterError
from headwater.pipelines.events import StepState
from headwater.pipelines.graph import Node
from headwater.pipelines.history import Attempt, products_of
from headwater.pipelines.records import PipelineRun
from headwater.pipelines.resolving import NodeState, Progress, Readiness, Resolver
from headwater.pipelines.values import Loader
from headwater.tracking import Session

Prospect = tuple[StepState, str]
"""A state, and why."""
_WAITS: Prospect = (StepState.WAITING, "")


def prospects_of(
    session: Session, run: PipelineRun, attempts: Mapping[str, Sequence[Attempt]], *, is_over: bool
) -> dict[str, Prospect]:
    """Tell what becomes of nodes that have no attempts, by the rule that the runner goes by.

    Args:
        session: Where conditions are kept.
        run: The run.
        attempts: The newest attempt of each slot, by node.
        is_over: Nobody works on the run, so what has failed is not tried again.
    """
    nodes = {plan.name: Progress(plan.node()) for plan in run.plan}
    for plan in run.plan:
        # Of a node that is mapped nobody knows here how many calls it has.
        if (own := attempts.get(plan.name)) and not plan.is_mapped:
            _bring_to(nodes[plan.name], own[-1], is_over=is_over)
    _add_products(session, run, nodes, attempts)
    found: dict[str, Prospect] = {}
    with closing(Loader(session)) as loader:
        resolver = Resolver(session, nodes, loader, {})
        for name, progress in nodes.items():
            if name not in attempts:
                found[name] = _prospect(resolver, progress)
    return found


def _bring_to(progress: Progress, attempt: Attempt, *, is_over: bool) -> None:
    progress.slots = [attempt.slot]
    if attempt.is_done:
        progress.state = NodeState.DONE
    else:
        progress.state = NodeState.FAILED if is_over and attempt.is_bad else NodeState.OPEN


def _add_products(
    session: Session,
    run: PipelineRun,
    nodes: Mapping[str, Progress],
    attempts: Mapping[str, Sequence[Attempt]],
) -> None:
    """Look up what conditions are."""
    deciding = {need for plan in run.plan if plan.guards for need in plan.needs}
    wanted = {name: attempts[name][-1] for name in deciding if nodes[name].state is NodeState.DONE}
    products = products_of(session, [attempt.execution for attempt in wanted.values()])
    for name, attempt in wanted.items():
        if attempt.execution.id in products:
            nodes[name].products[attempt.slot] = products[attempt.execution.id]
        else:
            nodes[name].state = NodeState.OPEN


def _prospect(resolver: Resolver, progress: Progress) -> Prospect:
    node = progress.node
    try:
        readiness = resolver.readiness(node)
    except HeadwaterError:
        # A condition whose bytes are lost decides nothing any more.
        return _WAITS
    if readiness is Readiness.SKIP:
        progress.state = NodeState.SKIPPED
        return StepState.SKIPPED, _why_skipped(resolver, node)
    if readiness is Readiness.BLOCKED:
        progress.state = NodeState.BLOCKED
        return StepState.BLOCKED, ""
    return _WAITS


def _why_skipped(resolver: Resolver, node: Node) -> str:
    for guard in node.guards:
        if resolver.is_ready(guard.condition) and resolver.truth(guard.condition) is not guard.wanted:
            return f"{guard.condition} is {str(not guard.wanted).lower()}"
    return "what it needs is skipped"
