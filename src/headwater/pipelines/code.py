"""The digest of a step's code: its syntax tree, and that of everything of the project that it uses.

Comments, formatting and docstrings make no difference. Of the step's own file only what the step uses
counts; of other files of the project the whole, and what they import in turn.
"""

import ast
import hashlib
import importlib.util
import inspect
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from headwater.errors import InvalidError
from headwater.model.syntax import parse_python
from headwater.tracking.reads import folders_of_code

T = TypeVar("T", bound=ast.AST)

_DIGITS: Final = 16
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Code:
    """Reads code, each file once; a file that changes while the process lives stays as it was loaded."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._trees: dict[Path, ast.Module | None] = {}
        self._digests: dict[Path, str] = {}
        self._found: dict[Callable[..., Any], dict[str, str]] = {}
        self._roots: dict[str, tuple[Path | None, list[Path]]] = {}
        self._foreign = (*folders_of_code(), f"{Path(importlib.__file__).parent}/")

    def pieces(self, function: Callable[..., Any]) -> dict[str, str]:
        """Return the digest of each piece of code that a function is made of.

        Returns:
            Digests by `FILE.py::NAME` for what stands in the function's own file, and by the
            path of the file for other files of the project.

        Raises:
            InvalidError: there is no source code.
        """
        with self._reading:
            if function not in self._found:
                self._found[function] = self._pieces(function)
            return self._found[function]

    def _pieces(self, function: Callable[..., Any]) -> dict[str, str]:
        own = _own_tree(function)
        module = sys.modules.get(function.__module__)
        file = Path(inspect.getsourcefile(function) or "<interactive>")
        found = {f"{file.name}::{function.__qualname__}": _digest(own)}
        tree = self._tree(file)
        bindings = _bindings(tree) if tree else {}
        modules: set[str] = set(_modules_of(own, _package(module)))
        waiting, seen = [*_names(own)], {function.__name__}
        while waiting:
            name = waiting.pop()
            if name in seen or name not in bindings:
                continue
            seen.add(name)
            for bound in bindings[name]:
                modules |= set(_modules_of(bound, _package(module)))
                if not isinstance(bound, ast.Import | ast.ImportFrom):
                    found[f"{file.name}::{name}"] = _digest(bound)
                    waiting += _names(bound)
        return found | self._files(modules, own=file, package=_package(module))

    def _files(self, modules: set[str], *, own: Path, package: str) -> dict[str, str]:
        found: dict[str, str] = {}
        waiting, seen = sorted(modules), set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            file = self._project_file(name, package)
            if file is None or file == own.resolve() or (tree := self._tree(file)) is None:
                continue
            if file not in self._digests:
                self._digests[file] = _digest(tree)
            found[name] = self._digests[file]
            waiting += _modules_of(tree, name if file.name == "__init__.py" else name.rpartition(".")[0])
        return found

    def _project_file(self, name: str, package: str) -> Path | None:
        """Return the file of a module that is neither installed nor of Python; None for all others."""
        top, *rest = name.split(".")
        if top == "headwater" and name.rpartition(".")[0] != package:
            return None
        if top not in self._roots:
            self._roots[top] = _root(top)
        file, folders = self._roots[top]
        # Not by `find_spec`: for a part of a package that would run the package.
        for part in rest:
            file = _inside(folders, part)
            folders = [file.parent] if file is not None and file.name == "__init__.py" else []
        return None if file is None or str(file).startswith(self._foreign) else file.resolve()

    def _tree(self, file: Path) -> ast.Module | None:
        key = file.resolve()
        if key not in self._trees:
            try:
                self._trees[key] = _bare(parse_python(key.read_bytes()))
            except (OSError, SyntaxError):
                self._trees[key] = None
        return self._trees[key]


def _own_tree(function: Callable[..., Any]) -> ast.AST:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = parse_python(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise InvalidError(
            f"the source code of {function.__qualname__} cannot be read, so nobody can tell whether it "
            "changed: define it in a file"
        ) from error
    if isinstance(tree, _DEFINITIONS):
        # How a step is run (retries, time-out, …) is no part of what it makes.
        tree.decorator_list = [d for d in tree.decorator_list if not _is_step(d)]
    return _bare(tree)


def _is_step(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name == "step"


def _bindings(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Return the statements at the top of a module by the names that they bind."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _bound(statement):
            found.setdefault(name, []).append(statement)
    return found


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names):
            return [(each.asname or each.name).split(".")[0] for each in names]
        case ast.ImportFrom(names=names):
            return [each.asname or each.name for each in names]
        case _:
            stored = (
                n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            )
            return [node.id for node in stored]


def _names(tree: ast.AST) -> set[str]:
    return {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _modules_of(tree: ast.AST, package: str) -> list[str]:
    """Return the modules that some code imports; of `from a import b` both `a` and `a.b`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [part for each in node.names for part in _parents(each.name)]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            found += [
                *_parents(module),
                *(f"{module}.{each.name}" for each in node.names if each.name != "*"),
            ]
    return found


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _package(module: Any) -> str:
    return cast("str", getattr(module, "__package__", None) or "")


def _root(top: str) -> tuple[Path | None, list[Path]]:
    """Return the file of a top-level module, and the folders that its parts are in."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None, []
    if spec is None:
        return None, []
    file = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return file, [Path(folder) for folder in spec.submodule_search_locations or ()]


def _inside(folders: list[Path], part: str) -> Path | None:
    places = (place for folder in folders for place in (folder / part / "__init__.py", folder / f"{part}.py"))
    return next((place for place in places if place.is_file()), None)


def _digest(tree: ast.AST) -> str:
    text = ast.dump(tree).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def _bare(tree: T) -> T:
    """Take the docstrings away."""
    for node in ast.walk(tree):
        if isinstance(node, (*_DEFINITIONS, ast.Module)) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
