"""A difference in plain English, for somebody who does not read code."""

from collections.abc import Iterator, Sequence

from headwater.provenance.changes import Change, CodeChange, MaterialChange, MetricChange, ValueChange
from headwater.provenance.difference import Difference, count_of
from headwater.provenance.wording import column_words, counted, listed, rows_words, short, signed


def difference_sentence(difference: Difference) -> str:
    """Say what differs, then what does not, then what nobody can tell."""
    parts = list(_parts(difference))
    if parts:
        first = f"{difference.after} differs from {difference.before}: {'; '.join(parts)}."
    else:
        first = f"Nothing that is recorded of {difference.after} and {difference.before} differs."
    return " ".join([first, *_rest(difference)])


def _parts(difference: Difference) -> Iterator[str]:
    own = [c for c in difference.data if c.after and c.after.ref == difference.after]
    yield from (_detail(change) for change in own if _detail(change))
    yield from _data([change for change in difference.data if change not in own])
    yield from _code(difference.code)
    if difference.params:
        yield f"with {_settings(difference.params)}"
    if difference.packages:
        yield f"other packages ({_packages(difference.packages)})"
    if difference.environment or difference.machine:
        yield f"another environment ({_settings((*difference.environment, *difference.machine))})"
    if difference.seeds:
        yield "another state of the random generators at the start"
    if difference.signature:
        yield f"another signature ({column_words(difference.signature)})"
    if difference.format:
        yield f"stored otherwise ({_settings(difference.format)})"
    if difference.steps:
        yield _steps(difference)
    if difference.metrics:
        yield listed([_metric(change) for change in difference.metrics], rest="metrics")


def _data(changes: Sequence[MaterialChange]) -> Iterator[str]:
    replaced = [change for change in changes if change.change is Change.CHANGED]
    if replaced:
        others = counted(len(replaced) - 1, "more input") if len(replaced) > 1 else ""
        yield "; ".join(part for part in (_replaced(replaced[0]), others and f"{others} replaced") if part)
    for kind, words in ((Change.ADDED, "made also from"), (Change.REMOVED, "no longer made from")):
        refs = [one.ref for c in changes if c.change is kind and (one := c.after or c.before)]
        if refs:
            yield f"{words} {listed(refs)}"


def _replaced(change: MaterialChange) -> str:
    assert change.before
    assert change.after
    shown = _detail(change)
    return f"made from {change.after.ref} instead of {change.before.ref}" + (f" ({shown})" if shown else "")


def _detail(change: MaterialChange) -> str:
    detail = [rows_words(change), column_words(change.columns)]
    if rows := change.rows:
        detail.append(f"by content {counted(rows.added, 'row')} added and {rows.removed:,} removed")
    return ", ".join(part for part in detail if part)


def _code(code: CodeChange) -> Iterator[str]:
    if code.commit is not None:
        files = f"{counted(len(code.files), 'file')} changed: {listed([f.path for f in code.files])}"
        shown = files if code.files else code.note or "no file differs"
        yield f"commit {short(code.commit.after)} instead of {short(code.commit.before)} ({shown})"
    if code.uncommitted:
        yield f"other uncommitted changes in {listed([f.path for f in code.uncommitted], rest='files')}"
    if code.program:
        yield f"another call ({_settings(code.program)})"


def _settings(changes: Sequence[ValueChange]) -> str:
    return listed([_setting(change) for change in changes])


def _setting(change: ValueChange) -> str:
    if change.before is None:
        return f"{change.name} {short(change.after)} added"
    if change.after is None:
        return f"no {change.name} (it was {short(change.before)})"
    return f"{change.name} {short(change.after)} instead of {short(change.before)}"


def _packages(changes: Sequence[ValueChange]) -> str:
    moved = [_setting(change) for change in changes if change.change is Change.CHANGED]
    counts = [
        f"{number} {kind.value}"
        for kind in (Change.ADDED, Change.REMOVED)
        if (number := sum(change.change is kind for change in changes))
    ]
    return ", ".join(part for part in (listed(moved), *counts) if part)


def _steps(difference: Difference) -> str:
    counts = [
        f"{number} {words}"
        for kind, words in (
            (Change.ADDED, "added"),
            (Change.REMOVED, "removed"),
            (Change.CHANGED, "with other params or code"),
        )
        if (number := count_of(difference.steps, kind))
    ]
    return f"other steps before it ({', '.join(counts)})"


def _metric(change: MetricChange) -> str:
    if change.before is None:
        return f"{change.name} is {short(change.after)}, which was not measured before"
    if change.after is None:
        return f"{change.name} was not measured; it was {short(change.before)}"
    gain = "" if change.difference is None else f" ({signed(change.difference)})"
    return f"{change.name} is {short(change.after)} instead of {short(change.before)}{gain}"


def _rest(difference: Difference) -> Iterator[str]:
    if difference.same:
        yield f"The same in both: {listed(difference.same, most=20)}."
    if difference.unknown:
        yield f"Not known: {listed([each.why for each in difference.unknown], most=4)}."
