"""Data versions to record, as JSON."""

from dataclasses import dataclass, field

from headwater.server.http.resources.wire import Id, Name, Text, Value, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataVersionIn:
    """A version of a data set to record."""

    digest: Name
    uri: Text | None = None
    size_bytes: Id | None = None
    properties: Values = field(default_factory=dict[str, Value])
