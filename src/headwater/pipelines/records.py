"""A pipeline and its runs as contexts of the graph."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

from headwater.errors import ConflictError, NotFoundError
from headwater.model import builtin
from headwater.model.graph import Context, ContextChange, NewContext, ParentContext, Subgraph
from headwater.model.ids import ContextId
from headwater.model.protocols import Store
from headwater.model.refs import PipelineRef
from headwater.model.runs import Run, RunStatus
from headwater.model.values import Json, PropertyValue
from headwater.pipelines import tags
from headwater.pipelines.graph import Node
from headwater.pipelines.leases import is_held
from headwater.pipelines.planning import Plan, plan_from, plan_json
from headwater.pipelines.slots import Slot
from headwater.tracking import Session

RUNNER: Final = "runner"


class RunState(StrEnum):
    """How a run of a pipeline stands."""

    RUNNING = "running"
    WAITING = "waiting"
    """For a person."""
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"
    """Its runner stopped without a word."""


_STATES: Final = {
    RunStatus.SCHEDULED: RunState.WAITING,
    RunStatus.FINISHED: RunState.COMPLETE,
    RunStatus.FAILED: RunState.FAILED,
    RunStatus.KILLED: RunState.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """A run of a pipeline.

    Attributes:
        id: Its context.
        name: What it is called among the runs of its pipeline.
        seed: What the ids of its attempts are made from.
        entry: Where its code is: `FILE.py:NAME` or `MODULE:NAME`.
        params: What the pipeline was called with.
        pinned: Which version each reference among the params named when it began.
        plan: Its nodes.
        trigger: What started it.
    """

    id: ContextId
    pipeline: str
    name: str
    seed: str
    entry: str | None
    params: Mapping[str, Json]
    pinned: Mapping[str, str]
    plan: tuple[Plan, ...]
    trigger: str | None
    created_ms: int

    @property
    def ref(self) -> str:
        """Its reference, such as `pipelines/flights/18`."""
        return str(PipelineRef(self.pipeline, self.name))

    def decisions(self, slot: Slot) -> str:
        """Return under which subject the ledger has the decisions on a step."""
        return f"{self.ref}/{slot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPipelineRun:
    """A run of a pipeline to record; without a name it gets the next number."""

    pipeline: str
    name: str | None = None
    entry: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict[str, Json])
    plan: tuple[Plan, ...] = ()
    trigger: str | None = None
    description: str | None = None


def add_run(session: Session, new: NewPipelineRun) -> PipelineRun:
    """Record a run of a pipeline, and the pipeline if it is new.

    Raises:
        ConflictError: there is a run of this name.
    """
    pipeline = pipeline_context(session, new.pipeline, new.description)
    number = len(session.store.links.children([pipeline])) + 1
    while True:
        name = new.name or str(number)
        try:
            return _add(session, new, name, pipeline)
        except ConflictError:
            if new.name is not None:
                raise ConflictError(f"there is a run {PipelineRef(new.pipeline, name)} already") from None
            number += 1


def pipeline_context(session: Session, name: str, description: str | None = None) -> ContextId:
    """Return the context of a pipeline, made now if it is new."""
    (type_id,) = session.type_ids([builtin.PIPELINE])
    if found := session.store.contexts.find(type_id, name):
        if description and found.properties.get("description") != description:
            change = ContextChange(id=found.id, properties={"description": description})
            session.store.contexts.update([change])
        return found.id
    facts: dict[str, PropertyValue] = {"description": description} if description else {}
    new = NewContext(type_id=type_id, name=name, properties=facts)
    return session.store.links.put(Subgraph(contexts=[new], reuses_contexts=True)).context_ids[0]


def _add(session: Session, new: NewPipelineRun, name: str, pipeline: ContextId) -> PipelineRun:
    (type_id,) = session.type_ids([builtin.PIPELINE_RUN])
    facts: dict[str, PropertyValue | None] = {
        "entry": new.entry,
        "params": dict(new.params),
        "pinned": {},
        "plan": plan_json(new.plan),
        "seed": uuid.uuid4().hex,
        "trigger": new.trigger,
    }
    context = NewContext(
        type_id=type_id,
        name=_full_name(new.pipeline, name),
        properties={key: value for key, value in facts.items() if value is not None},
    )
    (made,) = session.store.contexts.add([context])
    session.store.links.add_parents([ParentContext(child_id=made, parent_id=pipeline)])
    return run_of(session.store.contexts.get([made])[0])


def inner_context(session: Session, run: PipelineRun, scope: str, pipeline: str) -> ContextId:
    """Return the context of a pipeline inside of a run: a child of the run, and of that pipeline."""
    (type_id,) = session.type_ids([builtin.PIPELINE_RUN])
    name = f"{_full_name(run.pipeline, run.name)}/{scope}"
    if found := session.store.contexts.find(type_id, name):
        return found.id
    new = NewContext(type_id=type_id, name=name)
    inner = session.store.links.put(Subgraph(contexts=[new], reuses_contexts=True)).context_ids[0]
    for parent in (run.id, pipeline_context(session, pipeline)):
        try:
            session.store.links.add_parents([ParentContext(child_id=inner, parent_id=parent)])
        except ConflictError:
            continue
    return inner


class RunContexts:
    """What the nodes of one run belong to.

    Args:
        session: Where the contexts are.
        run: The run.
    """

    def __init__(self, session: Session, run: PipelineRun) -> None:
        self._session, self._run = session, run
        self._pipeline = pipeline_context(session, run.pipeline)
        self._inner: dict[str, ContextId] = {}

    def of(self, node: Node) -> tuple[ContextId, ...]:
        """Return the contexts of a node: pipeline, run, and those inside of it, outermost first."""
        for scope, pipeline in node.scopes:
            if scope not in self._inner:
                self._inner[scope] = inner_context(self._session, self._run, scope, pipeline)
        return (self._pipeline, self._run.id, *(self._inner[scope] for scope, _ in node.scopes))


def find_run(store: Store, pipeline: str, name: str) -> PipelineRun:
    """Return a run of a pipeline.

    Raises:
        NotFoundError: there is none of this name.
    """
    kind = store.types.find(builtin.PIPELINE_RUN.kind, builtin.PIPELINE_RUN.name)
    found = store.contexts.find(kind.id, _full_name(pipeline, name)) if kind else None
    if found is None:
        near = [run.name for run in runs_of(store, pipeline)[:5]]
        raise NotFoundError("run of a pipeline", str(PipelineRef(pipeline, name)), near=near)
    return run_of(found)


def pipelines(store: Store) -> list[Context]:
    """Return all pipelines, by name."""
    return sorted(_contexts(store, builtin.PIPELINE.name), key=lambda context: context.name or "")


def runs_of(store: Store, pipeline: str) -> list[PipelineRun]:
    """Return the runs of a pipeline, newest first."""
    kind = store.types.find(builtin.PIPELINE.kind, builtin.PIPELINE.name)
    found = store.contexts.find(kind.id, pipeline) if kind else None
    if found is None:
        return []
    children = [link.child_id for link in store.links.children([found.id])]
    # What is inside of a run of another pipeline has no seed: it is not run by itself.
    runs = [run_of(context) for context in store.contexts.get(children) if "seed" in context.properties]
    return sorted(runs, key=lambda run: run.id, reverse=True)


def run_of(context: Context) -> PipelineRun:
    """Return the run that a context is."""
    facts = context.properties
    pipeline, _, name = (context.name or "").partition("/")
    return PipelineRun(
        id=context.id,
        pipeline=pipeline,
        name=name,
        seed=str(facts.get("seed", "")),
        entry=cast("str | None", facts.get("entry")),
        params=cast("dict[str, Json]", facts.get("params", {})),
        pinned=cast("dict[str, str]", facts.get("pinned", {})),
        plan=plan_from(facts.get("plan")),
        trigger=cast("str | None", facts.get("trigger")),
        created_ms=context.created_ms,
    )


def change_run(store: Store, run: PipelineRun, **facts: PropertyValue) -> PipelineRun:
    """Change what is recorded of a run."""
    store.contexts.update([ContextChange(id=run.id, properties=facts)])
    return run_of(store.contexts.get([run.id])[0])


def runners_of(store: Store, run: PipelineRun) -> list[Run]:
    """Return the runs that a run's runners are, oldest first: the first one, and one for each resume."""
    ids = [link.execution_id for link in store.links.executions_of_contexts([run.id])]
    found = store.runs.by_execution_ids(ids) if ids else []
    return sorted((r for r in found if r.tags.get(tags.ROLE) == RUNNER), key=lambda r: r.id)


def state_of(runners: Sequence[Run], *, now_ms: int, lease_s: float) -> RunState:
    """Tell how a run stands, by its runners."""
    if any(is_held(runner, now_ms=now_ms, lease_s=lease_s) for runner in runners):
        return RunState.RUNNING
    return _STATES.get(runners[-1].status, RunState.INTERRUPTED) if runners else RunState.INTERRUPTED


def _contexts(store: Store, type_name: str) -> list[Context]:
    from headwater.model.filters import Comparison, Field, Operator, Scope
    from headwater.model.listing import MAX_PAGE, Listing

    is_kind = Comparison(Field(Scope.ATTRIBUTE, "type"), Operator.EQ, type_name)
    return list(store.contexts.page(Listing(filter=is_kind, limit=MAX_PAGE)).items)


def _full_name(pipeline: str, name: str) -> str:
    return f"{pipeline}/{name}"
