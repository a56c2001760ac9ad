"""What goes over the wire as JSON: not our entities, so that these may change."""

from dataclasses import fields
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field

from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.server.http.json_values import json_value

Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
Id = Annotated[int, Field(ge=1, le=INT64_MAX)]
Number: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"]
Value: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any]
"""What a property, a param or a tag can hold in JSON."""
Values: TypeAlias = dict[str, Value]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=100_000)]


class Out:
    """What is sent; its fields are those of an entity, or are given."""

    __slots__ = ()

    @classmethod
    def of(cls, entity: object, **given: Any) -> Self:
        """Take from an entity what is not given."""
        names = [field.name for field in fields(cls)]  # pyright: ignore[reportArgumentType]
        return cls(**{n: given[n] if n in given else json_value(getattr(entity, n)) for n in names})
