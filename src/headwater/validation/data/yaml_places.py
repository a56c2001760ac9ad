"""YAML whose every part knows where it stands, so that a fault is told with its line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from headwater.errors import InvalidError, MissingDependencyError

T = TypeVar("T")

_TRUTHS: Final = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a YAML file.

    Attributes:
        node: PyYAML's node.
        source: Name of the file.
        path: Keys that lead to it, such as `columns.delay.range`.
    """

    node: Any
    source: str
    path: str = ""

    def fail(self, problem: str) -> NoReturn:
        """Raise an InvalidError that names the place."""
        mark = self.node.start_mark
        where = f"{self.source}, line {mark.line + 1}, column {mark.column + 1}"
        raise InvalidError(f"{where}: {f'{self.path}: ' if self.path else ''}{problem}")

    @property
    def is_mapping(self) -> bool:
        """True of a mapping."""
        return self.node.id == "mapping"

    @property
    def is_list(self) -> bool:
        """True of a list."""
        return self.node.id == "sequence"

    def entries(self) -> dict[str, "Part"]:
        """Return the entries of a mapping.

        Raises:
            InvalidError: it is no mapping, or a key stands twice.
        """
        if not self.is_mapping:
            self.fail("must be a mapping of names to values")
        found: dict[str, Part] = {}
        for key, value in self.node.value:
            name = Part(key, self.source, self.path).text()
            if name in found:
                Part(key, self.source, self.path).fail(f"{name!r} stands twice")
            found[name] = Part(value, self.source, f"{self.path}.{name}" if self.path else name)
        return found

    def fields(self, known: tuple[str, ...]) -> dict[str, "Part"]:
        """Return the entries of a mapping that has only some keys.

        Raises:
            InvalidError: it has another one.
        """
        found = self.entries()
        for name, part in found.items():
            if name not in known:
                part.fail(f"there is no {name!r} here; there is {', '.join(known)}")
        return found

    def parts(self) -> list["Part"]:
        """Return the parts of a list.

        Raises:
            InvalidError: it is none.
        """
        if not self.is_list:
            self.fail("must be a list")
        return [Part(node, self.source, f"{self.path}[{i}]") for i, node in enumerate(self.node.value)]

    def text(self) -> str:
        """Return a scalar as it is written, whatever YAML takes it for: `NO` is a country, too.

        Raises:
            InvalidError: it is a list or mapping, or nothing.
        """
        if self.node.id != "scalar":
            self.fail("must be a single value")
        if self.node.tag.endswith(":null") and self.node.style is None and self.node.value in {"", "~"}:
            self.fail("has no value")
        return self.node.value

    def number(self) -> float:
        """Return a number.

        Raises:
            InvalidError: it is none, or not finite.
        """
        text = self.text()
        try:
            number = float(text)
        except ValueError:
            self.fail(f"must be a number, not {text!r}")
        if not abs(number) < float("inf"):
            self.fail(f"must be a finite number, not {text}")
        return number

    def truth(self) -> bool:
        """Return true or false.

        Raises:
            InvalidError: it is neither.
        """
        text = self.text()
        if text.lower() not in _TRUTHS:
            self.fail(f"must be true or false, not {text!r}")
        return _TRUTHS[text.lower()]

    def one_of(self, kinds: Callable[[str], T], known: tuple[str, ...]) -> T:
        """Return one of some words as what it stands for.

        Raises:
            InvalidError: it is another word.
        """
        text = self.text()
        if text not in known:
            self.fail(f"must be one of {', '.join(known)}, not {text!r}")
        return kinds(text)

    def made(self, make: Callable[..., T], **values: Any) -> T:
        """Make a value of what was read here; if it makes no sense, say where it stands.

        Raises:
            InvalidError: it makes no sense.
        """
        try:
            return make(**values)
        except InvalidError as error:
            self.fail(str(error))


def parse_yaml(text: str, *, source: str) -> Part:
    """Read a text.

    Raises:
        InvalidError: it is no YAML, or empty.
        MissingDependencyError: PyYAML is not installed.
    """
    yaml = load_yaml()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
        raise InvalidError(f"{where}: this is no YAML: {getattr(error, 'problem', None) or error}") from error
    if node is None:
        raise InvalidError(f"{source} is empty")
    return Part(node, source)


def load_yaml() -> Any:
    """Return PyYAML.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingDependencyError("pyyaml", "validation", "a schema file") from error
    return yaml
