"""Which things of two histories belong together."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

from headwater.provenance.history import Material, Step
from headwater.provenance.value_changes import names_of_both

T = TypeVar("T", Material, Step)


def pairs_of(
    before: Sequence[T],
    after: Sequence[T],
    key: Callable[[T], tuple[str, str]],
    is_same: Callable[[T, T], bool],
) -> list[tuple[T | None, T | None]]:
    """Pair what differs: within one key in order of hops and id; nearest pairs first.

    What is the same on both sides is left out. Nothing here prefers a side.
    """
    left, right = _groups(before, key), _groups(after, key)
    found: list[tuple[tuple[int, tuple[str, str], int], T | None, T | None]] = []
    for name in names_of_both(left, right):
        ours, theirs = _unmatched(left.get(name, []), right.get(name, []), is_same)
        for place, (one, two) in enumerate(zip_longest(ours, theirs)):
            hops = min(each.hops for each in (one, two) if each is not None)
            found.append(((hops, name, place), one, two))
    return [(one, two) for _, one, two in sorted(found, key=lambda pair: pair[0])]


def _unmatched(ours: list[T], theirs: list[T], is_same: Callable[[T, T], bool]) -> tuple[list[T], list[T]]:
    """Leave out what is on both sides, each as often as it is on both: first by id, then by content."""
    shared = {each.id for each in ours} & {each.id for each in theirs}
    ours, theirs = ([each for each in side if each.id not in shared] for side in (ours, theirs))
    for one in list(ours):
        match = next((two for two in theirs if is_same(one, two)), None)
        if match is not None:
            ours.remove(one)
            theirs.remove(match)
    return ours, theirs


def _groups(sequence: Sequence[T], key: Callable[[T], tuple[str, str]]) -> dict[tuple[str, str], list[T]]:
    groups: dict[tuple[str, str], list[T]] = {}
    for each in sorted(sequence, key=lambda each: (each.hops, each.id)):
        groups.setdefault(key(each), []).append(each)
    return groups
