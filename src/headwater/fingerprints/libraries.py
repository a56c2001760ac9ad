"""Which library an object comes from, told without importing any."""

import importlib
import importlib.util
from typing import Any


def library_of(value: object) -> str:
    """Return the top-level package that defines an object's class, or one of the classes that it extends.

    Example:
        >>> library_of(3)
        'builtins'
    """
    for cls in type(value).__mro__:
        package = cls.__module__.partition(".")[0]
        if package in {"pandas", "polars", "pyarrow", "numpy"}:
            return package
    return type(value).__module__.partition(".")[0]


def class_of(value: object) -> str:
    """Return the name of the class, or of the nearest one above it that a known library defines."""
    library = library_of(value)
    names = (c.__name__ for c in type(value).__mro__ if c.__module__.partition(".")[0] == library)
    return next(names, type(value).__name__)


def load(name: str) -> Any:
    """Import a library that has no types; call it only where one of its objects, or its use, is at hand."""
    return importlib.import_module(name)


def is_installed(name: str) -> bool:
    """Tell whether a library could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None
