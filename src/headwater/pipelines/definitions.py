"""What a step is before anything runs: a function, where its code is, and how it is to be run."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from headwater.errors import InvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a step is to be run.

    Attributes:
        retries: How often it is tried again after a failure.
        backoff_s: Pause before the first new try, in seconds; it doubles each time, with some jitter.
        timeout_s: Longest time of one try, in seconds.
        environment: Environment variables that its result depends on.
        resources: What it takes while it runs; `cpus` is counted here, all else is handed to a cluster.
        cache: May be reused when the same code has run on the same inputs.
        version: Tells apart what its code cannot, such as the version of a service that it calls.
    """

    retries: int = 0
    backoff_s: float = 1.0
    timeout_s: float | None = None
    environment: tuple[str, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict[str, float])
    cache: bool = True
    version: str = ""

    def __post_init__(self) -> None:
        if self.retries < 0 or self.backoff_s < 0:
            raise InvalidError("retries and backoff_s must be 0 or more")
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise InvalidError(f"timeout_s must be positive, not {self.timeout_s}")
        if isinstance(self.environment, str):
            raise InvalidError(f"environment must be a tuple of names, such as ({self.environment!r},)")
        if any(amount < 0 for amount in self.resources.values()):
            raise InvalidError(f"resources must be 0 or more, not {dict(self.resources)}")

    @property
    def cpus(self) -> float:
        """Processors that it takes while it runs."""
        return self.resources.get("cpus", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a function can be found again, by another process.

    Attributes:
        module: Its module; for a program's main file that of the file's name.
        file: The file to load where no such module can be imported; None: import it.
        name: The function's qualified name.
    """

    module: str
    file: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.file or self.module}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFunction:
    """A step: a function with a name."""

    name: str
    function: Callable[..., Any]
    options: Options = Options()

    @property
    def signature(self) -> inspect.Signature:
        """The function's parameters."""
        return inspect.signature(self.function)

    @property
    def address(self) -> Address:
        """Where the function is; of a function inside another one nobody else can find it."""
        return address_of(self.function)


@lru_cache(1024)
def address_of(function: Callable[..., Any]) -> Address:
    """Return where a function is.

    A module that was loaded from a file by its path has no name that others could import.
    """
    module = sys.modules.get(function.__module__)
    spec = getattr(module, "__spec__", None)
    file = getattr(module, "__file__", None)
    if spec is None or getattr(spec, "name", "") != function.__module__ or is_loaded_by_path(module):
        path = str(Path(file).resolve()) if file else None
        name = Path(file).stem if file else function.__module__
        return Address(module=name, file=path, name=function.__qualname__)
    return Address(module=function.__module__, file=None, name=function.__qualname__)


def is_loaded_by_path(module: object) -> bool:
    """Tell whether `headwater.pipelines.loading` has loaded a module by the path of its file."""
    return bool(getattr(module, "__headwater_path__", None))
