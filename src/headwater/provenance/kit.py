"""What it takes to make a thing again, laid out in a folder, and what of it is missing."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.provenance.changes import plain
from headwater.provenance.wording import short


@dataclass(frozen=True, slots=True, kw_only=True)
class KitInput:
    """Data or a model that the run read.

    Attributes:
        name: What the run called it.
        ref: Its reference.
        path: Where its bytes are, from the kit's folder; None where they could not be had.
        source: Where it came from, in words or as an address.
    """

    name: str
    ref: str
    path: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What it takes to make a thing again, and whether all of it is there.

    Attributes:
        ref: What was made.
        maker: The run that made it.
        folder: Where everything lies.
        store: URL of the store that knows it, without its password.
        commit: The commit that lies under `code`; None where it could not be had.
        is_patched: The changes that were not committed are in it.
        command: What to run in `code`; empty where nobody knows.
        python: The Python that it ran on.
        packages: How many packages `requirements.txt` names.
        params: How many params `params.json` holds.
        inputs: What the run read, in its order.
        lacks: What is missing, in words.
    """

    ref: str
    maker: str
    folder: str
    store: str
    commit: str | None = None
    is_patched: bool = False
    command: Sequence[str] = ()
    python: str | None = None
    packages: int = 0
    params: int = 0
    inputs: Sequence[KitInput] = ()
    lacks: Sequence[str] = ()

    @property
    def is_complete(self) -> bool:
        """True when nothing is missing."""
        return not self.lacks

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return plain(self) | {"complete": self.is_complete}

    def markdown(self) -> str:
        """Return how to go on, as Markdown."""
        up = "../" if self.commit else ""
        steps = [
            f"export HEADWATER_STORE={shlex.quote(self.store)}",
            *(["cd code"] if self.commit else []),
            f"python -m venv {up}environment" + (f"   # it was {self.python}" if self.python else ""),
            f". {up}environment/bin/activate",
            *([f"pip install --requirement {up}requirements.txt"] if self.packages else []),
            *([shlex.join(self.command)] if self.command else []),
            f"headwater lineage diff {self.ref} NEW   # what is other than it was",
        ]
        data = [
            f"- `{each.path or each.source or 'nowhere'}`: {each.name}, {each.ref}" for each in self.inputs
        ]
        parts = [
            f"# To make {self.ref} again",
            f"It was made by {short(self.maker)}.",
            "\n".join(["```bash", *steps, "```"]),
            *(["What it read:", "\n".join(data)] if data else []),
            *(["What it was told is in `params.json`."] if self.params else []),
            *(["What is missing:", "\n".join(f"- {each}" for each in self.lacks)] if self.lacks else []),
        ]
        return "\n\n".join(parts) + "\n"

    def __str__(self) -> str:
        return self.markdown()
