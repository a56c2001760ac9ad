"""What is known of two histories, and what is not: where nothing is known, nothing is the same."""

from collections.abc import Iterator
from typing import Final

from headwater.model.values import Properties
from headwater.provenance.changes import Unknown
from headwater.provenance.history import History, Step

_CAPTURED: Final = (
    ("environment", "python_version", "no version of Python is recorded for"),
    ("machine", "machine", "no machine is recorded for"),
    ("seeds", "seeds", "no random states are recorded for"),
)


def captured_by(step: Step | None) -> Properties:
    """Return what a step found out by itself; nothing where there is no step."""
    return step.captured if step is not None else {}


def compared_of(before: History, after: History) -> tuple[str, ...]:
    """Return the sections of which something is known of both."""
    one, two = _known(before), _known(after)
    return tuple(name for name in one if one[name] and two[name])


def unknown_of(before: History, after: History) -> tuple[Unknown, ...]:
    """Say what was not compared because it is not known of both; the same from either side."""
    found: set[tuple[str, str]] = set()
    for history in (before, after):
        found |= {(section, f"{why} {history.ref}") for section, why in _gaps(history)}
    return tuple(Unknown(section=section, why=why) for section, why in sorted(found))


def _gaps(history: History) -> Iterator[tuple[str, str]]:
    maker = history.maker
    captured = captured_by(maker)
    if not history.materials:
        yield "data", "nothing is recorded that was read for"
    if history.is_truncated:
        yield "data", "only the nearest nodes were read of"
        yield "steps", "only the nearest nodes were read of"
    if maker is None:
        yield "params", "no run is recorded for"
    if "git_commit" not in captured:
        yield "code", "no commit is recorded for"
    elif maker is not None and maker.patch is None:
        yield "code", "the uncommitted changes were not kept for"
    if maker is None or maker.packages is None:
        yield "packages", "no packages are recorded for"
    for section, name, why in _CAPTURED:
        if name not in captured:
            yield section, why
    if history.subject is not None and history.subject.kind == "model":
        if history.signature is None:
            yield "signature", "no signature is recorded for"
        if not history.format:
            yield "format", "no format is recorded for"


def _known(history: History) -> dict[str, bool]:
    """Tell for each section whether a history has something to compare."""
    maker, captured = history.maker, captured_by(history.maker)
    is_data = history.subject is not None and history.subject.kind == "data"
    return {
        "data": bool(history.materials) or is_data,
        "code": "git_commit" in captured,
        "params": bool(history.params),
        "packages": maker is not None and maker.packages is not None,
        "environment": "python_version" in captured,
        "machine": "machine" in captured,
        "seeds": "seeds" in captured,
        "signature": history.signature is not None,
        "format": bool(history.format),
        "metrics": bool(history.metrics),
        "steps": bool(history.steps),
    }
