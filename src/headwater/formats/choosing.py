"""Which format saves or loads a model."""

import importlib.metadata
from pathlib import Path
from typing import Any, Final

from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.formats.builtin import JoblibFormat, PickleFormat, SkopsFormat
from headwater.formats.protocol import ModelFormat

ENTRY_POINTS: Final = "headwater.model_formats"


def model_formats() -> dict[str, ModelFormat]:
    """Return all formats by name, in the order in which they are tried: other packages' first.

    Raises:
        InvalidError: an entry point gives something that is no format, or takes the name of another.
    """
    formats = [_loaded(point) for point in importlib.metadata.entry_points(group=ENTRY_POINTS)]
    formats += [SkopsFormat(), JoblibFormat(), PickleFormat()]
    by_name = {f.name: f for f in formats}
    if len(by_name) < len(formats):
        raise InvalidError(f"two model formats of one name among {sorted(f.name for f in formats)}")
    return by_name


def choose_format(model: object, name: str | None = None) -> ModelFormat:
    """Return the format to save a model with.

    Args:
        model: What is to be saved.
        name: The format asked for; None takes the first that is made for such a model.

    Raises:
        NotFoundError: no format has that name.
        InvalidError: the format asked for cannot save such a model.

    Example:
        >>> choose_format({"weights": [1, 2]}).name
        'joblib'
    """
    formats = model_formats()
    if name is None:
        return next(f for f in formats.values() if f.can_save(model))
    chosen = _named(formats, name)
    if not chosen.can_save(model):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        fitting = ", ".join(f.name for f in formats.values() if f.can_save(model))
        raise InvalidError(f"the model format {name!r} does not save a {kind}; these do: {fitting}")
    return chosen


def load_model_folder(folder: Path, *, format_name: str, allow_unsafe: bool) -> Any:
    """Load a model from the folder that its format wrote.

    Args:
        folder: The folder, with bytes that were verified.
        format_name: Name of the format that wrote it.
        allow_unsafe: Let the files run code of their choice: only when you trust whoever saved the model.

    Raises:
        NotFoundError: no format has that name.
        RefusedError: loading would run code, and `allow_unsafe` is false.
        CorruptError: the files are missing or damaged.
    """
    chosen = _named(model_formats(), format_name)
    if not chosen.is_safe and not allow_unsafe:
        raise RefusedError(
            f"loading a model saved as {format_name!r} runs any code that its file names; if you trust "
            "whoever saved it, load it with allow_unsafe=True, or save it in a safe format such as 'skops'"
        )
    return chosen.load(folder, allow_unsafe=allow_unsafe)


def _named(formats: dict[str, ModelFormat], name: str) -> ModelFormat:
    if name not in formats:
        raise NotFoundError("model format", name, near=sorted(formats))
    return formats[name]


def _loaded(point: importlib.metadata.EntryPoint) -> ModelFormat:
    found = point.load()()
    if not isinstance(found, ModelFormat):
        raise InvalidError(f"entry point {point.name!r} of {ENTRY_POINTS} gives no model format")
    return found
