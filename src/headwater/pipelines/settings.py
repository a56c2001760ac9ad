"""How a runner works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How a runner works.

    Attributes:
        workers: Processors that steps may take at once; by default as many as the executor has workers.
        uses_cache: Reuse what earlier runs have made.
        lease_s: Silence after which the holder of an attempt is taken for dead.
        poll_s: Longest time between two looks at what others do; the first ones come sooner.
        waits_for_people: Go on looking for approvals, instead of ending in the state `waiting`.
    """

    workers: float = 1
    uses_cache: bool = True
    lease_s: float = 60.0
    poll_s: float = 2.0
    waits_for_people: bool = False
