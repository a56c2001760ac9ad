"""The schemas: what the first months looked like, and what people changed when they had read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from headwater.demo.libraries import Frame, load
from headwater.validation.data import (
    Comparator,
    Limits,
    Method,
    Presence,
    Proposal,
    Schema,
    infer_schema,
)

DRIFT: Final = Comparator(method=Method.FIXED, threshold=0.5)
"""Seasons move temperatures by a Jensen-Shannon divergence of 0.3 a month, and nothing by more than 0.5."""

_MOSTLY: Final = Presence(min_fraction=0.9)
_INSTRUMENTS: Final = ("temp", "dewp", "humid", "wind_dir", "wind_speed")
REVIEWED: Final[Mapping[str, Sequence[Proposal]]] = {
    "flights": (
        # Routes come and go with the seasons: nobody flies to Nantucket in January.
        Proposal(column="dest", changes={"domain": None}),
    ),
    "weather": (
        # An instrument may fail for some hours.
        *(Proposal(column=name, changes={"presence": _MOSTLY}) for name in _INSTRUMENTS),
        # It says 10 miles, and no more, however far one sees.
        Proposal(column="visib", changes={"range": Limits(min=0, max=10)}),
    ),
}
"""By name of the schema, what was changed in its review."""


def schema_of(name: str, frames: Sequence[Frame]) -> Schema:
    """Infer a schema from the first deliveries, and take the changes of its review.

    Args:
        name: `flights` or `weather`.
        frames: The deliveries.
    """
    inferred = infer_schema(load("pandas").concat(frames, ignore_index=True))
    return replace(inferred.update(REVIEWED[name]), drift=DRIFT)
