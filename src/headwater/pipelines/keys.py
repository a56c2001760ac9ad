"""Cache keys: what a step's result depends on, each part with a digest of its own."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from headwater.model.values import Json

VERSION: Final = 1
"""Counts the ways in which keys were made; results under an older one are not reused."""
FIELDS: Final = ("code", "params", "inputs", "packages", "environment", "output", "version")


@dataclass(frozen=True, kw_only=True)
class CacheKey:
    """What a step's result depends on.

    Attributes:
        parts: For each of `FIELDS` the digest, or the short text, of each of its parts.
    """

    parts: Mapping[str, Mapping[str, str]]

    @cached_property
    def digest(self) -> str:
        """Digest of all fields: equal for calls that make the same."""
        return f"sha256:{digest_of(dict(self.fields))}"

    @cached_property
    def fields(self) -> dict[str, str]:
        """Digest of each field, in their order."""
        return {name: _digest_of_parts(tuple(self.parts.get(name, {}).items())) for name in FIELDS}

    def as_json(self) -> dict[str, Json]:
        """Return the parts as JSON, for a tag."""
        return {name: dict(self.parts[name]) for name in FIELDS if self.parts.get(name)}


def key_from(stored: object) -> CacheKey | None:
    """Return a key that `as_json` wrote; None for anything else."""
    if not isinstance(stored, dict):
        return None
    return CacheKey(parts={k: v for k, v in stored.items() if isinstance(v, dict)})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A part of a key that differs between two calls of a step.

    Attributes:
        field: One of `FIELDS`.
        part: Such as the file, parameter or variable; empty: all of the field.
        before: Its digest or text then; None: it was not there.
        after: The same now.
    """

    field: str
    part: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.field} {self.part} is new ({_short(self.after)})"
        if self.after is None:
            return f"{self.field} {self.part} is gone (was {_short(self.before)})"
        return f"{self.field} {self.part} changed: {_short(self.before)} → {_short(self.after)}"


def changes_between(before: CacheKey, after: CacheKey) -> list[FieldChange]:
    """Return the parts in which two keys differ, by field and part; empty when they are equal."""
    found: list[FieldChange] = []
    for name in FIELDS:
        old, new = before.parts.get(name, {}), after.parts.get(name, {})
        found += [
            FieldChange(field=name, part=part, before=old.get(part), after=new.get(part))
            for part in sorted(old.keys() | new.keys())
            if old.get(part) != new.get(part)
        ]
    return found


def digest_of(value: Json) -> str:
    """Return the SHA-256 of a value's canonical JSON, 64 hexadecimal digits.

    Example:
        >>> digest_of({"b": 1, "a": [1.0]}) == digest_of({"a": [1.0], "b": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(4096)
def _digest_of_parts(parts: tuple[tuple[str, str], ...]) -> str:
    # Code, packages and variables are the same for many calls.
    return digest_of(dict(parts))


def _short(text: str | None) -> str:
    return "" if text is None else text if len(text) <= 24 else f"{text[:20]}…"
