"""What a step takes and gives, as its annotations say."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints


class Shape(Enum):
    """How many artifacts a step's output is."""

    ONE = "one"
    TUPLE = "tuple"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a step takes and gives.

    Attributes:
        inputs: Annotation of each parameter; `Any` where there is none.
        shape: Whether the output is one artifact, one for each element of a tuple, or one for each of a list.
        outputs: Annotation of the output, or of each element; of a list one for all.
        text: The output's annotation as it is written into cache keys.
    """

    inputs: Mapping[str, Any]
    shape: Shape
    outputs: tuple[Any, ...]
    text: str

    def output(self, index: int) -> Any:
        """Return the annotation of one element of the output."""
        return self.outputs[min(index, len(self.outputs) - 1)]


@lru_cache(1024)
def contract_of(function: Callable[..., Any]) -> Contract:
    """Read a function's annotations."""
    hints = hints_of(function)
    given = hints.get("return", Any)
    inputs = {name: hints.get(name, Any) for name in inspect.signature(function).parameters}
    origin, items = get_origin(given), get_args(given)
    if origin is tuple and items and Ellipsis not in items:
        shape, outputs = Shape.TUPLE, items
    elif origin is list and items and is_artifact_type(items[0]):
        shape, outputs = Shape.LIST, items
    else:
        shape, outputs = Shape.ONE, (given,)
    return Contract(inputs=inputs, shape=shape, outputs=outputs, text=inspect.formatannotation(given))


@lru_cache(1024)
def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's annotations; those that cannot be resolved, as the text that they are."""
    try:
        return get_type_hints(function)
    except (NameError, AttributeError, TypeError):
        # Such as a name that only a type checker imports.
        return dict(inspect.get_annotations(function))


def run_parameter(function: Callable[..., Any]) -> str | None:
    """Return the parameter that gets the step's own run, if there is one."""
    from headwater.tracking import ActiveRun

    hints = hints_of(function)
    return next((name for name, hint in hints.items() if hint is ActiveRun and name != "return"), None)


def is_artifact_type(hint: Any) -> bool:
    """Tell whether values of a type are artifacts of their own, not plain values."""
    from headwater.model.graph import Artifact

    is_known = is_dataset(hint) or is_version(hint) or is_statistics(hint) or hint is Artifact
    return is_known or hasattr(hint, "from_artifact")


def is_dataset(hint: Any) -> bool:
    """Tell whether an annotation asks for a data version."""
    from headwater.model.data import DataVersion
    from headwater.tracking import Dataset

    return hint is Dataset or hint is DataVersion


def is_statistics(hint: Any) -> bool:
    """Tell whether an annotation asks for statistics of data; their module is not loaded for that."""
    return (
        getattr(hint, "__name__", "") == "Statistics"
        and getattr(hint, "__module__", "") == "headwater.validation.data.statistics"
    )


def is_version(hint: Any) -> bool:
    """Tell whether an annotation asks for a model version; `hw.Model` means one of its versions here."""
    from headwater.model.models import ModelVersion

    return hint is ModelVersion or (
        getattr(hint, "__name__", "") == "Model"
        and getattr(hint, "__module__", "").startswith("headwater.registry")
    )
