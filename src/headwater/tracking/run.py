"""The run that a program holds: what it logs goes through here."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from math import inf
from types import TracebackType
from typing import Any, Final, Self

from headwater.errors import HeadwaterError, UnavailableError
from headwater.model.models import ModelVersion
from headwater.model.protocols import Store
from headwater.model.refs import RunRef
from headwater.model.runs import RunChange, RunStatus
from headwater.model.values import Properties, PropertyValue
from headwater.tracking.artifact_log import ArtifactLog
from headwater.tracking.capture import Capture
from headwater.tracking.outcome import outcome
from headwater.tracking.reads import READING, Reads, watch
from headwater.tracking.records import RunEnd, RunEntry, RunOp
from headwater.tracking.session import Session
from headwater.tracking.validation import new_params, param_values, tag_values

OUTAGE_PATIENCE_S: Final = 5.0
"""Longest wait of a run's end for a store that takes nothing; the end of the process waits the full time."""
_LOG: Final = logging.getLogger("headwater.tracking")
# A context variable has to be global: it is what tells one thread's or task's run from another's.
_CURRENT: ContextVar["ActiveRun | None"] = ContextVar("headwater_run", default=None)


def current_run() -> "ActiveRun | None":
    """Return the innermost run that this thread or task is inside of."""
    return _CURRENT.get()


class ActiveRun(ArtifactLog):
    """A run that is being logged to; `start_run` makes it.

    As a context manager it ends the run: FINISHED, FAILED with the end of the
    traceback, or KILLED after Ctrl-C or an exit with a code other than 0.

    Metrics go to the journal and a background thread sends them. Params, tags
    and artifacts are sent at once, so that a contradiction is an error on the
    line that made it; while the store cannot be reached, params, tags and the
    end of the run go to the journal, too.

    Safe to use from several threads, and in forked children, where leaving the
    `with` block does not end the run.
    """

    def __init__(
        self,
        session: Session,
        entry: RunEntry,
        *,
        experiment: str,
        name: str | None = None,
        params: Properties | None = None,
        tags: Properties | None = None,
        last_steps: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(session, entry, last_steps or {})
        self._experiment, self._name = experiment, name
        self._process = os.getpid()
        self._params: dict[str, PropertyValue] = dict(params or {})
        self._tags: dict[str, PropertyValue | None] = dict(tags or {})
        self._op_batch = 0
        self._capture: Capture | None = None
        self._outer: ActiveRun | None = None
        session.note_open(self)
        session.tracker.flusher.start()
        if entry.new is not None:
            # The store does not know of the run yet: an empty change brings its start into the journal.
            self._op_batch = self._buffer.add_op(RunOp(self._number))

    @property
    def ref(self) -> str:
        """The run's reference, such as `runs/0a1b…`."""
        return str(RunRef(self.run_id))

    @property
    def name(self) -> str | None:
        """The run's name."""
        return self._name

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return self._experiment

    @property
    def params(self) -> Properties:
        """All params that were logged, nested ones with dots."""
        return dict(self._params)

    def log_param(self, key: str, value: object) -> None:
        """Set a param. The same value again is fine; another value is an error.

        Raises:
            ConflictError: the param has another value already.
            InvalidError: the key cannot be used.
            RefusedError: the run has ended.
        """
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Set several params, all or none; nested dicts become keys with dots.

        Raises:
            HeadwaterError: as in `log_param`.
        """
        self._check_open()
        new = new_params(self.run_id, self._params, param_values(params))
        if new:
            self._write(RunOp(self._number, params=new), lambda store: store.runs.log_params(self.id, new))
            self._params |= new

    def set_tag(self, key: str, value: object) -> None:
        """Set a tag, or delete it when the value is None.

        Raises:
            InvalidError: the key cannot be used.
            RefusedError: the run has ended.
        """
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set several tags; those whose value is None are deleted.

        Raises:
            HeadwaterError: as in `set_tag`.
        """
        self._check_open()
        new = tag_values(tags)
        if new:
            known = {key: value for key in new if (value := self._tags.get(key)) is not None}
            change = RunOp(self._number, tags=new, tags_before=known, time_ms=self._clock_ms())
            self._write(change, lambda store: store.runs.update(RunChange(id=self.id, tags=new)))
            self._tags |= new

    def log_model(
        self,
        name: str,
        model: Any,
        *,
        signature: Any = None,
        input_example: Any = None,
        metrics: Mapping[str, object] | None = None,
        format: str | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> ModelVersion:
        """Store a model and register it as the next version of a registered model.

        Args:
            name: Name of the registered model; it is made when it is not there.
            model: Any object that a model format can save.
            signature: What it takes and gives: a table or array of inputs, a pair of inputs and outputs,
                or a dict as `signature_of` gives; by default seen from `input_example`.
            input_example: A few rows of input, kept with the version.
            metrics: Numbers to keep with the version.
            format: Name of the model format; by default the first that fits.
            tags: Tags of the version.

        Raises:
            InvalidError: no format can save the model, or a metric or tag is malformed.
            MetricTypeError: a metric is no number.
            RefusedError, UnavailableError: as in `log_artifact`.
        """
        from headwater.tracking import models

        self._check_open()
        return models.log_model(
            self._session,
            self,
            name,
            model,
            signature=signature,
            input_example=input_example,
            metrics=metrics,
            format=format,
            tags=tags,
            known=self._known_versions(),
        )

    def _known_versions(self) -> list[ModelVersion]:
        """Return versions of which one is taken instead of registering the same bytes again."""
        return []

    def flush(self, timeout_s: float | None = None) -> bool:
        """Bring everything that was logged before this call into the store; True when it has all."""
        return self._session.flush(timeout_s)

    def end(self, status: RunStatus = RunStatus.FINISHED, error: str | None = None) -> None:
        """End the run: flush, and write its status. The second time nothing happens.

        What the store does not take within the time limit stays in the journal,
        and a warning says so.
        """
        if self._is_over:
            return
        if self._process != os.getpid():
            # A forked child: the run is its parent's to end.
            self._session.flush()
            return
        end = RunOp(self._number, end=RunEnd(status, self._clock_ms(), error))
        try:
            self._finish(end)
        except BaseException:
            # Such as a second Ctrl-C: the end still gets into the journal.
            self._buffer.add_op(end)
            raise
        finally:
            self._forget()

    def _forget(self) -> None:
        self._is_over = True
        self._series = {}
        self._session.note_closed(self.run_id)
        self._buffer.close_run(self._number)

    def end_at_exit(self) -> None:
        """End the run because the process ends."""
        import sys

        if self._process == os.getpid():
            error = getattr(sys, "last_value", None)
            self.end(*outcome(error if isinstance(error, BaseException) else None))

    def start_capture(self) -> None:
        """Find out in the background where the code comes from and what it runs on."""
        session = self._session
        self._capture = Capture(session.environment, session.project_root, session.blobs, self._attach)
        self._capture.start()
        self._watch_reads()

    def _watch_reads(self) -> None:
        if self._session.settings.audit_reads:
            self._reads = Reads(self._session.project_root, self._session.own_folders)
            watch.begin(self._reads)

    def __enter__(self) -> Self:
        self._outer = _CURRENT.get()
        _CURRENT.set(self)
        READING.set(self._reads)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        self.end(*outcome(error))

    def _leave(self) -> None:
        _CURRENT.set(self._outer)
        READING.set(self._outer._reads if self._outer else None)

    def __repr__(self) -> str:
        named = f", name={self._name!r}" if self._name else ""
        return f"<ActiveRun {self.run_id} of {self._experiment!r}{named}>"

    def _write(self, op: RunOp, action: Callable[[Store], object]) -> None:
        # While something of this run waits in the journal, what comes later waits behind it.
        if self._buffer.acknowledged >= self._op_batch:
            try:
                action(self._session.store)
            except UnavailableError as error:
                _LOG.debug("run %s: a change goes to the journal: %s", self.run_id, error)
            else:
                return
        self._op_batch = self._buffer.add_op(op)

    def _finish(self, op: RunOp) -> None:
        if self._reads is not None:
            watch.end(self._reads)
            self._attach({"undeclared_reads": self._reads.undeclared()})
        if self._capture is not None and not self._capture.wait():
            _LOG.warning("run %s: what it runs on could not be captured in time", self.run_id)
        if not self._session.flush(patience_s=self._patience_s()):
            self._buffer.add_op(op)
            _LOG.warning("run %s: %s", self.run_id, self._session.tracker.remaining())
            return
        try:
            self._write(op, lambda store: self._write_end(store, op.end))
        except HeadwaterError as error:
            _LOG.warning("run %s: its end could not be recorded: %s", self.run_id, error)

    def _patience_s(self) -> float:
        """A store that is known to be out of reach must not hold up each run of a sweep for the full time."""
        return OUTAGE_PATIENCE_S if self._session.tracker.flusher.last_error else inf

    def _write_end(self, store: Store, end: RunEnd | None) -> None:
        assert end
        store.runs.update(RunChange(id=self.id, status=end.status, end_ms=end.end_ms, error=end.error))
        # The run has its end; what follows is tidying, and can be done another time.
        with suppress(UnavailableError):
            self._session.tracker.adopt()
            store.series.merge(self.id)

    def _attach(self, facts: dict[str, PropertyValue]) -> None:
        self._buffer.add_op(RunOp(self._number, properties=facts))
