"""The runner: takes a pipeline's graph from where the store says it is to its end."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from typing import Final

from headwater.model.graph import ExecutionState
from headwater.model.ids import ExecutionId
from headwater.model.runs import Run
from headwater.model.values import Json, Properties
from headwater.pipelines.approvals import Approvals
from headwater.pipelines.calls import Call
from headwater.pipelines.deciding import Decider
from headwater.pipelines.events import Listener, PipelineResult, StepEvent, StepState
from headwater.pipelines.graph import Graph, Node, Work
from headwater.pipelines.history import Attempt, Product, attempts_of, newest, products_of
from headwater.pipelines.keying import Keys
from headwater.pipelines.leases import INTERRUPTED, is_held, is_open, take_away
from headwater.pipelines.performing import UNDECLARED, Ending, Enter, Task
from headwater.pipelines.records import PipelineRun, RunContexts, RunState, change_run
from headwater.pipelines.resolving import NodeState, Progress, Readiness, Resolver
from headwater.pipelines.results import results_of, state_after
from headwater.pipelines.settings import RunnerSettings
from headwater.pipelines.slots import Slot
from headwater.pipelines.step_run import forestall
from headwater.pipelines.values import Loader
from headwater.pipelines.workforce import IDLE_S, Outcome, Workforce
from headwater.tracking import Session

FIRST_POLL_S: Final = 0.05


class Runner:
    """Runs one run of a pipeline; several may work on the same run at once.

    Args:
        session: The store.
        graph: What is to run.
        run: The run.
        parent_id: The run that this runner is.
        facts: Gives what is known of code and environment.
        executor: Where steps run.
        enter: Opens the store in another process; None: the executor has threads of this one.
        listen: Told what happens.
        settings: How it works.
        clock_s: A clock that only goes forward.
    """

    def __init__(
        self,
        session: Session,
        graph: Graph,
        run: PipelineRun,
        *,
        parent_id: ExecutionId,
        facts: Callable[[], Properties],
        executor: Executor,
        enter: Enter | None,
        listen: Listener,
        settings: RunnerSettings,
        keys: Keys,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session, self._graph, self._run = session, graph, run
        self._parent_id, self._facts = parent_id, facts
        self._listen, self._settings, self._clock_s, self._keys = listen, settings, clock_s, keys
        self._nodes = {name: Progress(node) for name, node in graph.nodes.items()}
        self._contexts = RunContexts(session, run)
        self._decider = Decider(session, run, self._contexts.of, uses_cache=settings.uses_cache)
        self._approvals = Approvals(session, run)
        self._calls: dict[Slot, Call] = {}
        self._history: dict[Slot, Attempt] = {}
        self._work = Workforce(
            session, executor, enter, workers=settings.workers, task=self._task, clock_s=clock_s
        )
        self._elsewhere: dict[Slot, Call] = {}
        self._people: dict[str, Node] = {}
        self._poll_s, self._next_poll_s = FIRST_POLL_S, 0.0

    def work(self) -> PipelineResult:
        """Run what has to run, until nothing can go on."""
        self._read_history()
        with closing(Loader(self._session)) as loader:
            self._resolver = Resolver(self._session, self._nodes, loader, dict(self._run.pinned))
            try:
                while self._advance():
                    self._await()
            finally:
                self._work.stop()
            return self._result()

    def _advance(self) -> bool:
        """Start all that can; False when there is nothing to wait for."""
        while ready := self._ready():
            self._open(ready)
        self._work.start()
        waits = self._people and self._settings.waits_for_people
        return bool(self._work.is_busy or self._elsewhere or waits)

    def _await(self) -> None:
        """Wait until something has happened, and take it in."""
        looks = bool(self._elsewhere or self._people)
        for outcome in self._work.wait(self._poll_s if looks else IDLE_S):
            self._take(outcome)
        if not looks:
            self._poll_s = FIRST_POLL_S
        elif self._clock_s() >= self._next_poll_s:
            self._poll_s = min(self._settings.poll_s, self._poll_s * 1.5)
            self._next_poll_s = self._clock_s() + self._poll_s
            self._look()

    def _take(self, outcome: Outcome) -> None:
        """Take in what became of an attempt."""
        call, report = outcome.call, outcome.report
        if outcome.has_begun:
            self._change(call, StepState.RUNNING, call.reason)
            return
        if report is None:
            self._interrupted(call, outcome.task, outcome.why)
            return
        match report.ending:
            case Ending.COMPLETE:
                self._decider.reuse.forget([stored.bytes_digest for stored in report.outputs])
                note = f"{UNDECLARED}: {', '.join(report.reads)}" if report.reads else ""
                product = Product(report.outputs, report.shape)
                self._done(call, product, StepState.COMPLETE, note, report.execution_id)
            case Ending.FAILED:
                self._failed(call, report.error or "", report.execution_id)
            case Ending.TAKEN:
                self._elsewhere[call.slot] = call
                self._change(call, StepState.ELSEWHERE)

    def _ready(self) -> list[Node]:
        """Return nodes that can run now, and settle those that never will."""
        found: list[Node] = []
        for name, progress in self._nodes.items():
            if progress.state is not NodeState.WAITING or name in self._people:
                continue
            match self._resolver.readiness(progress.node):
                case Readiness.READY:
                    found.append(progress.node)
                case Readiness.SKIP:
                    progress.state = NodeState.SKIPPED
                    self._tell(Slot(name), StepState.SKIPPED)
                case Readiness.BLOCKED:
                    progress.state = NodeState.BLOCKED
                    self._tell(Slot(name), StepState.BLOCKED)
                case _:
                    continue
        return found

    def _open(self, nodes: Sequence[Node]) -> None:
        """Turn nodes into calls, and decide which of them have to run."""
        calls: list[Call] = []
        for node in nodes:
            if node.work is Work.APPROVAL:
                self._ask(node)
                continue
            made = self._calls_of(node)
            progress = self._nodes[node.name]
            progress.slots, progress.state = [call.slot for call in made], NodeState.OPEN
            progress.settle()
            calls += made
        if calls:
            self._keep_pins()
            self._decide(calls)

    def _keep_pins(self) -> None:
        """Record what references mean before a step runs on it: a kill must not change that."""
        found = self._resolver.pinned
        if dict(self._run.pinned) != found:
            kept: dict[str, Json] = {**found}
            self._run = change_run(self._session.store, self._run, pinned=kept)

    def _calls_of(self, node: Node) -> list[Call]:
        assert node.step is not None
        made: list[Call] = []
        for slot, bindings in self._resolver.calls(node):
            before = self._history.get(slot)
            call = Call(
                node=node,
                step=node.step,
                slot=slot,
                bindings=bindings,
                key=self._keys.key(node.step, bindings),
                is_reusable=node.step.options.cache,
                attempt=before.number if before else 0,
            )
            self._calls[slot] = call
            made.append(call)
        return made

    def _decide(self, calls: list[Call]) -> None:
        fresh = [call for call in calls if not self._is_elsewhere(call)]
        decision = self._decider.decide(fresh, self._history)
        for call, product, execution in decision.done:
            self._done(call, product, StepState.RESUMED, "", execution)
        for call, product, origin in decision.reused:
            self._done(call, product, StepState.REUSED, origin, None)
        for call in decision.to_run:
            self._work.add(call)

    def _is_elsewhere(self, call: Call) -> bool:
        """Tell whether somebody else works on a call now; take it over where its holder is dead."""
        before = self._history.get(call.slot)
        if before is None or before.is_done:
            return False
        call.before.append(before.execution.id)
        if before.run is None or not is_open(before.run):
            return False
        if self._take_away_if_dead(before.run):
            self._tell(call.slot, StepState.INTERRUPTED, "its process gave no more sign of life")
            return False
        self._elsewhere[call.slot] = call
        self._change(call, StepState.ELSEWHERE)
        return True

    def _task(self, call: Call) -> Task:
        """Return the task of a call's next attempt."""
        call.attempt += 1
        return Task(
            pipeline=self._run.pipeline,
            run=self._run.name,
            seed=self._run.seed,
            slot=call.slot,
            attempt=call.attempt,
            address=call.step.address,
            bindings=call.bindings,
            key=call.key,
            parent_id=self._parent_id,
            contexts=self._contexts.of(call.node),
            facts=self._facts(),
            before=tuple(call.before),
            reason=call.reason,
            is_reusable=call.is_reusable,
        )

    def _interrupted(self, call: Call, task: Task, why: str) -> None:
        """Give up an attempt whose process is gone, or that has taken too long."""
        # A cluster may begin it yet, when another attempt has been made.
        execution = forestall(self._session, task, f"{INTERRUPTED}: {why}")
        if execution is None:
            self._read_history()
            attempt = self._history.get(call.slot)
            run = attempt.run if attempt and attempt.number == call.attempt else None
            if run and not take_away(self._session.store, run, self._now_ms(), why):
                # It came to its end just now: what became of it is seen at the next look.
                self._elsewhere[call.slot] = call
                return
            execution = attempt.execution.id if attempt else None
        self._failed(call, f"{INTERRUPTED}: {why}", execution, state=StepState.INTERRUPTED)

    def _failed(
        self,
        call: Call,
        why: str,
        execution: ExecutionId | None,
        *,
        state: StepState = StepState.FAILED,
    ) -> None:
        if execution is not None:
            call.before.append(execution)
        call.failures += 1
        call.reason = ""
        if call.failures > call.options.retries:
            self._change(call, state, why, execution)
            progress = self._nodes[call.node.name]
            progress.failed.add(call.slot)
            progress.settle()
            return
        self._work.add_later(call)
        call.reason = f"try {call.failures + 1} of {call.options.retries + 1}"
        self._change(call, StepState.RETRYING, why, execution)

    def _done(
        self, call: Call, product: Product, state: StepState, note: str, execution: ExecutionId | None
    ) -> None:
        progress = self._nodes[call.node.name]
        progress.products[call.slot] = product
        self._change(call, state, note, execution)
        progress.settle()

    def _look(self) -> None:
        """Look at what others do: other runners, and people."""
        self._read_history()
        for slot, call in list(self._elsewhere.items()):
            attempt = self._history.get(slot)
            if attempt is None:
                continue
            call.attempt = attempt.number
            if attempt.run is not None and is_open(attempt.run):
                # What is taken away now is failed when it is looked at next.
                self._take_away_if_dead(attempt.run)
                continue
            del self._elsewhere[slot]
            self._after_other(call, attempt)
        for name in list(self._people):
            self._ask(self._people.pop(name))

    def _take_away_if_dead(self, run: Run) -> bool:
        if is_held(run, now_ms=self._now_ms(), lease_s=self._settings.lease_s):
            return False
        why = "its process gave no more sign of life"
        return take_away(self._session.store, run, self._now_ms(), why)

    def _after_other(self, call: Call, attempt: Attempt) -> None:
        products = products_of(self._session, [attempt.execution]) if attempt.is_done else {}
        if attempt.execution.id in products:
            self._done(
                call,
                products[attempt.execution.id],
                StepState.COMPLETE,
                "by another runner",
                attempt.execution.id,
            )
        elif self._counts_as_failure(attempt):
            self._failed(call, attempt.error or "", attempt.execution.id)
        else:
            call.before.append(attempt.execution.id)
            self._work.add(call)

    def _counts_as_failure(self, attempt: Attempt) -> bool:
        """Tell whether an attempt has used up a try: what interrupted another runner has not."""
        if attempt.run is None or attempt.state is not ExecutionState.FAILED:
            return False
        is_interrupted = (attempt.error or "").startswith(INTERRUPTED)
        return not is_interrupted or attempt.run.parent_id == self._parent_id

    def _ask(self, node: Node) -> None:
        slot = Slot(node.name)
        answer = self._approvals.answer(slot, self._contexts.of(node))
        progress = self._nodes[node.name]
        progress.slots = [slot]
        if answer.product is not None:
            progress.products[slot] = answer.product
            self._tell(slot, StepState.COMPLETE, answer.note)
        elif answer.is_rejected:
            progress.failed.add(slot)
            progress.note = answer.note
            self._tell(slot, StepState.FAILED, answer.note)
        else:
            if progress.state is NodeState.WAITING and answer.is_new:
                self._tell(slot, StepState.APPROVAL, answer.note)
            self._people[node.name] = node
            return
        progress.settle()

    def _change(
        self, call: Call, state: StepState, note: str = "", execution: ExecutionId | None = None
    ) -> None:
        call.state, call.note = state, note
        ran = state in {StepState.COMPLETE, StepState.FAILED, StepState.RETRYING} and call.started_s
        self._tell(call.slot, state, note, self._clock_s() - call.started_s if ran else None, execution)

    def _tell(
        self,
        slot: Slot,
        state: StepState,
        note: str = "",
        elapsed_s: float | None = None,
        execution: ExecutionId | None = None,
    ) -> None:
        self._listen(
            StepEvent(
                time_ms=self._now_ms(),
                slot=slot,
                state=state,
                note=note,
                elapsed_s=elapsed_s,
                execution_id=execution,
            )
        )

    def _read_history(self) -> None:
        self._history = newest(attempts_of(self._session.store, self._run.id))

    def _now_ms(self) -> int:
        return self._session.clock_ms()

    def _result(self) -> PipelineResult:
        steps = results_of(self._nodes, self._calls, self._people)
        state = state_after(steps)
        value = self._resolver.value(self._graph.result) if state is RunState.COMPLETE else None
        return PipelineResult(run=self._run, state=state, steps=steps, value=value)
