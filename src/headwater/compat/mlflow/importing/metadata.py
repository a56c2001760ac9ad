"""Files of MLflow's folders: `meta.yaml`, and small files that are a value under a name."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from headwater.compat.mlflow.importing.files import files_below
from headwater.errors import InvalidError, MissingDependencyError

META: Final = "meta.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The fields of a `meta.yaml`.

    Attributes:
        path: Of the file.
        fields: As YAML has them.
    """

    path: Path
    fields: Mapping[str, Any]

    def text(self, *names: str) -> str:
        """Return a text, under the first of its names that is there.

        Raises:
            InvalidError: it is under none of them, or is no text.
        """
        found = next((self.fields[name] for name in names if self.fields.get(name) is not None), None)
        # YAML takes an unquoted number for one, which names and ids may be.
        if isinstance(found, bool) or not isinstance(found, str | int):
            raise InvalidError(f"{self.path}: {names[0]} is {found!r}, not a text")
        return str(found)

    def text_or_none(self, *names: str) -> str | None:
        """Return a text; None where there is none, as in `text`."""
        return self.text(*names) if any(self.fields.get(name) is not None for name in names) else None

    def number(self, *names: str) -> int:
        """Return a whole number, under the first of its names that is there.

        Raises:
            InvalidError: it is under none of them, or is no number.
        """
        text = self.text(*names)
        try:
            return int(text)
        except ValueError as error:
            raise InvalidError(f"{self.path}: {names[0]} is {text!r}, not a number") from error

    def number_or_none(self, *names: str) -> int | None:
        """Return a whole number; None where there is none, as in `number`."""
        return self.number(*names) if any(self.fields.get(name) is not None for name in names) else None

    def texts(self, name: str) -> dict[str, str]:
        """Return a field that is a mapping of texts; empty where there is none."""
        found: object = self.fields.get(name) or {}
        if not isinstance(found, dict):
            raise InvalidError(f"{self.path}: {name} is {found!r}, not a mapping")
        return {str(key): str(value) for key, value in cast("dict[object, object]", found).items()}


def read_metadata(folder: Path) -> Metadata:
    """Read the `meta.yaml` of a folder.

    Raises:
        InvalidError: it is not there, or is damaged.
        MissingDependencyError: there is nothing to read YAML with.
    """
    try:
        import yaml
    except ImportError as missing:
        raise MissingDependencyError("pyyaml", "mlflow", "reading a folder of MLflow's") from missing
    path = folder / META
    try:
        # MLflow writes with the loader's C twin; both refuse to make objects.
        fields = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidError(f"{path} is damaged: {' '.join(str(error).split())}") from error
    if not isinstance(fields, dict):
        raise InvalidError(f"{path} is damaged: it holds no fields")
    return Metadata(path=path, fields=cast("dict[str, Any]", fields))


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, by name; none where it is not there."""
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def read_values(folder: Path, damaged: list[str]) -> dict[str, str]:
    """Return the texts of the files below a folder by their paths; links are left out.

    Args:
        folder: Need not be there.
        damaged: Told of files that hold no text.
    """
    found: dict[str, str] = {}
    for name, path in files_below(folder):
        with noted(damaged):
            found[name] = read_text(path)
    return found


def read_text(path: Path) -> str:
    """Return a file's text, its line ends as they are.

    Raises:
        InvalidError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"{path} is damaged: it is no UTF-8") from error


@contextmanager
def noted(damaged: list[str]) -> Generator[None]:
    """Note what a file is damaged in, and go on after it."""
    try:
        yield
    except InvalidError as error:
        damaged.append(str(error))
