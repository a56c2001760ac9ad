"""Models to register, and one whose class can go away."""

import sys
from pathlib import Path
from types import ModuleType
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

    def __init__(self, monkeypatch) -> None:
        self._monkeypatch = monkeypatch
        self._module = ModuleType(MODULE)
        monkeypatch.setitem(sys.modules, MODULE, self._module)
        self._define(type("Scorer", (), {"__module__": MODULE, "__qualname__": "Scorer"}))

    def model(self) -> object:
        return self._module.Scorer()

    def take_class(self) -> None:
        del self._module.__dict__["Scorer"]

    def take_module(self) -> None:
        self._monkeypatch.delitem(sys.modules, MODULE)

    def break_loading(self) -> None:
        """Put a class of the same name in place whose objects cannot be made any more."""
        self._define(type("Scorer", (), {"__module__": MODULE, "__setstate__": None, "__new__": _refuse}))

    def _define(self, scorer: type) -> None:
        self._module.__dict__["Scorer"] = scorer


def _refuse(cls: type, *_: object) -> object:
    raise KeyError("weights")
