"""Statistics and verdicts as HTML: everything escaped, nothing loaded from elsewhere, no scripts."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from headwater.model.verdicts import Outcome
from headwater.validation.data.anomalies import Anomaly, Severity
from headwater.validation.data.charts import chart
from headwater.validation.data.comparing import Distance
from headwater.validation.data.figures import figure_rows, number_text
from headwater.validation.data.schema import Schema
from headwater.validation.data.statistics import ColumnStatistics, Statistics
from headwater.validation.data.verdicts import DataVerdict

_STYLE: Final = """
.hw { font: 14px/1.45 system-ui, sans-serif; color: #1d2733; background: #fff; }
.hw h1 { font-size: 1.4em; margin: 0 0 .3em } .hw h2 { font-size: 1.1em; margin: 1.4em 0 .5em }
.hw h3 { font-size: 1em; margin: 0; overflow-wrap: anywhere } .hw p { margin: .3em 0 }
.hw .outcome { display: inline-block; padding: .1em .6em; border-radius: .3em; color: #fff; font-weight: 600 }
.hw .pass { background: #1b7a43 } .hw .fail { background: #b3261e } .hw .insufficient { background: #8a5a00 }
.hw ul { margin: .3em 0; padding-left: 1.2em } .hw li { margin: .4em 0; overflow-wrap: anywhere }
.hw .error { border-left: 3px solid #b3261e; padding-left: .6em; list-style: none }
.hw .warning { border-left: 3px solid #c98a00; padding-left: .6em; list-style: none }
.hw small, .hw .dim { color: #5b6775 }
.hw .columns { display: grid; gap: .8em;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20em), 1fr)) }
.hw .column { border: 1px solid #d5dbe3; border-radius: .4em; padding: .7em; min-width: 0 }
.hw .column.wrong { border-color: #b3261e }
.hw table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
.hw td { padding: 0 .4em 0 0; vertical-align: top; overflow-wrap: anywhere } .hw td + td { text-align: right }
.hw svg { width: 100%; height: auto; display: block; margin: .4em 0 }
.hw .key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .8em }
"""
_KEY: Final = (
    '<p class="key dim"><span style="background:#2f6fb5"></span>this table'
    '<span style="background:#e08a2b"></span>{}</p>'
)
_NAMES: Final = {"drift": "the version before", "skew": "what is served"}


def verdict_page(verdict: DataVerdict) -> str:
    """Return a verdict as a page of its own."""
    return _page(f"{verdict.subject}: {verdict.outcome}", verdict_html(verdict))


def statistics_page(measured: Statistics, *, title: str) -> str:
    """Return statistics as a page of their own."""
    return _page(title, _framed(f"<h1>{escape(title)}</h1>{_cards(measured)}{_slices(measured)}"))


def verdict_html(verdict: DataVerdict) -> str:
    """Return a verdict for a notebook: the outcome, what is wrong, and every column with its histograms."""
    head = (
        f"<h1>{escape(verdict.subject)} "
        f'<span class="outcome {verdict.outcome}">{escape(_word(verdict.outcome))}</span></h1>'
        f"<p>{escape(verdict.summary)}</p>"
    )
    return _framed(
        head
        + _anomalies(verdict.anomalies)
        + _plain_list("Not told", verdict.unjudged)
        + _cards(
            verdict.statistics,
            verdict.references,
            verdict.distances,
            wrong=frozenset(each.column for each in verdict.errors if each.column is not None),
        )
        + _slices(verdict.statistics)
    )


def statistics_html(measured: Statistics) -> str:
    """Return statistics for a notebook."""
    return _framed(_cards(measured) + _slices(measured))


def schema_html(schema: Schema) -> str:
    """Return a schema for a notebook: its file."""
    return _framed(f"<pre>{escape(schema.to_yaml())}</pre>")


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title></head><body style="margin:1em">{content}</body></html>\n'
    )


def _framed(content: str) -> str:
    return f'<div class="hw headwater"><style>{_STYLE}</style>{content}</div>'


def _anomalies(anomalies: Sequence[Anomaly]) -> str:
    if not anomalies:
        return ""
    return f"<h2>What is wrong</h2><ul>{''.join(_anomaly(each) for each in anomalies)}</ul>"


def _anomaly(each: Anomaly) -> str:
    kind = "error" if each.severity is Severity.ERROR else "warning"
    samples = f"<br><small>Such as: {escape(', '.join(each.samples))}</small>" if each.samples else ""
    proposal = ""
    if each.proposal is not None:
        proposal = f"<br><small>The schema would accept it with: {escape(str(each.proposal))}</small>"
    return (
        f'<li class="{kind}"><b>{escape(str(each))}</b> <small>({escape(each.kind)})</small>'
        f"<br>{escape(each.long)}{samples}{proposal}</li>"
    )


def _plain_list(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if lines else ""


def _cards(
    measured: Statistics,
    references: "dict[str, Statistics] | None" = None,
    distances: Sequence[Distance] = (),
    wrong: frozenset[str] = frozenset(),
) -> str:
    other, comparison = None, next(iter(references or {}), None)
    if references and comparison:
        other = references[comparison].by_name
    cards = [
        _card(
            column,
            other.get(column.name) if other else None,
            [d for d in distances if d.column == column.name],
            is_wrong=column.name in wrong,
        )
        for column in measured.columns
    ]
    key = _KEY.format(_NAMES[comparison]) if comparison else ""
    return (
        f"<h2>{measured.row_count:,} rows, {len(measured.columns)} columns</h2>{key}"
        f'<div class="columns">{"".join(cards)}</div>'
    )


def _card(
    column: ColumnStatistics,
    other: ColumnStatistics | None,
    distances: Sequence[Distance],
    *,
    is_wrong: bool,
) -> str:
    return (
        f'<div class="column{" wrong" if is_wrong else ""}"><h3>{escape(column.name)} '
        f'<small class="dim">{escape(column.kind)}</small></h3>{chart(column, other)}'
        f"{''.join(_distance(d) for d in distances)}"
        f"<table>{_rows(figure_rows(column))}</table></div>"
    )


def _distance(distance: Distance) -> str:
    metric = distance.metric.replace("_", "-")
    chance = "" if distance.chance is None else f", chance {number_text(distance.chance)}"
    return (
        f"<p><small>{escape(metric)} to {_NAMES[distance.comparison]}: <b>{number_text(distance.value)}</b> "
        f"(threshold {number_text(distance.threshold)}, effect {distance.effect:.2f}{chance})</small></p>"
    )


def _slices(measured: Statistics) -> str:
    if not measured.slices:
        return ""
    lines = [f"{each.name}: {each.row_count:,} rows" for each in measured.slices]
    return _plain_list("Slices", lines)


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)


def _word(outcome: Outcome) -> str:
    return "not enough evidence" if outcome is Outcome.INSUFFICIENT else str(outcome)
