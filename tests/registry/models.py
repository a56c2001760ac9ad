"""Models to register, and one whose class can go away."""

import importlib
import sys
from pathlib import Path
from uuid import uuid4

from headwater.formats import choose_format

MODULE = "a_module_that_goes_away"


def saved(model: object, format: str, scratch: Path) -> Path:
    """Write a model to a new folder and return that."""
    folder = scratch / uuid4().hex
    folder.mkdir(parents=True)
    choose_format(model, format).save(model, folder)
    return folder


class Vanishing:
    """A model's class in a module that tests can take away, whole or in part."""

    def __init__(self, monkeypatch, folder: Path) -> None:
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
        self._file = folder / f"{MODULE}.py"
        self._write("class Scorer: pass")
        monkeypatch.delitem(sys.modules, MODULE, raising=False)
        monkeypatch.setitem(sys.modules, MODULE, importlib.import_module(MODULE))

    def model(self) -> object:
        return sys.modules[MODULE].Scorer()

    def take_class(self) -> None:
        self._write("")

    def take_module(self) -> None:
        self._file.unlink()

    def break_loading(self) -> None:
        """Put a class of the same name in place whose objects cannot be made any more."""
        self._write("class Scorer:\n    def __new__(cls):\n        raise KeyError('weights')")

    def hang(self) -> None:
        """Make the module one that is never done."""
        self._write("import time\ntime.sleep(600)")

    def crash(self) -> None:
        """Make the module one that takes its process with it."""
        self._write("import os\nos.abort()")

    def _write(self, source: str) -> None:
        self._file.write_text(source)
