"""MLflow's error codes, and what headwater's errors are in them."""

from typing import Final

from headwater.errors import (
    ConflictError,
    CorruptError,
    ForbiddenError,
    HeadwaterError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StaleWriteError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)

INVALID_PARAMETER_VALUE: Final = "INVALID_PARAMETER_VALUE"
RESOURCE_ALREADY_EXISTS: Final = "RESOURCE_ALREADY_EXISTS"
RESOURCE_DOES_NOT_EXIST: Final = "RESOURCE_DOES_NOT_EXIST"
ENDPOINT_NOT_FOUND: Final = "ENDPOINT_NOT_FOUND"
INVALID_STATE: Final = "INVALID_STATE"
NOT_IMPLEMENTED: Final = "NOT_IMPLEMENTED"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"

STATUSES: Final = {
    "BAD_REQUEST": 400,
    INVALID_PARAMETER_VALUE: 400,
    RESOURCE_ALREADY_EXISTS: 400,
    "UNAUTHENTICATED": 401,
    "CUSTOMER_UNAUTHORIZED": 401,
    "PERMISSION_DENIED": 403,
    RESOURCE_DOES_NOT_EXIST: 404,
    "NOT_FOUND": 404,
    ENDPOINT_NOT_FOUND: 404,
    "ABORTED": 409,
    "RESOURCE_CONFLICT": 409,
    "ALREADY_EXISTS": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    INTERNAL_ERROR: 500,
    INVALID_STATE: 500,
    "DATA_LOSS": 500,
    NOT_IMPLEMENTED: 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP status of each code. Clients try again on 429 and from 500 on, so bad input never gets those."""

_CODES: Final[tuple[tuple[type[HeadwaterError], str], ...]] = (
    (NotFoundError, RESOURCE_DOES_NOT_EXIST),
    (StaleWriteError, "ABORTED"),
    (ConflictError, RESOURCE_ALREADY_EXISTS),
    (InvalidError, INVALID_PARAMETER_VALUE),
    (UnauthenticatedError, "UNAUTHENTICATED"),
    (ForbiddenError, "PERMISSION_DENIED"),
    (ThrottledError, "REQUEST_LIMIT_EXCEEDED"),
    (RefusedError, "RESOURCE_CONFLICT"),
    (CorruptError, "DATA_LOSS"),
    (UnavailableError, "TEMPORARILY_UNAVAILABLE"),
)
"""From the narrow class to the wide one."""


class MlflowError(HeadwaterError):
    """What a call answers instead of a response."""

    def __init__(self, message: str, error_code: str = INVALID_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.message, self.error_code = message, error_code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES[self.error_code]


def mlflow_error_of(error: HeadwaterError) -> MlflowError:
    """Return an error in MLflow's terms."""
    if isinstance(error, MlflowError):
        return error
    code = next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL_ERROR)
    return MlflowError(str(error), code)
