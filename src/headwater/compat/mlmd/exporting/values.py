"""Values as ML Metadata keeps them in columns, with a count of what it cannot keep."""

import base64
import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from google.protobuf import any_pb2, struct_pb2, wrappers_pb2
from google.protobuf.message import DecodeError, EncodeError

from headwater.compat.mlmd.exporting import report as words
from headwater.compat.mlmd.exporting.report import ExportReport
from headwater.compat.mlmd.importing.values import STRUCT_PREFIX
from headwater.compat.mlmd.service.values import URL
from headwater.model.values import Json, PropertyValue, ProtoValue

Columns: TypeAlias = tuple[int | None, float | str | None, str | None, None, str | None, int | None]
"""int_value, double_value, string_value, byte_value, proto_value, bool_value."""

NULL: Final = "__MLMD_NULL__"


class ValueWriter:
    """Turns values into columns."""

    def __init__(self, report: ExportReport) -> None:
        """Take the report in which it is counted what cannot be written as it is."""
        self._altered, self._left_out = report.altered, report.left_out

    def text(self, text: str | None) -> str | None:
        """Return a text as the file can hold it."""
        if text is None or (text.isascii() and "\x00" not in text):
            return text
        if "\x00" in text:
            self._altered[words.NUL] += 1
        try:
            text.encode()
        except UnicodeEncodeError:
            self._altered[words.NOT_UNICODE] += 1
            return text.encode("utf-8", "backslashreplace").decode()
        return text

    def columns(self, value: PropertyValue) -> Columns | None:
        """Return the columns of a value, or None where ML Metadata has no way to say it."""
        match value:
            case bool():
                return (None, None, None, None, None, int(value))
            case int():
                return (value, None, None, None, None, None)
            case float():
                return (None, self._double(value), None, None, None, None)
            case str():
                return self._string(value)
            case bytes():
                self._altered[words.BYTES] += 1
                return self._packed(lambda: wrappers_pb2.BytesValue(value=value))
            case ProtoValue():
                return self._message(value)
            case list():
                self._altered[words.LISTS] += 1
                return self._packed(lambda: self._list(value))
            case dict():
                return self._struct(value)

    def _double(self, value: float) -> float | str:
        if math.isnan(value):
            # SQLite turns a NaN into NULL; ML Metadata reads doubles as text.
            return "nan"
        if math.isfinite(value) and float(f"{value:.15g}") != value:
            self._altered[words.DIGITS] += 1
        if value == 0 and math.copysign(1, value) < 0:
            self._altered[words.NEGATIVE_ZERO] += 1
        return value

    def _string(self, value: str) -> Columns | None:
        if value == NULL or value.startswith(STRUCT_PREFIX):
            self._left_out[words.MARKED] += 1
            return None
        return (None, None, self.text(value), None, None, None)

    def _struct(self, value: dict[str, Json]) -> Columns | None:
        struct = self._checked(lambda: self._object(value))
        if struct is None:
            return None
        return (None, None, STRUCT_PREFIX + _base64(_bytes(struct)), None, None, None)

    def _message(self, value: ProtoValue) -> Columns | None:
        if not value.type_url:
            self._left_out[words.NO_URL] += 1
            return None
        message = any_pb2.Any(type_url=self.text(value.type_url), value=value.value)
        return (None, None, None, None, _base64(message.SerializeToString()), None)

    def _packed(self, build: Callable[[], Any]) -> Columns | None:
        """Return what ML Metadata has no kind for as a message, as its clients are shown it."""
        message = self._checked(build)
        if message is None:
            return None
        return self._message(ProtoValue(URL + message.DESCRIPTOR.full_name, _bytes(message)))

    def _checked(self, build: Callable[[], Any]) -> Any:
        """Build a message; None if it is nested deeper than anybody reads."""
        try:
            message = build()
            message.FromString(_bytes(message))
        except (DecodeError, EncodeError, RecursionError):
            self._left_out[words.TOO_DEEP] += 1
            return None
        return message

    def _object(self, value: dict[str, Json]) -> Any:
        return struct_pb2.Struct(fields={self._key(key): self._value(inner) for key, inner in value.items()})

    def _list(self, value: list[Json]) -> Any:
        return struct_pb2.ListValue(values=[self._value(inner) for inner in value])

    def _key(self, key: str) -> str:
        return self.text(key) or ""

    def _value(self, value: Json) -> Any:
        match value:
            case None:
                return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
            case bool():
                return struct_pb2.Value(bool_value=value)
            case int():
                return self._number(value)
            case float():
                return struct_pb2.Value(number_value=value)
            case str():
                return struct_pb2.Value(string_value=self.text(value))
            case list():
                return struct_pb2.Value(list_value=self._list(value))
            case dict():
                return struct_pb2.Value(struct_value=self._object(value))

    def _number(self, value: int) -> Any:
        try:
            number = float(value)
        except OverflowError:
            self._altered[words.NUMBERS] += 1
            return struct_pb2.Value(string_value=str(value))
        self._altered[words.NUMBERS] += number != value
        return struct_pb2.Value(number_value=number)


def _bytes(message: Any) -> bytes:
    return message.SerializeToString(deterministic=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
