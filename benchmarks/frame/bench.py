"""What a benchmark is, and what it is given to work with."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frame.results import Curve, Fact, Result, Target
from benchmarks.frame.turns import Arm, take_turns
from tests.servers import NoServerError, Servers

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".bench-cache"
"""Where data sets stay between runs; ignored by git."""


class SkippedError(Exception):
    """This cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One claim.

    Attributes:
        name: Its file's name.
        summary: What is compared, in one line.
        run: Measures; each result is printed as it comes.
    """

    name: str
    summary: str
    run: Callable[["Bench"], Iterator[Result | Fact | Curve]]


class Bench:
    """The size of the measurement, and where to work."""

    def __init__(
        self, name: str, *, is_quick: bool, counts_processor: bool, scratch: Path, servers: Servers
    ) -> None:
        self.name, self.is_quick, self.counts_processor = name, is_quick, counts_processor
        self._scratch, self._servers = scratch, servers

    def size(self, full: int, quick: int) -> int:
        """Return how much to do: `full`, or `quick` in a smoke test."""
        return quick if self.is_quick else full

    def compare(
        self,
        work: str,
        peer: str,
        *,
        ours: Arm,
        theirs: Arm,
        target: Target | None = None,
        repeats: int = 7,
        warm_ups: int = 1,
        unit: str = "s",
        note: str = "",
    ) -> Result:
        """Let two arms take turns and return what came of it."""
        costs = take_turns([ours, theirs], repeats=self.size(repeats, 1), warm_ups=self.size(warm_ups, 0))
        return self.result(work, peer, *costs, target=target, unit=unit, note=note)

    def result(
        self,
        work: str,
        peer: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        *,
        target: Target | None = None,
        unit: str = "s",
        note: str = "",
    ) -> Result:
        """Return costs that were measured elsewhere, index-aligned, as a result."""
        return Result(
            benchmark=self.name,
            work=work,
            peer=peer,
            ours=ours,
            theirs=theirs,
            target=target,
            unit=unit,
            note=note,
        )

    def fact(self, work: str, seen: str, *, target: str = "", is_met: bool | None = None) -> Fact:
        """Return something that was seen and has no peer."""
        return Fact(benchmark=self.name, work=work, seen=seen, target=target, is_met=is_met)

    @contextmanager
    def folder(self) -> Generator[Path]:
        """Make an empty folder that goes at the end."""
        path = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def cached(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a file that is made once and kept; smoke tests make their own."""
        home = self._scratch if self.is_quick else CACHE
        path = home / name
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{path.name}.unfinished")
            for left in home.glob(f"{unfinished.name}*"):
                left.unlink()
            make(unfinished)
            unfinished.rename(path)
        return path

    @contextmanager
    def database(self, kind: str) -> Generator[str]:
        """Make an empty database of one kind and yield its URL; it is dropped at the end."""
        if kind == "sqlite":
            with self.folder() as folder:
                yield f"sqlite:///{folder / 'store.db'}"
            return
        try:
            server = self._servers.postgresql() if kind == "postgresql" else self._servers.mysql()
        except NoServerError as why:
            raise SkippedError(str(why)) from why
        with server.fresh() as url:
            yield url
