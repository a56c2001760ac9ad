"""A store with a data set, on which the pipelines of `shapes` run, and what a run left in it."""

from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.pipelines.events import PipelineResult
from headwater.pipelines.history import attempts_of, newest, products_of
from headwater.sdk import Client
from headwater.sdk.pipelines import Pipeline
from tests.pipelines import hooks
from tests.pipelines.shapes import SHAPES

DATA = [{"x": 1}, {"x": 2}, {"x": 3}]
MORE_DATA = [{"x": 1}, {"x": 2}, {"x": 3}, {"x": 5}]
LAST = {"diamond": "merge"}
"""The step at the end of each shape; of all others it is `end`."""


@dataclass(slots=True)
class Scene:
    """One store, and what steps are told to do in it."""

    client: Client
    url: str
    control: Path
    shape: str
    executor: str | Executor
    events: list[Any] = field(default_factory=list)

    @classmethod
    def open(cls, url: str, folder: Path, *, shape: str = "linear", executor: str | Executor = "threads"):
        control = folder / "control"
        control.mkdir()
        client = Client(url, actor="ann@desk")
        client.dataset("seed", DATA)
        return cls(client, url, control, shape, executor)

    @property
    def last(self) -> str:
        return LAST.get(self.shape, "end")

    def params(self, **more: Any) -> dict[str, Any]:
        return {"data": "data/seed", "control": str(self.control), **more}

    def run(self, pipeline: Pipeline | None = None, *, raises: bool = True, **more: Any) -> PipelineResult:
        options = {name: more.pop(name) for name in ("cache", "resume", "wait", "run_name") if name in more}
        return self.client.pipelines.start(
            pipeline or SHAPES[self.shape],
            self.params(**more),
            executor=self.executor,
            raises=raises,
            listen=self.events.append,
            **options,
        )

    def resume(self, ref: str = "", **more: Any) -> PipelineResult:
        return self.client.pipelines.resume(
            ref or f"{SHAPES[self.shape].name}/1", executor=self.executor, listen=self.events.append, **more
        )

    def made(self, run: str = "1") -> dict[str, Any]:
        """Return the digests of all that a run has made, by step."""
        found = self.client.pipelines.run(f"{SHAPES[self.shape].name}/{run}")
        attempts = [a for a in newest(attempts_of(self.client.store, found.run.id)).values() if a.is_done]
        products = products_of(self.client.session, [a.execution for a in attempts])
        return {
            str(a.slot): tuple(stored.digest for stored in products[a.execution.id].outputs)
            for a in attempts
            if a.key is not None
        }

    def completions(self, run: str = "1") -> Counter[str]:
        """Return how often each step of a run has come to its end."""
        found = self.client.pipelines.run(f"{SHAPES[self.shape].name}/{run}")
        attempts = attempts_of(self.client.store, found.run.id)
        return Counter(str(a.slot) for a in attempts if a.is_done and a.key is not None)

    def calls(self) -> Counter[str]:
        return hooks.calls(self.control)

    def trap(self, kind: str, step: str = "middle") -> None:
        hooks.set_trap(self.control, kind, step)

    def close(self) -> None:
        hooks.release(self.control)
        self.client.close()
