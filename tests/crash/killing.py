"""Processes with the workload, forked from one that has everything loaded, killed at random moments."""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headwater.sdk import Client
from tests.crash.checking import Acknowledged
from tests.crash.workload import facts_of, work

LONGEST_NOTES: Final = 16_000
"""Up to so many bytes of notes, a hundred each, a child may write before it is killed."""
PATIENCE_S: Final = 120


@dataclass(slots=True)
class Tally:
    """What a proof has seen."""

    kills: int = 0
    acknowledged: int = 0
    refused: int = 0
    replayed_points: int = 0
    steps: dict[str, int] = field(default_factory=dict[str, int])

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.steps.items()))
        return (
            f"{self.kills} kills, {self.acknowledged} acknowledgements ({kinds}), {self.refused} refusals, "
            f"{self.replayed_points} points came back from journals"
        )


@dataclass(slots=True)
class Proof:
    """Kills again and again, and after each kill checks the store.

    Args:
        url: The store.
        folder: An empty folder: the project, with journals and notes.
        seed: Repeats the same choices; moments differ all the same.
        say: Gets a line of progress now and then.
    """

    url: str
    folder: Path
    seed: int = 0
    say: Callable[[str], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    _known: Acknowledged = field(default_factory=Acknowledged)

    def run(self, kills: int, *, deep_every: int = 50) -> Tally:
        """Kill so often; raises AssertionError at the first thing that is wrong."""
        (self.folder / "pyproject.toml").touch()
        _load_everything()
        with chdir(self.folder):
            self._run(kills, random.Random(self.seed), deep_every)
        return self.tally

    def _run(self, kills: int, chance: random.Random, deep_every: int) -> None:
        for number in range(1, kills + 1):
            notes = self.folder / f"notes-{number}.jsonl"
            _kill_after(self.url, self.folder, notes, self.seed + number, chance)
            self._take(facts_of(notes))
            is_full = number % deep_every == 0 or number == kills
            self._check(is_full=is_full)
            notes.unlink(missing_ok=True)
            if is_full:
                self.say(str(self.tally))

    def _take(self, facts: list[dict[str, object]]) -> None:
        self._before = len(self._known.facts)
        self._known.add(facts)
        new = [str(fact["kind"]) for fact in self._known.facts[self._before :]]
        self.tally.kills += 1
        self.tally.refused += new.count("refused")
        for kind in new:
            if kind not in {"refused", "ready"}:
                self.tally.acknowledged += 1
                self.tally.steps[kind] = self.tally.steps.get(kind, 0) + 1

    def _check(self, *, is_full: bool) -> None:
        with Client(self.url, actor="checker") as client:
            report = client.session.sync()
            client.session.recover()
            self.tally.replayed_points += report.points
            # What was being sent to a run that its owner had deleted and collected has nowhere to go.
            refusals = [r for r in report.refusals if "removed for good" not in str(r)]
            assert not refusals, refusals
            found = client.upkeep.examine(is_deep=is_full)
            assert found.findings == (), (self.tally.kills, found.findings)
            missing = self._known.missing(client, since=0 if is_full else self._before)
            assert missing == [], (self.tally.kills, missing)

    _before: int = 0


def _load_everything() -> None:
    """Load what the workload loads when it needs it, so that the children live for their work."""
    with Client("memory://") as client, client.run("crash", capture=False) as run:
        run.use(client.dataset("crash", [{"n": 1}]))
        client.load_model(run.log_model("alpha", {"weights": 1}).ref)
        client.models["alpha"].promote(1, reason="loads the rest")
        client.upkeep.collect()


def _kill_after(url: str, folder: Path, notes: Path, seed: int, chance: random.Random) -> None:
    """Let a child work until it has said so many things, and kill it in the middle of what it does next."""
    child = os.fork()
    if child == 0:
        be_child(url, folder, notes, seed)
    wanted_bytes, deadline = chance.randint(1, LONGEST_NOTES), time.monotonic() + PATIENCE_S
    while not (notes.exists() and notes.stat().st_size >= wanted_bytes):
        assert time.monotonic() < deadline, f"no progress in {PATIENCE_S} s"
        time.sleep(0.001)
    # A publish takes some milliseconds, a commit less than one.
    time.sleep(chance.choice((0.0, 0.001, 0.02)) * chance.random())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def be_child(url: str, folder: Path, notes: Path, seed: int) -> None:
    """Run the workload in a forked child, which never returns."""
    try:
        os.chdir(folder)
        work(url, notes, seed)
    finally:
        # Never back into the loop of the parent, whose copy this process is.
        traceback.print_exc()
        os._exit(1)
