"""Holding what was measured against a gate."""

from collections.abc import Iterator, Sequence

from headwater.errors import InvalidError
from headwater.model.verdicts import Outcome
from headwater.validation.model.estimates import Estimate, gap, worst
from headwater.validation.model.evaluation import Evaluation, Measure
from headwater.validation.model.gates import Across, Check, Gate, Small
from headwater.validation.model.judgements import Finding, Judgement
from headwater.validation.model.limits import Limit


def hold(gate: Gate, evaluation: Evaluation, *, why_no_baseline: str = "no baseline was given") -> Judgement:
    """Hold an evaluation against a gate. What the gate asks for and the evaluation lacks is a fail.

    Args:
        gate: The gate.
        evaluation: What was measured.
        why_no_baseline: Why there is nothing to compare with, if so.

    Raises:
        InvalidError: the evaluation is of another task.
    """
    if gate.plan.task is not evaluation.task:
        raise InvalidError(f"the gate is for {gate.plan.task}, the evaluation of {evaluation.task}")
    findings, skipped = list[Finding](), list[str]()
    is_first = not evaluation.has_baseline
    for check in gate.checks:
        for finding in _check(gate, check, evaluation, skipped, is_first=is_first):
            findings.append(finding)
    stamp = f"{why_no_baseline}, so no change was looked at" if is_first and gate.compares else ""
    if is_first and gate.forbids_first:
        findings.append(
            Finding(
                metric="",
                slice="",
                kind="absolute",
                outcome=Outcome.INSUFFICIENT,
                text=f"{why_no_baseline}, and the gate forbids a first version",
            )
        )
    outcomes = {each.outcome for each in findings}
    order = (Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.PASS)
    return Judgement(
        gate=gate,
        evaluation=evaluation,
        # A gate with nothing but changes, and nothing to compare with, is the rubber stamp.
        outcome=next((each for each in order if each in outcomes), Outcome.PASS),
        findings=tuple(findings),
        skipped=tuple(dict.fromkeys(skipped)),
        rubber_stamp=stamp,
    )


def _check(
    gate: Gate, check: Check, evaluation: Evaluation, skipped: list[str], *, is_first: bool
) -> Iterator[Finding]:
    large = list[Measure]()
    for spec in check.slices:
        found = evaluation.on(spec, check.metric)
        wanted = evaluation.slices.get(spec, ())
        if not found or len(found) < len(wanted):
            yield _absent(check, spec, evaluation)
        for measure in found:
            if measure.row_count >= _min_rows(gate, check):
                large.append(measure)
            elif gate.on_small is Small.SKIP:
                skipped.append(f"{measure.slice} has {measure.row_count:,} rows")
            else:
                yield _small(gate, check, measure)
    if not large:
        if any(evaluation.on(spec, check.metric) for spec in check.slices):
            yield _unproven(check, ", ".join(check.slices), "every slice has too few rows")
        return
    for measure in _combined(gate, check, large):
        yield from _limits(gate, check, measure, is_first=is_first)


def _min_rows(gate: Gate, check: Check) -> int:
    return gate.min_rows if check.min_rows is None else check.min_rows


def _combined(gate: Gate, check: Check, measures: Sequence[Measure]) -> list[Measure]:
    """Return what is held against the limits: each slice, or one number of all of them."""
    if check.across is Across.EACH:
        return [*measures]
    sides = [[each.value for each in measures]]
    if all(each.baseline is not None for each in measures):
        sides.append([each.baseline for each in measures if each.baseline is not None])
    if check.across is Across.GAP:
        found = [gap(side) for side in sides]
    else:
        found = [worst(side, higher_is_better=gate.direction(check)) for side in sides]
    return [
        Measure(
            slice=f"{check.across} of {', '.join(check.slices)}",
            metric=check.metric,
            row_count=min(each.row_count for each in measures),
            value=found[0],
            baseline=found[1] if len(found) > 1 else None,
        )
    ]


def _limits(gate: Gate, check: Check, measure: Measure, *, is_first: bool) -> Iterator[Finding]:
    confidence = gate.plan.confidence
    if check.lower is not None or check.upper is not None:
        own = Limit(kind="value", number=measure.value, lower=check.lower, upper=check.upper)
        yield own.finding(check, measure, confidence)
    if is_first or not check.compares:
        return
    baseline = measure.baseline or Estimate.undefined("the baseline was not measured there")
    changes = (
        ("absolute", check.absolute, measure.value.minus(baseline)),
        ("relative", check.relative, measure.value.relative_to(baseline)),
    )
    for kind, end, change in changes:
        if end is not None:
            lower, upper = (end, None) if gate.direction(check) else (None, end)
            limit = Limit(kind=kind, number=change, lower=lower, upper=upper)
            yield limit.finding(check, measure, confidence)


def _absent(check: Check, spec: str, evaluation: Evaluation) -> Finding:
    why = evaluation.missing.get(spec) or evaluation.missing.get(check.metric) or "it was not measured"
    return Finding(
        metric=check.metric,
        slice=spec,
        kind="value",
        outcome=Outcome.FAIL,
        text=f"{check.metric} on {spec} is missing: {why}",
    )


def _small(gate: Gate, check: Check, measure: Measure) -> Finding:
    why = f"it has {measure.row_count:,} rows, {_min_rows(gate, check):,} are needed"
    return _unproven(check, measure.slice, why, row_count=measure.row_count)


def _unproven(check: Check, where: str, why: str, *, row_count: int | None = None) -> Finding:
    return Finding(
        metric=check.metric,
        slice=where,
        kind="value",
        outcome=Outcome.INSUFFICIENT,
        text=f"{check.metric} on {where} is not proven: {why}",
        row_count=row_count,
    )
