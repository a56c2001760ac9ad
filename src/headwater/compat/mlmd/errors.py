"""MLMD's exceptions, one class for each status code.

* StatusError (also HeadwaterError): `message`, `error_code`
  + CancelledError 1, UnknownError 2, InvalidArgumentError 3, DeadlineExceededError 4, NotFoundError 5,
    AlreadyExistsError 6, PermissionDeniedError 7, ResourceExhaustedError 8, FailedPreconditionError 9,
    AbortedError 10, OutOfRangeError 11, UnimplementedError 12, InternalError 13, UnavailableError 14,
    DataLossError 15, UnauthenticatedError 16
"""

from typing import ClassVar, Final

from headwater.errors import HeadwaterError

OK: Final = 0
CANCELLED: Final = 1
UNKNOWN: Final = 2
INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
NOT_FOUND: Final = 5
ALREADY_EXISTS: Final = 6
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
FAILED_PRECONDITION: Final = 9
ABORTED: Final = 10
OUT_OF_RANGE: Final = 11
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
DATA_LOSS: Final = 15
UNAUTHENTICATED: Final = 16


class StatusError(HeadwaterError):
    """A call that failed, with its status code."""

    def __init__(self, message: str, error_code: int) -> None:
        super().__init__(message)
        self.message, self.error_code = message, error_code


class _OneCodeError(StatusError):
    status: ClassVar[int]

    def __init__(self, message: str) -> None:
        super().__init__(message, self.status)


class CancelledError(_OneCodeError):
    """The call was cancelled."""

    status = CANCELLED


class UnknownError(StatusError):
    """A status code that has no class of its own."""

    def __init__(self, message: str, error_code: int = UNKNOWN) -> None:
        super().__init__(message, error_code)


class InvalidArgumentError(_OneCodeError):
    """A request that can never be right."""

    status = INVALID_ARGUMENT


class DeadlineExceededError(_OneCodeError):
    """The call took longer than the client waits."""

    status = DEADLINE_EXCEEDED


class NotFoundError(_OneCodeError):
    """What was asked for is not stored."""

    status = NOT_FOUND


class AlreadyExistsError(_OneCodeError):
    """What was to be made is stored already."""

    status = ALREADY_EXISTS


class PermissionDeniedError(_OneCodeError):
    """The caller may not do this."""

    status = PERMISSION_DENIED


class UnauthenticatedError(_OneCodeError):
    """The caller did not say who it is."""

    status = UNAUTHENTICATED


class ResourceExhaustedError(_OneCodeError):
    """A limit was reached, such as that of a message's size."""

    status = RESOURCE_EXHAUSTED


class FailedPreconditionError(_OneCodeError):
    """The store is not in the state that the request asks for."""

    status = FAILED_PRECONDITION


class AbortedError(_OneCodeError):
    """Somebody else was first: the same call again may work."""

    status = ABORTED


class OutOfRangeError(_OneCodeError):
    """An index points past the end of its list."""

    status = OUT_OF_RANGE


class UnimplementedError(_OneCodeError):
    """MLMD does not do this, and neither does this store."""

    status = UNIMPLEMENTED


class InternalError(_OneCodeError):
    """Something inside the store broke."""

    status = INTERNAL


class UnavailableError(_OneCodeError):
    """The store cannot be reached."""

    status = UNAVAILABLE


class DataLossError(_OneCodeError):
    """Stored data is damaged."""

    status = DATA_LOSS


_CLASSES: Final[dict[int, type[_OneCodeError] | type[UnknownError]]] = {
    UNKNOWN: UnknownError,
    **{each.status: each for each in _OneCodeError.__subclasses__()},
}


def exception_type_from_error_code(error_code: int) -> type[StatusError]:
    """Return the class of a status code.

    Raises:
        KeyError: there is no such code.
    """
    return _CLASSES[error_code]


def make_exception(message: str, error_code: int) -> StatusError:
    """Return an exception for a status code; one that has no class becomes an `UnknownError`."""
    return _CLASSES.get(error_code, UnknownError)(message)
