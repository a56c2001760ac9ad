"""Finding code again: a pipeline by `FILE.py:NAME`, a step's function by its address."""

import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from traceback import extract_tb, format_exception_only
from types import ModuleType
from typing import Any, Final

from headwater.errors import InvalidError, NotFoundError, last_line
from headwater.pipelines.definitions import Address
from headwater.pipelines.pipeline import Definition

# Two threads that load one file at once would make two modules of it, with other classes each.
_LOADING: Final = threading.RLock()


def load_entry(entry: str) -> Any:
    """Return what `FILE.py:NAME` or `MODULE:NAME` names.

    The file's folder comes first in the search path, as with `python FILE.py`.

    Raises:
        InvalidError: the text has another form.
        NotFoundError: there is no such file, module or name.
    """
    place, mark, name = entry.rpartition(":")
    if not mark or not place or not name:
        raise InvalidError(
            f"{entry!r} does not name a pipeline: write FILE.py:NAME, such as flights.py:flights"
        )
    module = load_file(Path(place)) if place.endswith(".py") else _imported(place)
    return _named("pipeline", module, name, entry)


def load_function(address: Address) -> Any:
    """Return the object at an address.

    Raises:
        InvalidError: it was defined inside of a function, where nobody finds it.
        NotFoundError: its file or module is not there, or has no such name.
    """
    if "<locals>" in address.name:
        raise InvalidError(
            f"{address.name} is defined inside of a function, where other processes cannot find it: "
            "move it to the top of its module, or use threads"
        )
    module = load_file(Path(address.file)) if address.file else _imported(address.module)
    return _named("function", module, address.name, str(address))


def load_file(path: Path) -> ModuleType:
    """Load a file as a module of its own; a file that is loaded already is not run again.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: its code fails.
    """
    full = path.resolve()
    if not full.is_file():
        raise NotFoundError("file", str(path))
    with _LOADING:
        for module in list(sys.modules.values()):
            if _is_of(module, full):
                return module
        return _run(full)


def _run(full: Path) -> ModuleType:
    if str(full.parent) not in sys.path:
        sys.path.insert(0, str(full.parent))
    # A module of the same name, such as one of the standard library, keeps it.
    name = full.stem if full.stem not in sys.modules else f"{full.stem}@{full.parent}"
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise NotFoundError("Python file", str(full))
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__headwater_path__"] = str(full)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        # A file may raise anything, and its author looks for the line in it, not for those that load it.
        if isinstance(error, Exception):
            told = "".join(format_exception_only(error))
            raise InvalidError(f"{full.name}{_line_of(error, full)} fails: {last_line(told)}") from error
        raise
    return module


def _line_of(error: Exception, file: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.filename == str(file) else ""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {lines[-1]}," if lines else ""


def _is_of(module: Any, full: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.endswith(full.name) and Path(file).resolve() == full


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise NotFoundError("module", name) from error


def _named(kind: str, module: ModuleType, name: str, entry: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise NotFoundError(kind, entry, near=_pipelines_of(module)[:5])
    return found


def _pipelines_of(module: ModuleType) -> list[str]:
    definitions = ((key, getattr(value, "definition", None)) for key, value in vars(module).items())
    return [key for key, definition in definitions if isinstance(definition, Definition)]
