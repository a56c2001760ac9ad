"""Arguments of one call of a step: which artifacts, which plain values, and which digests stand for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from headwater.model.graph import EventPath
from headwater.model.ids import ArtifactId
from headwater.model.values import Json
from headwater.pipelines.keys import digest_of
from headwater.pipelines.values import Loader, Stored


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain value that the pipeline gives."""

    value: Json


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact that another step made, or that was there before."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list that another step made as one artifact."""

    stored: Stored
    index: int
    value: Json


@dataclass(frozen=True, slots=True)
class Several:
    """A list or tuple of arguments."""

    items: "tuple[Binding, ...]"
    is_tuple: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A dict of arguments."""

    items: "Mapping[str, Binding]"


Binding: TypeAlias = Plain | Made | Element | Several | Named


def is_plain(binding: Binding) -> bool:
    """Tell whether no artifact is in an argument."""
    return next(artifacts_in(binding), None) is None


def plain_value(binding: Binding) -> Json:
    """Return the value of an argument in which no artifact is."""
    match binding:
        case Plain(value):
            return value
        case Several(items):
            return [plain_value(each) for each in items]
        case Named(items):
            return {name: plain_value(each) for name, each in items.items()}
        case Made() | Element():
            raise TypeError("an artifact is no plain value")


def digest_of_binding(binding: Binding) -> str:
    """Return what stands for an argument in a cache key."""
    match binding:
        case Plain(value):
            return digest_of(value)
        case Made(stored):
            return stored.digest
        case Element(_, _, value):
            # Not the whole list: another element more changes nothing for this one.
            return digest_of(value)
        case Several(items):
            return digest_of([digest_of_binding(each) for each in items])
        case Named(items):
            return digest_of({name: digest_of_binding(each) for name, each in items.items()})


def artifacts_in(binding: Binding, path: EventPath = ()) -> Iterator[tuple[EventPath, ArtifactId]]:
    """Yield the artifacts in an argument, each with where it stands."""
    match binding:
        case Plain():
            return
        case Made(stored):
            yield path, stored.artifact_id
        case Element(stored, index, _):
            yield (*path, index), stored.artifact_id
        case Several(items):
            for index, each in enumerate(items):
                yield from artifacts_in(each, (*path, index))
        case Named(items):
            for name, each in items.items():
                yield from artifacts_in(each, (*path, name))


def loaded(binding: Binding, loader: Loader, hint: Any) -> Any:
    """Return the value of an argument, as a parameter's annotation wants it."""
    match binding:
        case Plain(value) | Element(_, _, value):
            return value
        case Made(stored):
            return loader.load(stored, hint)
        case Several(items, is_tuple):
            inner = next(iter(get_args(hint)), Any)
            values = [loaded(each, loader, inner) for each in items]
            return tuple(values) if is_tuple else values
        case Named(items):
            inner = next(reversed(get_args(hint)), Any)
            return {name: loaded(each, loader, inner) for name, each in items.items()}
