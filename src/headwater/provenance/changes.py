"""What changed between two histories, each kind of change as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Self, cast

from headwater.model.values import Json
from headwater.provenance.history import Material, Step


class Change(Enum):
    """How something differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"

    @property
    def mirrored(self) -> "Change":
        """The change seen from the other side."""
        return {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}.get(self, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """A value under a name; None where there is none."""

    name: str
    before: Json = None
    after: Json = None

    @property
    def change(self) -> Change:
        """How it differs."""
        return _kind(self.before, self.after)

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(name=self.name, before=self.after, after=self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """A number under a name; None where there is none."""

    name: str
    before: float | None = None
    after: float | None = None

    @property
    def difference(self) -> float | None:
        """`after` less `before`; None unless both are there."""
        return None if self.before is None or self.after is None else self.after - self.before

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(name=self.name, before=self.after, after=self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """A column of a table, or of a side of a signature; a type of None where it is not there."""

    name: str
    before: str | None = None
    after: str | None = None
    side: str = ""
    """`inputs` or `outputs` in a signature."""

    @property
    def change(self) -> Change:
        """How it differs: `changed` is another type."""
        return _kind(self.before, self.after)

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(name=self.name, before=self.after, after=self.before, side=self.side)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """How many rows of one table are not in the other, by content; equal rows each count."""

    added: int
    removed: int

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(added=self.removed, removed=self.added)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialChange:
    """Something that only one of two things was made from, or another version of it that the other was.

    Attributes:
        before: What the first one was made from; None when it is added.
        after: What the second one was made from; None when it is removed.
        columns: Columns that differ, where both are known.
        rows: Rows that differ, where somebody counted them.
    """

    before: Material | None
    after: Material | None
    columns: tuple[ColumnChange, ...] = ()
    rows: RowChange | None = None

    @property
    def name(self) -> str:
        """What both are versions of."""
        one = self.after or self.before
        assert one
        return one.name

    @property
    def change(self) -> Change:
        """How it differs: `changed` is another version."""
        return _kind(self.before, self.after)

    @property
    def row_difference(self) -> int | None:
        """Rows of the second one less those of the first; None unless both are known."""
        before, after = self.before and self.before.row_count, self.after and self.after.row_count
        return None if before is None or after is None else after - before

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(
            before=self.after,
            after=self.before,
            columns=tuple(column.mirrored() for column in self.columns),
            rows=self.rows and self.rows.mirrored(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file of the code."""

    path: str
    change: Change

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(path=self.path, change=self.change.mirrored)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChange:
    """What differs in the code.

    Attributes:
        commit: The commits, when they differ.
        files: What changed between them, where a repository told.
        uncommitted: Files whose uncommitted changes differ.
        program: Entry point and arguments.
        note: Why `files` is empty although the commits differ.
    """

    commit: ValueChange | None = None
    files: tuple[FileChange, ...] = ()
    uncommitted: tuple[FileChange, ...] = ()
    program: tuple[ValueChange, ...] = ()
    note: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        return self.commit is None and not (self.uncommitted or self.program)

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(
            commit=self.commit and self.commit.mirrored(),
            files=tuple(file.mirrored() for file in self.files),
            uncommitted=tuple(file.mirrored() for file in self.uncommitted),
            program=tuple(value.mirrored() for value in self.program),
            note=self.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """A step further up that only one history has, or that ran otherwise in the other.

    Attributes:
        before: The step in the first history; None when it is added.
        after: The step in the second history; None when it is removed.
        params: Params that differ between the two.
        commit: Their commits, when they differ.
    """

    before: Step | None
    after: Step | None
    params: tuple[ValueChange, ...] = ()
    commit: ValueChange | None = None

    @property
    def step(self) -> Step:
        """The step, of two the second one."""
        one = self.after or self.before
        assert one
        return one

    @property
    def change(self) -> Change:
        """How it differs: `changed` is other params or another commit."""
        return _kind(self.before, self.after)

    def mirrored(self) -> Self:
        """Return the same change seen from the other side."""
        return type(self)(
            before=self.after,
            after=self.before,
            params=tuple(value.mirrored() for value in self.params),
            commit=self.commit and self.commit.mirrored(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that could not be compared, and why."""

    section: str
    why: str


def plain(value: Any) -> Any:
    """Return values that JSON has: a dataclass becomes an object of its fields, an enum its value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    match value:
        case Enum():
            return value.value
        case Mapping():
            return {str(key): plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple():
            return [plain(item) for item in cast("list[Any]", value)]
        case bytes():
            return value.hex()
        case _:
            return value


def _kind(before: object, after: object) -> Change:
    if before is None:
        return Change.ADDED
    return Change.REMOVED if after is None else Change.CHANGED
