"""The store's errors as MLMD's status codes."""

from typing import Final

from headwater import errors
from headwater.compat.mlmd.errors import (
    ABORTED,
    ALREADY_EXISTS,
    DATA_LOSS,
    FAILED_PRECONDITION,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    StatusError,
    make_exception,
)

_ACCESS: Final = {
    "unauthenticated": UNAUTHENTICATED,
    "forbidden": PERMISSION_DENIED,
    "throttled": RESOURCE_EXHAUSTED,
}
"""Of errors about the caller, which whoever guards a server raises."""


def status_of(error: errors.HeadwaterError) -> StatusError:
    """Return the error that MLMD's clients know for one of the store's."""
    return error if isinstance(error, StatusError) else make_exception(str(error), _code(error))


def _code(error: errors.HeadwaterError) -> int:
    match error:
        case errors.NotFoundError():
            # A node that an update or an edge names is a wrong argument; a type is not found.
            return NOT_FOUND if error.kind.endswith("type") else INVALID_ARGUMENT
        case errors.StaleWriteError():
            return FAILED_PRECONDITION
        case errors.ConflictError():
            return ALREADY_EXISTS
        case errors.InvalidError():
            return INVALID_ARGUMENT
        case errors.UnavailableError():
            return ABORTED if "lock" in str(error) else UNAVAILABLE
        case errors.UnauthenticatedError():
            return UNAUTHENTICATED
        case errors.ForbiddenError():
            return PERMISSION_DENIED
        case errors.ThrottledError():
            return RESOURCE_EXHAUSTED
        case errors.CorruptError():
            return DATA_LOSS
        case errors.RefusedError() | errors.SchemaError():
            return FAILED_PRECONDITION
        case _:
            return _ACCESS.get(error.code, INTERNAL)
