"""Requests: read from JSON or a query, with MLflow's words for what is wrong with them.

A good request costs one call of a decoder; fields are looked at only in a bad one, or one in an old spelling.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar, cast, get_args, get_origin

import msgspec

from headwater.compat.mlflow.errors import MlflowError
from headwater.model.values import INT64_MAX, INT64_MIN

R = TypeVar("R", bound="Request")

Required: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that has to be there; MLflow's clients send an empty one for none."""

Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]
"""A number that a column of 64 bits holds."""

_SEE: Final = " See the API docs for more information about request parameters."
_OLD_NAMES: Final = {"run_uuid": "run_id"}


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """What every request extends; fields that it does not declare are ignored.

    A field without default is required. Numbers may come as texts, doubles also as NaN and Infinity.
    """


class Reader(Generic[R]):
    """Reads the requests of one endpoint."""

    def __init__(self, kind: type[R]) -> None:
        """Take the class of the requests."""
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind, strict=False)
        self._lists = {f.encode_name for f in msgspec.structs.fields(kind) if _item_type(f.type) is not None}

    def of_body(self, body: bytes, path: Mapping[str, str] | None = None) -> R:
        """Read a JSON body; what is no JSON is an empty request.

        Args:
            body: The bytes.
            path: What stands in the URL's path goes before the body.

        Raises:
            MlflowError: a field is missing or of another type, or lists lie in lists without end.
        """
        try:
            if not path:
                try:
                    return self._decoder.decode(body)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    pass
            return self._of_object({**_object(body), **(path or {})})
        except RecursionError:
            raise MlflowError("The request is nested too deeply.") from None

    def of_query(self, pairs: Sequence[tuple[str, str]], path: Mapping[str, str] | None = None) -> R:
        """Read a query's names and values; a list is a name that comes several times.

        Raises:
            MlflowError: a field is missing or of another type.
        """
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in self._lists:
                found.setdefault(name, []).append(value)
            else:
                found.setdefault(name, value)
        return self._of_object({**found, **(path or {})})

    def _of_object(self, given: dict[str, Any]) -> R:
        for old, name in _OLD_NAMES.items():
            if not given.get(name) and old in given:
                given[name] = given[old]
        given = _without_nulls(given)
        try:
            return msgspec.convert(given, self._kind, strict=False)
        except msgspec.ValidationError:
            raise _fault(self._kind, given, "") from None


def missing_value(name: str) -> MlflowError:
    """Return the error for a field that has to be there."""
    return MlflowError(f"Missing value for required parameter '{name}'.{_SEE}")


def invalid_value(name: str, value: object, hint: str = "") -> MlflowError:
    """Return the error for a value that a field cannot have."""
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    end = f": {hint}" if hint else "."
    return MlflowError(f"Invalid value {shown} for parameter '{name}' supplied{end}")


def wrong_type(name: str, value: object) -> MlflowError:
    """Return the error for a value of another type than a field's."""
    return invalid_value(name, value, f" Hint: Value was of type '{type(value).__name__}'.{_SEE}")


def _object(body: bytes) -> dict[str, Any]:
    found = _json(body)
    if isinstance(found, str):
        # Old clients send their JSON as a text in JSON.
        found = _json(found)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _json(text: bytes | str) -> object:
    try:
        # Not msgspec: bodies may hold a bare NaN.
        return json.loads(text)
    except ValueError:
        return None


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            items = cast(dict[str, Any], value).items()
            return {name: _without_nulls(item) for name, item in items if item is not None}
        case list():
            return [_without_nulls(item) for item in cast(list[Any], value)]
        case _:
            return value


def _item_type(kind: Any) -> Any:
    """Return the type of a list's items, or None for what is no list."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _fault(kind: Any, given: Mapping[str, Any], where: str) -> MlflowError:
    """Find the first field that is wrong."""
    # The run comes first in MLflow's own checks, wherever it stands here.
    for field in sorted(msgspec.structs.fields(kind), key=lambda each: each.encode_name != "run_id"):
        name, value = where + field.encode_name, given.get(field.encode_name)
        if value is None or value == "":
            if field.required:
                return missing_value(name)
            continue
        try:
            msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError:
            return _fault_inside(field.type, value, name)
    return MlflowError(f"The request is malformed.{_SEE}")


def _fault_inside(kind: Any, value: Any, name: str) -> MlflowError:
    item = _item_type(kind)
    if isinstance(item, type) and issubclass(item, msgspec.Struct) and isinstance(value, list):
        for place, each in enumerate(cast(list[Any], value)):
            try:
                msgspec.convert(each, item, strict=False)
            except msgspec.ValidationError:
                if isinstance(each, dict):
                    return _fault(item, cast(dict[str, Any], each), f"{name}[{place}].")
                return wrong_type(f"{name}[{place}]", each)
    return wrong_type(name, cast(object, value))
