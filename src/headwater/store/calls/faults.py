"""Our errors as plain values and back, so that a client raises what the server raised."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from headwater import errors
from headwater.errors import HeadwaterError, UnmetError
from headwater.model.release import Need
from headwater.store.calls.codec import entity, plain


def _tree(cls: type[HeadwaterError]) -> Iterator[type[HeadwaterError]]:
    yield cls
    for each in cls.__subclasses__():
        yield from _tree(each)


_CLASSES: Final = {cls.code: cls for cls in _tree(HeadwaterError) if cls.__module__ == errors.__name__}


def fault(error: HeadwaterError) -> dict[str, Any]:
    """Return an error as a plain value: its code, its message, and what its class remembers."""
    details = dict(vars(error))
    if isinstance(error, UnmetError):
        details["missing"] = plain(list(error.missing), list[Need])
    return {"code": error.code, "message": str(error), "details": details}


def error_of(value: Mapping[str, Any]) -> HeadwaterError:
    """Return the error that a plain value describes; an unknown code gives the base class."""
    cls = _CLASSES.get(value["code"], HeadwaterError)
    details: dict[str, Any] = {key: _frozen(each) for key, each in value.get("details", {}).items()}
    if cls is UnmetError:
        details["missing"] = tuple(entity(list(details.get("missing", ())), list[Need]))
    error = cls.__new__(cls)
    # Its class would build the message from arguments; it is built already.
    Exception.__init__(error, value["message"])
    vars(error).update(details)
    return error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
