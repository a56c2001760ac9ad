"""Measuring: arms take turns, so that a machine whose speed drifts slows all of them alike."""

import gc
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TypeAlias

Arm: TypeAlias = Callable[[], float | None]
"""Does its work once. What it returns is its cost, in any unit; None means the seconds it took."""


def take_turns(arms: Sequence[Arm], *, repeats: int, warm_ups: int = 1) -> list[list[float]]:
    """Run arms A, B, A, B … and return the costs of each, in order; warm-ups are not counted."""
    costs: list[list[float]] = [[] for _ in arms]
    for turn in range(warm_ups + repeats):
        for arm, mine in zip(arms, costs, strict=True):
            cost = _cost(arm)
            if turn >= warm_ups:
                mine.append(cost)
    return costs


def timed_loop(action: Callable[[int], object], count: int) -> Arm:
    """Return an arm that calls `action(0)`, `action(1)` … and costs the seconds of one call."""

    def arm() -> float:
        start = perf_counter()
        for number in range(count):
            action(number)
        return (perf_counter() - start) / count

    return arm


def _cost(arm: Arm) -> float:
    # Garbage of the arm before is not this one's cost, and a collection in the middle is nobody's.
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        told = arm()
        took = perf_counter() - start
    finally:
        gc.enable()
    return took if told is None else told
