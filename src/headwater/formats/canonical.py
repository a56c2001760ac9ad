"""Equal bytes for equal models: a skops file without the addresses and times that it is written with."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, Final, cast

_SCHEMA: Final = "schema.json"
_ID: Final = "__id__"
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""


def make_canonical(path: Path) -> None:
    """Write a skops file again, with its objects and parts numbered in the order in which they are named.

    skops tells objects apart by their addresses in memory, and names parts after these, so that no two
    files of one model are the same. What is the same object stays the same one.
    """
    made = path.with_suffix(".canonical")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        schema = json.loads(old.read(_SCHEMA))
        numbers = _Numbers(set(old.namelist()) - {_SCHEMA})
        schema = numbers.renamed(schema)
        for name, number in numbers.parts.items():
            with old.open(name) as source, new.open(_entry(number), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
        new.writestr(_entry(_SCHEMA), json.dumps(schema, indent=2))
    made.replace(path)


class _Numbers:
    """Numbers objects and parts as they are met.

    Attributes:
        parts: New names by old ones.
    """

    def __init__(self, names: set[str]) -> None:
        self._names, self._ids = names, dict[int, int]()
        self.parts: dict[str, str] = {}

    def renamed(self, value: Any) -> Any:
        """Return a part of the schema with the new numbers and names."""
        match value:
            case dict():
                found = cast("dict[str, Any]", value)
                return {
                    key: self._id(each) if key == _ID else self.renamed(each) for key, each in found.items()
                }
            case list():
                return [self.renamed(each) for each in cast("list[Any]", value)]
            case str() if value in self._names:
                return self.parts.setdefault(value, f"{len(self.parts)}{Path(value).suffix}")
            case _:
                return value

    def _id(self, old: int) -> int:
        return self._ids.setdefault(old, len(self._ids))


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, date_time=_TIME)
