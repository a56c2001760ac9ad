"""Deciding, for calls that are ready, whether they have to run: done before, reusable, or neither."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headwater.errors import ConflictError
from headwater.model import builtin
from headwater.model.graph import At, EventType, ExecutionState, NewExecution, Subgraph, SubgraphEvent
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.values import PropertyValue
from headwater.pipelines import tags
from headwater.pipelines.bindings import artifacts_in
from headwater.pipelines.calls import Call
from headwater.pipelines.contracts import Shape
from headwater.pipelines.graph import Node
from headwater.pipelines.history import Attempt, Product, products_of
from headwater.pipelines.keys import changes_between
from headwater.pipelines.publishing import OUTPUT
from headwater.pipelines.records import PipelineRun
from headwater.pipelines.reuse import Found, Reuse
from headwater.pipelines.slots import Slot
from headwater.tracking import Session


@dataclass(slots=True)
class Decision:
    """What is to become of some calls.

    Attributes:
        done: Calls that this run had done before, with what they made.
        reused: Calls of which an earlier run had made the same, with what, and where.
        to_run: All others.
    """

    done: list[tuple[Call, Product, ExecutionId]] = field(
        default_factory=list[tuple[Call, Product, ExecutionId]]
    )
    reused: list[tuple[Call, Product, str]] = field(default_factory=list[tuple[Call, Product, str]])
    to_run: list[Call] = field(default_factory=list[Call])


class Decider:
    """Decides for many calls at once, with a few queries for all of them.

    Args:
        session: Where to look.
        run: The run of the pipeline.
        contexts: What a node belongs to.
        uses_cache: Reuse what earlier runs have made.
    """

    def __init__(
        self,
        session: Session,
        run: PipelineRun,
        contexts: Callable[[Node], tuple[ContextId, ...]],
        *,
        uses_cache: bool,
    ) -> None:
        self._session, self._run, self._contexts, self._uses_cache = session, run, contexts, uses_cache
        self.reuse = Reuse(session)

    def decide(self, calls: Sequence[Call], history: Mapping[Slot, Attempt]) -> Decision:
        """Decide for calls that are ready.

        Args:
            calls: Which.
            history: The newest attempt of each slot of this run.
        """
        decision = Decision()
        rest = self._resumed(calls, history, decision)
        rest = self._reused(rest, decision)
        decision.to_run += rest
        return decision

    def _resumed(
        self, calls: Sequence[Call], history: Mapping[Slot, Attempt], decision: Decision
    ) -> list[Call]:
        rest: list[Call] = []
        same: list[tuple[Call, Attempt]] = []
        for call in calls:
            before = history.get(call.slot)
            if before is None or not before.is_done or before.key is None:
                rest.append(call)
            elif before.key.digest != call.key.digest:
                call.reason = "; ".join(map(str, changes_between(before.key, call.key)))
                rest.append(call)
            else:
                same.append((call, before))
        executions = [before.execution for _, before in same]
        products = products_of(self._session, executions)
        problems = self.reuse.problems(executions, products)
        for call, before in same:
            if problem := problems[before.execution.id]:
                call.reason = problem
                rest.append(call)
            else:
                decision.done.append((call, products[before.execution.id], before.execution.id))
        return rest

    def _reused(self, calls: Sequence[Call], decision: Decision) -> list[Call]:
        wanted = [call for call in calls if self._uses_cache and call.is_reusable]
        if not wanted:
            return list(calls)
        found, refused = self.reuse.find(list(dict.fromkeys(call.key.digest for call in wanted)))
        hits = [(call, found[call.key.digest]) for call in wanted if call.key.digest in found]
        for call in wanted:
            call.reason = call.reason or refused.get(call.key.digest, "")
        # Another runner of this run may have made it just now: that is no reuse.
        own = [(call, hit) for call, hit in hits if self._is_own(call, hit)]
        decision.done += [(call, hit.product, hit.execution.id) for call, hit in own]
        taken = self._record([(call, hit) for call, hit in hits if not self._is_own(call, hit)])
        decision.reused += [(call, hit.product, _origin(hit)) for call, hit in taken]
        reused = {call.slot for call, _ in (*own, *taken)}
        return [call for call in calls if call.slot not in reused]

    def _is_own(self, call: Call, hit: Found) -> bool:
        found = hit.execution.custom_properties
        made_by = tuple(found.get(name) for name in (tags.PIPELINE, tags.RUN, tags.STEP))
        return made_by == (self._run.pipeline, self._run.name, str(call.slot))

    def _record(self, hits: Sequence[tuple[Call, Found]]) -> list[tuple[Call, Found]]:
        """Store that calls were reused: an execution each, CACHED, with the inputs and the outputs."""
        by_contexts: dict[tuple[ContextId, ...], list[tuple[Call, Found]]] = {}
        for call, hit in hits:
            by_contexts.setdefault(self._contexts(call.node), []).append((call, hit))
        taken: list[tuple[Call, Found]] = []
        for contexts, group in by_contexts.items():
            try:
                self._session.store.links.put(self._subgraph(group, contexts))
            except ConflictError:
                # Another runner of this run was faster with one of them: one by one, then.
                taken += self._record_singly(group, contexts)
            else:
                taken += group
        for call, _ in taken:
            call.attempt += 1
        return taken

    def _record_singly(
        self, group: Iterable[tuple[Call, Found]], contexts: tuple[ContextId, ...]
    ) -> list[tuple[Call, Found]]:
        for one in group:
            try:
                self._session.store.links.put(self._subgraph([one], contexts))
            except ConflictError:
                # The same outputs under the same key: whoever recorded it, it is recorded.
                continue
        return list(group)

    def _subgraph(self, group: Sequence[tuple[Call, Found]], contexts: tuple[ContextId, ...]) -> Subgraph:
        (type_id,) = self._session.type_ids([builtin.REUSED_STEP])
        executions = [
            NewExecution(
                type_id=type_id,
                name=f"{self._run.pipeline}/{self._run.name}/{call.slot}#{call.attempt + 1}",
                state=ExecutionState.CACHED,
                custom_properties=self._tags(call, hit),
            )
            for call, hit in group
        ]
        events = [
            event
            for index, (call, hit) in enumerate(group)
            for event in (*_inputs(call, index), *_outputs(hit, index))
        ]
        return Subgraph(contexts=contexts, executions=executions, events=events)

    def _tags(self, call: Call, hit: Found) -> dict[str, PropertyValue]:
        found: dict[str, PropertyValue] = {
            tags.PIPELINE: self._run.pipeline,
            tags.RUN: self._run.name,
            tags.STEP: str(call.slot),
            tags.ATTEMPT: call.attempt + 1,
            tags.PARTS: call.key.as_json(),
            tags.SHAPE: hit.product.shape.value,
            tags.SOURCE: hit.execution.id,
        }
        for name in (tags.OUTPUTS, tags.READS):
            if (value := hit.execution.custom_properties.get(name)) is not None:
                found[name] = value
        return found


def _inputs(call: Call, index: int) -> list[SubgraphEvent]:
    ends = {
        artifact: path
        for name, binding in reversed(list(call.bindings.items()))
        for path, artifact in artifacts_in(binding, (name,))
    }
    return [
        SubgraphEvent(artifact=artifact, execution=At(index), type=EventType.INPUT, path=path)
        for artifact, path in ends.items()
    ]


def _outputs(hit: Found, index: int) -> list[SubgraphEvent]:
    is_one = hit.product.shape is Shape.ONE
    ends: dict[int, SubgraphEvent] = {}
    for place, stored in enumerate(hit.product.outputs):
        path: tuple[str | int, ...] = (OUTPUT,) if is_one else (OUTPUT, place)
        ends.setdefault(
            stored.artifact_id,
            SubgraphEvent(artifact=stored.artifact_id, execution=At(index), type=EventType.OUTPUT, path=path),
        )
    return list(ends.values())


def _origin(hit: Found) -> str:
    found = hit.execution.custom_properties
    return f"from {found.get(tags.PIPELINE)}/{found.get(tags.RUN)}"
