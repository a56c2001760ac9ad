"""Evaluations and judgements for people: text, Markdown and HTML from the same tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from headwater.model.values import Json
from headwater.model.verdicts import Outcome
from headwater.validation.model.estimates import Estimate
from headwater.validation.model.evaluation import Evaluation, Measure
from headwater.validation.model.judgements import Judgement

Row = Sequence[str]

_MARKS = {Outcome.PASS: "pass", Outcome.FAIL: "FAIL", Outcome.INSUFFICIENT: "not enough evidence"}
_COLOURS = {Outcome.PASS: "#1a7f37", Outcome.FAIL: "#cf222e", Outcome.INSUFFICIENT: "#9a6700"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A heading and rows of text."""

    head: Row
    rows: Sequence[Row]


def evaluation_table(evaluation: Evaluation) -> Table:
    """Return a row for each slice and metric, with intervals."""
    head = ["slice", "rows", "metric", "value"]
    if evaluation.has_baseline:
        head += ["baseline", "change"]
    return Table(head=head, rows=[_measure_row(evaluation, each) for each in evaluation.measures.values()])


def findings_table(judgement: Judgement) -> Table:
    """Return a row for each finding."""
    rows = [(_MARKS[each.outcome], each.text) for each in judgement.findings]
    rows += [("skipped", text) for text in judgement.skipped]
    return Table(head=("outcome", "finding"), rows=rows)


def evaluation_text(evaluation: Evaluation) -> str:
    """Return an evaluation as text in columns."""
    return text_table(evaluation_table(evaluation))


def evaluation_html(evaluation: Evaluation) -> str:
    """Return an evaluation as HTML."""
    return html_table(evaluation_table(evaluation))


def judgement_text(judgement: Judgement) -> str:
    """Return a judgement as text: the sentence, then the findings and the slices in columns."""
    parts = (_headline(judgement), text_table(findings_table(judgement)))
    return "\n\n".join((*parts, evaluation_text(judgement.evaluation)))


def judgement_markdown(judgement: Judgement) -> str:
    """Return a judgement as Markdown."""
    tables = (findings_table(judgement), evaluation_table(judgement.evaluation))
    return "\n\n".join((f"**{_headline(judgement)}**", *map(markdown_table, tables)))


def judgement_html(judgement: Judgement) -> str:
    """Return a judgement as HTML."""
    tables = (findings_table(judgement), evaluation_table(judgement.evaluation))
    headline = f"<p style='color:{_COLOURS[judgement.outcome]}'><b>{escape(_headline(judgement))}</b></p>"
    return "\n".join((headline, *map(html_table, tables)))


def text_table(table: Table) -> str:
    """Return a table in columns of even width."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(table: Table) -> str:
    """Return a table as Markdown."""
    rows = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def html_table(table: Table) -> str:
    """Return a table as HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table.rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _headline(judgement: Judgement) -> str:
    return f"Gate {judgement.gate.name}: {_MARKS[judgement.outcome]}. {judgement.summary}"


def _measure_row(evaluation: Evaluation, measure: Measure) -> Row:
    show = partial(_number, evaluation.confidence)
    found = [measure.slice, f"{measure.row_count:,}", measure.metric, show(measure.value, "")]
    if evaluation.has_baseline:
        found += [show(measure.baseline, ""), show(measure.change, "+")]
    return found


def _number(confidence: float, estimate: Estimate | None, sign: str) -> str:
    if estimate is None:
        return ""
    if not estimate.is_defined:
        return f"undefined ({estimate.why})" if estimate.why else "undefined"
    return estimate.shown(estimate.interval(confidence), sign=sign)


def measures_json(evaluation: Evaluation) -> list[dict[str, Json]]:
    """Return all measures with their intervals as JSON; None where a number is undefined."""
    level = evaluation.confidence
    return [
        {
            "slice": each.slice,
            "metric": each.metric,
            "rows": each.row_count,
            "value": _estimate_json(each.value, level),
            "baseline": _estimate_json(each.baseline, level),
            "change": _estimate_json(each.change, level),
        }
        for each in evaluation.measures.values()
    ]


def _estimate_json(estimate: Estimate | None, confidence: float) -> Json:
    if estimate is None:
        return None
    interval = estimate.interval(confidence)
    return {
        "value": estimate.value if estimate.is_defined else None,
        "interval": [interval.low, interval.high] if interval else None,
        "why_undefined": estimate.why or None,
    }
