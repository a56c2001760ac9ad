"""Every exception headwater raises on purpose.

* HeadwaterError                          code             HTTP  gRPC
  + NotFoundError     (also LookupError)  not_found        404   NOT_FOUND
  + ConflictError     (also ValueError)   conflict         409   ALREADY_EXISTS
    - StaleWriteError                     stale            412   FAILED_PRECONDITION
  + InvalidError      (also ValueError)   invalid          400   INVALID_ARGUMENT
    - FilterError                         bad_filter       400   INVALID_ARGUMENT
    - MetricTypeError (also TypeError)    bad_metric       400   INVALID_ARGUMENT
  + RefusedError      (also RuntimeError) refused          409   FAILED_PRECONDITION
    - UnmetError                          unmet            409   FAILED_PRECONDITION
    - RejectedError                       rejected         409   FAILED_PRECONDITION
    - PipelineFailedError                 pipeline_failed  409   FAILED_PRECONDITION
  + UnauthenticatedError (PermissionError) unauthenticated 401   UNAUTHENTICATED
  + ForbiddenError    (PermissionError)   forbidden        403   PERMISSION_DENIED
  + ThrottledError    (also RuntimeError) throttled        429   RESOURCE_EXHAUSTED
  + CorruptError      (also OSError)      corrupt          500   DATA_LOSS
  + SchemaError       (also RuntimeError) schema           500   FAILED_PRECONDITION
  + UnavailableError  (also OSError)      unavailable      503   UNAVAILABLE
  + MissingDependencyError (ImportError)  missing_package  500   FAILED_PRECONDITION
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final

_HEAD_CHARS: Final = 2_000
_TAIL_CHARS: Final = 1_000
"""How much of a long message is told: its end says what to do."""
_NOTE_CHARS: Final = 100
"""More than the note on what is left out, so that a message is cut once only."""


class HeadwaterError(Exception):
    """Base class: catch this to catch everything headwater raises on purpose."""

    code: ClassVar[str] = "internal"

    def __str__(self) -> str:
        """Return the message; of one that repeats a very long value the middle is left out."""
        text = super().__str__()
        left_out = len(text) - _HEAD_CHARS - _TAIL_CHARS
        if left_out <= _NOTE_CHARS:
            return text
        return f"{text[:_HEAD_CHARS]} … ({left_out} characters left out) … {text[-_TAIL_CHARS:]}"


class NotFoundError(HeadwaterError, LookupError):
    """An id or a name that the store does not hold."""

    code = "not_found"

    def __init__(self, kind: str, key: object, *, near: Iterable[str] = (), gone: str = "") -> None:
        """Say what is not there, and perhaps what was meant (`near`) or what became of it (`gone`)."""
        self.kind, self.key, self.near = kind, key, tuple(near)
        hint = f"; did you mean {', '.join(self.near)}?" if self.near else ""
        super().__init__(f"no {kind} {key!r}{f': {gone}' if gone else ''}{hint}")


class ConflictError(HeadwaterError, ValueError):
    """A write that contradicts what is stored."""

    code = "conflict"


class StaleWriteError(ConflictError):
    """A node has changed since the caller read it."""

    code = "stale"

    def __init__(self, kind: str, node_id: int, *, expected: int, found: int) -> None:
        self.kind, self.node_id, self.expected, self.found = kind, node_id, expected, found
        super().__init__(
            f"{kind} {node_id} is at revision {found}, not {expected}: read it again and redo the change"
        )


class InvalidError(HeadwaterError, ValueError):
    """An argument that can never be right, whatever is stored."""

    code = "invalid"


class FilterError(InvalidError):
    """A filter text that does not parse or names what does not exist.

    The message shows the text with a caret under the fault.
    """

    code = "bad_filter"

    def __init__(self, text: str, position: int, problem: str, *, allowed: Sequence[str] = ()) -> None:
        self.text, self.position, self.problem, self.allowed = text, position, problem, tuple(allowed)
        start = max(0, position - 60)
        shown = text[start : position + 60].replace("\n", " ").replace("\t", " ")
        hint = f"\nallowed here: {', '.join(self.allowed)}" if self.allowed else ""
        super().__init__(f"{problem}\n  {shown}\n  {' ' * (position - start)}^{hint}")


class MetricTypeError(InvalidError, TypeError):
    """A metric whose value is not a number."""

    code = "bad_metric"

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        super().__init__(
            f"metric {name!r} must be a number, got {type(value).__name__}: "
            f"use log_param or set_tag for anything else"
        )


class RefusedError(HeadwaterError, RuntimeError):
    """A decision whose conditions do not hold, such as a rollback with nothing to go back to."""

    code = "refused"


class UnmetError(RefusedError):
    """A move to a stage that lacks what the stage's policy asks for; `missing` says all of it."""

    code = "unmet"

    def __init__(self, subject: str, stage: str, missing: Sequence[object]) -> None:
        self.subject, self.stage, self.missing = subject, stage, tuple(missing)
        super().__init__(f"{subject} cannot go to {stage}: {'; '.join(map(str, self.missing))}")


class RejectedError(RefusedError):
    """A gate that did not pass; `verdict` is what it found, and `outcome` is `fail` or `insufficient`."""

    code = "rejected"

    def __init__(self, subject: str, outcome: str, reasons: Sequence[str], verdict: object = None) -> None:
        self.subject, self.outcome, self.reasons, self.verdict = subject, outcome, tuple(reasons), verdict
        found = "did not pass" if outcome == "fail" else "cannot be judged"
        super().__init__(f"{subject} {found}: {'; '.join(self.reasons)}")


class PipelineFailedError(RefusedError):
    """A pipeline of which a step failed.

    Attributes:
        ref: The run, such as `pipelines/flights/18`.
        failures: Why, by step.
        result: All that is known of the run.
    """

    code = "pipeline_failed"

    def __init__(self, ref: str, failures: Mapping[str, str], *, result: object = None) -> None:
        self.ref, self.failures, self.result = ref, dict(failures), result
        reasons = "; ".join(
            f"{step}: {last_line(why) or 'no reason is known'}" for step, why in failures.items()
        )
        super().__init__(
            f"{ref} failed in {reasons}; once that is mended, go on with `headwater pipeline resume {ref}`"
        )


def last_line(text: str) -> str:
    """Return the line of a traceback, or of another text, that says what happened; empty of nothing."""
    return next(reversed(text.strip().splitlines()), "")


class UnauthenticatedError(HeadwaterError, PermissionError):
    """A call whose caller did not say who they are, or could not prove it."""

    code = "unauthenticated"


class ForbiddenError(HeadwaterError, PermissionError):
    """A call that its caller may not make."""

    code = "forbidden"

    def __init__(self, name: str, permission: str, subject: str | None = None) -> None:
        self.name, self.permission, self.subject = name, permission, subject
        where = f" on {subject}" if subject else ""
        super().__init__(
            f"{name} may not do this: it needs the permission {permission.lower()}{where}; "
            "ask an administrator for a role or a grant"
        )


class ThrottledError(HeadwaterError, RuntimeError):
    """Too many failures in too short a time; `retry_after_s` says how long to wait."""

    code = "throttled"

    def __init__(self, problem: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{problem}: try again in {max(1, round(retry_after_s))} s")


class DeprecatedVersionWarning(UserWarning):
    """A version was loaded that nobody should use any more."""


class CorruptError(HeadwaterError, OSError):
    """Stored bytes that are missing or no longer match their digest."""

    code = "corrupt"


class SchemaError(HeadwaterError, RuntimeError):
    """A database whose schema this version of headwater cannot use."""

    code = "schema"


class UnavailableError(HeadwaterError, OSError):
    """A store that cannot be reached or stays locked; trying again later may help."""

    code = "unavailable"


class MissingDependencyError(HeadwaterError, ImportError):
    """An optional package that the asked-for feature needs."""

    code = "missing_package"

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'headwater[{extra}]'")
