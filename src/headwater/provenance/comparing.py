"""Comparing two histories. Pure: what only a repository or the bytes can tell comes in as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headwater.provenance.changes import (
    CodeChange,
    ColumnChange,
    FileChange,
    MaterialChange,
    MetricChange,
    RowChange,
    StepChange,
    ValueChange,
)
from headwater.provenance.difference import Difference
from headwater.provenance.gaps import captured_by, compared_of, unknown_of
from headwater.provenance.history import Columns, History, Material, Step
from headwater.provenance.pairs import pairs_of
from headwater.provenance.value_changes import (
    column_changes,
    flat,
    is_equal,
    names_of_both,
    patch_changes,
    value_changes,
)

ENVIRONMENT: Final = ("python_version", "lock_file", "lock_digest")
PROGRAM: Final = ("entry_point", "arguments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a comparison cannot know from two histories.

    Attributes:
        files: Files that differ between the two commits.
        why_no_files: Why nobody could tell them.
        rows: Rows that differ, by the ids of two data versions.
    """

    files: Sequence[FileChange] = ()
    why_no_files: str | None = None
    rows: Mapping[tuple[int, int], RowChange] | None = None


def compare(before: History, after: History, evidence: Evidence | None = None) -> Difference:
    """Tell what differs between two histories.

    A thing compared with itself gives an empty difference, and comparing the other way round
    gives the mirrored one.

    Args:
        before: The first history.
        after: The second history.
        evidence: What a repository and the bytes have told about these two.
    """
    known = evidence or Evidence()
    one, two = before.maker, after.maker
    first, second = captured_by(one), captured_by(two)
    return Difference(
        before=before.ref,
        after=after.ref,
        data=material_changes(before, after, known.rows or {}),
        code=_code(one, two, known),
        params=value_changes(before.params, after.params),
        packages=_packages(one, two),
        environment=_both_known(first, second, ENVIRONMENT),
        machine=_both_known(flat(first, "machine", "threads"), flat(second, "machine", "threads")),
        seeds=value_changes(flat(first, "seeds"), flat(second, "seeds")),
        signature=_signature(before.signature, after.signature),
        format=value_changes(before.format, after.format) if before.format and after.format else (),
        metrics=_metrics(before.metrics, after.metrics),
        steps=_steps(before.steps, after.steps),
        unknown=unknown_of(before, after),
        compared=compared_of(before, after),
    )


def material_changes(
    before: History, after: History, rows: Mapping[tuple[int, int], RowChange]
) -> tuple[MaterialChange, ...]:
    """Compare what two things were made from, and the two themselves if they are data."""
    found: list[MaterialChange] = []
    one, two = before.subject, after.subject
    if one and two and "data" in (one.kind, two.kind) and not _is_same_material(one, two):
        found.append(_material_change(one, two, rows))
    pairs = pairs_of(before.materials, after.materials, lambda m: (m.kind, m.name), _is_same_material)
    found += [_material_change(left, right, rows) for left, right in pairs]
    return tuple(found)


def _code(before: Step | None, after: Step | None, known: Evidence) -> CodeChange:
    if before is None or after is None:
        return CodeChange()
    program = _both_known(before.captured, after.captured, PROGRAM)
    uncommitted = patch_changes(before.patch, after.patch)
    if before.commit is None or after.commit is None or before.commit == after.commit:
        return CodeChange(uncommitted=uncommitted, program=program)
    return CodeChange(
        commit=ValueChange(name="commit", before=before.commit, after=after.commit),
        files=tuple(known.files),
        uncommitted=uncommitted,
        program=program,
        note=known.why_no_files,
    )


def _packages(before: Step | None, after: Step | None) -> tuple[ValueChange, ...]:
    if before is None or after is None or before.packages is None or after.packages is None:
        return ()
    return value_changes(before.packages, after.packages)


def _both_known(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str] | None = None
) -> tuple[ValueChange, ...]:
    """Compare what is recorded of both."""
    chosen = [n for n in (names or names_of_both(before, after)) if n in before and n in after]
    return value_changes({n: before[n] for n in chosen}, {n: after[n] for n in chosen})


def _signature(
    before: Mapping[str, Columns] | None, after: Mapping[str, Columns] | None
) -> tuple[ColumnChange, ...]:
    if before is None or after is None:
        return ()
    return tuple(
        change
        for side in names_of_both(before, after)
        for change in column_changes(before.get(side, ()), after.get(side, ()), side)
    )


def _metrics(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[MetricChange, ...]:
    return tuple(
        MetricChange(name=name, before=before.get(name), after=after.get(name))
        for name in names_of_both(before, after)
        if not is_equal(before.get(name), after.get(name))
    )


def _steps(before: Sequence[Step], after: Sequence[Step]) -> tuple[StepChange, ...]:
    pairs = pairs_of(before, after, lambda step: (step.name, step.label or ""), _is_same_step)
    return tuple(_step_change(left, right) for left, right in pairs)


def _step_change(before: Step | None, after: Step | None) -> StepChange:
    if before is None or after is None:
        return StepChange(before=before, after=after)
    return StepChange(
        before=before,
        after=after,
        params=value_changes(before.params, after.params),
        commit=_commit_change(before, after),
    )


def _commit_change(before: Step, after: Step) -> ValueChange | None:
    if before.commit == after.commit:
        return None
    return ValueChange(name="commit", before=before.commit, after=after.commit)


def _material_change(
    before: Material | None, after: Material | None, rows: Mapping[tuple[int, int], RowChange]
) -> MaterialChange:
    if before is None or after is None:
        return MaterialChange(before=before, after=after)
    columns = column_changes(before.columns, after.columns)
    return MaterialChange(before=before, after=after, columns=columns, rows=rows.get((before.id, after.id)))


def _is_same_material(one: Material, two: Material) -> bool:
    return one.id == two.id or (one.digest is not None and one.digest == two.digest)


def _is_same_step(one: Step, two: Step) -> bool:
    return one.id == two.id or (
        not value_changes(one.params, two.params) and _commit_change(one, two) is None
    )
