"""A difference as rows of a table."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from headwater.provenance.changes import (
    Change,
    CodeChange,
    ColumnChange,
    FileChange,
    MaterialChange,
    MetricChange,
    StepChange,
    ValueChange,
)
from headwater.provenance.difference import Difference
from headwater.provenance.wording import column_words, rows_words, short, signed

Row = dict[str, Any]
_SIGNS: Final = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~"}


def difference_rows(difference: Difference) -> list[Row]:
    """Return rows for people: one for each change, in the order of `SECTIONS`, then what is not known.

    Returns:
        Rows with `section`, `what`, `before`, `after` and `note`.
    """
    found = [_material(change) for change in difference.data]
    found += _code(difference.code)
    for section in ("params", "packages", "environment", "machine", "seeds"):
        found += _values(section, getattr(difference, section))
    found += [_signature(change) for change in difference.signature]
    found += _values("format", difference.format)
    found += [_metric(change) for change in difference.metrics]
    found += [_step(change) for change in difference.steps]
    found += [_row(each.section, "not known", note=each.why) for each in difference.unknown]
    return found


def _material(change: MaterialChange) -> Row:
    words = [rows_words(change), column_words(change.columns), _counted(change)]
    return _row(
        "data",
        change.name,
        change.before and change.before.ref,
        change.after and change.after.ref,
        "; ".join(word for word in words if word),
    )


def _counted(change: MaterialChange) -> str:
    rows = change.rows
    return f"by content {rows.added:,} rows added, {rows.removed:,} removed" if rows else ""


def _code(code: CodeChange) -> Iterator[Row]:
    if code.commit is not None:
        note = _files(code.files) or code.note or "no file differs"
        yield _row("code", "commit", short(code.commit.before), short(code.commit.after), note)
    if code.uncommitted:
        yield _row("code", "uncommitted changes", note=_files(code.uncommitted))
    yield from _values("code", code.program)


def _files(files: Sequence[FileChange]) -> str:
    return ", ".join(f"{_SIGNS[file.change]}{file.path}" for file in files)


def _values(section: str, changes: Sequence[ValueChange]) -> Iterator[Row]:
    return (_row(section, change.name, change.before, change.after) for change in changes)


def _signature(change: ColumnChange) -> Row:
    return _row("signature", f"{change.side}: {change.name}", change.before, change.after)


def _metric(change: MetricChange) -> Row:
    note = "" if change.difference is None else signed(change.difference)
    return _row("metrics", change.name, change.before, change.after, note)


def _step(change: StepChange) -> Row:
    step = change.step
    params = [f"{p.name}: {short(p.before)} to {short(p.after)}" for p in change.params]
    commit = change.commit
    words = params + ([f"commit {short(commit.before)} to {short(commit.after)}"] if commit else [])
    return _row(
        "steps",
        f"{step.name} {step.label or ''}".rstrip(),
        change.before and short(change.before.ref),
        change.after and short(change.after.ref),
        ", ".join(words),
    )


def _row(section: str, what: str, before: object = None, after: object = None, note: str = "") -> Row:
    return {"section": section, "what": what, "before": before, "after": after, "note": note}
