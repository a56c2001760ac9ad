"""`headwater data validate|stats|vouch|schema`: the data gate.

DATA is a data version such as `data/flights/2`, or the path of a Parquet, CSV or JSON lines file or folder.
"""

from pathlib import Path
from typing import Any

import click

from headwater.cli.output import json_option, print_json, print_rows
from headwater.cli.rows import verdict_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.validation.data import Anomaly, ColumnStatistics, DataVerdict, Distance, Schema, infer_schema
from headwater.validation.data.figures import figure_rows
from headwater.validation.data.report import statistics_page

ANOMALY_COLUMNS = ("severity", "kind", "column", "finding", "samples")
DISTANCE_COLUMNS = ("column", "comparison", "metric", "value", "threshold", "effect", "chance", "beyond")

_html_option = click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page with histograms."
)


@click.command()
@click.argument("data")
@click.option("--schema", "schema_file", required=True, type=click.Path(path_type=Path), help="Schema file.")
@click.option("--previous", metavar="DATA", help="The version before; by default the newest that passed.")
@click.option("--serving", metavar="DATA", help="What is served, to look for skew.")
@click.option("--environment", help="One of the schema's environments.")
@click.option("--allow-insufficient", is_flag=True, help="Exit with 0 when something could not be told.")
@_html_option
@json_option
@click.pass_context
def validate(
    ctx: click.Context,
    data: str,
    schema_file: Path,
    previous: str | None,
    serving: str | None,
    environment: str | None,
    html: Path | None,
    *,
    allow_insufficient: bool,
    as_json: bool,
) -> None:
    """Judge DATA by a schema file, and record that of a data version; exits with 5 unless it passes."""
    with client(ctx) as opened:
        verdict = opened.data_gate.validate(
            data, schema_file, previous=previous, serving=serving, environment=environment
        )
    if html is not None:
        html.write_text(verdict.to_html(), encoding="utf-8")
    _print_verdict(verdict, as_json=as_json)
    verdict.raise_for_outcome(allows_insufficient=allow_insufficient)


@click.command()
@click.argument("data")
@click.option("--by", multiple=True, metavar="COLUMN", help="Also measure the rows of each value apart.")
@_html_option
@json_option
@click.pass_context
def stats(ctx: click.Context, data: str, by: tuple[str, ...], html: Path | None, *, as_json: bool) -> None:
    """Measure the columns of DATA."""
    with client(ctx) as opened:
        measured = opened.data_gate.statistics(data, slices=by)
    if html is not None:
        html.write_text(statistics_page(measured, title=data), encoding="utf-8")
    if as_json:
        click.echo(measured.to_json().decode())
        return
    click.echo(f"{measured.row_count:,} rows")
    parts = [("", measured.columns), *((each.name, each.columns) for each in measured.slices)]
    rows = [_column_row(column, part) for part, columns in parts for column in columns]
    print_rows(rows, ("slice", *_FIGURES), as_json=False, empty="No columns.")


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@click.option("--data", "names", multiple=True, metavar="PATTERN", help="Data sets that have to be judged.")
@json_option
@click.pass_context
def vouch(ctx: click.Context, name: str, version: int, names: tuple[str, ...], *, as_json: bool) -> None:
    """Give VERSION of model NAME the data verdict that follows from those on the data behind it."""
    with client(ctx) as opened:
        found = opened.data_gate.vouch_for(opened.models[name][version].ref, names=names)
    if as_json:
        print_json(verdict_row(found))
    else:
        click.echo(f"{found.outcome}: {found.summary}")


@click.group()
def schema() -> None:
    """Write down what data should hold, and compare such files."""


@schema.command()
@click.argument("data")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--environment", "environments", multiple=True, help="Such as training and serving.")
@click.option("--absent", multiple=True, metavar="COLUMN", help="Absent but in the first environment.")
@click.option("--ranges", is_flag=True, help="Also write down the least and the largest numbers.")
@click.pass_context
def infer(
    ctx: click.Context,
    data: str,
    output: Path | None,
    environments: tuple[str, ...],
    absent: tuple[str, ...],
    *,
    ranges: bool,
) -> None:
    """Write a first schema of DATA, for review."""
    if output is not None and output.exists():
        raise InvalidError(f"{output} exists: write another file, and look at `headwater data schema diff`")
    with client(ctx) as opened:
        measured = opened.data_gate.statistics(data)
    found = infer_schema(measured, environments=environments, absent=absent, ranges=ranges)
    if output is None:
        click.echo(found.to_yaml(), nl=False)
    else:
        click.echo(f"Wrote {found.write(output)}: {len(found.columns)} columns, to be reviewed.")


@schema.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@json_option
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Tell what differs between two schema files."""
    lines = Schema.read(before).diff(Schema.read(after))
    if as_json:
        print_json(lines)
    else:
        click.echo("\n".join(lines) or "They say the same.")


def print_distances(distances: list[Distance], *, as_json: bool) -> None:
    """Print distances, a column a row."""
    rows = [each.facts() | {"beyond": each.is_beyond} for each in distances]
    print_rows(rows, DISTANCE_COLUMNS, as_json=as_json, empty="No column can be compared.")


def _print_verdict(verdict: DataVerdict, *, as_json: bool) -> None:
    if as_json:
        recorded = verdict.recorded
        print_json(verdict.facts() | {"verdict": recorded and f"artifacts/{recorded.verdict_id}"})
        return
    click.echo(f"{verdict.subject}: {verdict.outcome}")
    for line in (*verdict.unjudged, *verdict.notes):
        click.echo(f"  {line}")
    if verdict.anomalies:
        rows = [_anomaly_row(each) for each in verdict.anomalies]
        print_rows(rows, ANOMALY_COLUMNS, as_json=False, empty="")
    if verdict.recorded is not None:
        click.echo(f"Recorded as artifacts/{verdict.recorded.verdict_id}.")


def _anomaly_row(each: Anomaly) -> dict[str, Any]:
    return each.facts() | {"finding": each.short}


_FIGURES = (
    *("column", "type", "present", "missing", "different values", "min", "median", "max"),
    *("mean", "std", "length", "top"),
)


def _column_row(column: ColumnStatistics, part: str) -> dict[str, Any]:
    top = ", ".join(f"{v.value} ({v.count:,})" for v in column.top_values[:3])
    return {
        "slice": part,
        "column": column.name,
        "type": str(column.kind),
        **dict(figure_rows(column)),
        "top": top,
    }
