"""What a way to save and load models can do."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from headwater.model.values import Json


@runtime_checkable
class ModelFormat(Protocol):
    """A way to save and load models; others add theirs under the entry point `headwater.model_formats`.

    The entry point names a class, or anything else that gives a format when
    called without arguments.
    """

    name: str
    is_safe: bool
    """True when loading runs no code that the files choose."""

    def can_save(self, model: object, /) -> bool:
        """Tell whether it is made for such a model. Called for every model: must not import libraries."""
        ...

    def save(self, model: object, folder: Path, /) -> None:
        """Write the model below an empty folder."""
        ...

    def load(self, folder: Path, /, *, allow_unsafe: bool) -> object:
        """Read a model back.

        Args:
            folder: What `save` wrote.
            allow_unsafe: The caller trusts whoever wrote it. A format that is not safe is never asked
                to load without.
        """
        ...

    def facts(self, model: object, /) -> dict[str, Json]:
        """Describe the model and the versions of the libraries that load it."""
        ...
