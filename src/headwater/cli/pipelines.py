"""`headwater pipeline`: run pipelines, look at their runs, and go on with them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from headwater.cli.output import (
    duration,
    json_option,
    limit_option,
    print_facts,
    print_json,
    print_rows,
    when,
)
from headwater.cli.pipeline_progress import progress
from headwater.cli.session import client
from headwater.errors import InvalidError, last_line
from headwater.pipelines.events import PipelineResult, StepState
from headwater.pipelines.params import TypedText
from headwater.pipelines.viewing import StepView, Why
from headwater.sdk.pipeline_runs import PipelineView

C = TypeVar("C", bound=Callable[..., Any])

COLUMNS = ("run", "state", "start", "seconds", "resumes", "params", "error")
STEP_COLUMNS = ("step", "state", "seconds", "attempts", "execution", "note")
FIELD_COLUMNS = ("field", "before", "now", "same")


@click.group()
def pipeline() -> None:
    """Run pipelines, look at their runs, and go on with those that stopped."""


def _run_options(command: C) -> C:
    """Give a command the options that say how steps are run."""
    options = (
        click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A param; JSON or text."),
        click.option(
            "--executor",
            type=click.Choice(["threads", "processes"]),
            default="threads",
            show_default=True,
            help="Where steps run.",
        ),
        click.option("--workers", type=click.IntRange(1), help="Processors that steps may take at once."),
        click.option("--cache/--no-cache", default=True, help="Reuse what earlier runs have made."),
        click.option("--wait", is_flag=True, help="Wait for people who have to approve."),
        click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@pipeline.command()
@click.argument("entry", metavar="FILE.py:NAME")
@_run_options
@click.option("--name", help="Name of the run; by default the next number.")
@click.option("--resume", is_flag=True, help="Go on with the newest run that did not come to its end.")
@click.pass_context
def run(
    ctx: click.Context,
    entry: str,
    params: Sequence[str],
    name: str | None,
    *,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run the pipeline NAME of a file."""
    with client(ctx) as opened, progress(as_json=as_json) as listen:
        found = opened.pipelines.load(entry)
        done = opened.pipelines.start(
            found, _params(params), run_name=name, resume=resume, listen=listen, **options
        )
    _print_result(done, as_json=as_json)


@pipeline.command()
@click.argument("ref", metavar="RUN")
@_run_options
@click.option("--from", "source", metavar="FILE.py:NAME", help="Where the code is now.")
@click.pass_context
def resume(
    ctx: click.Context, ref: str, params: Sequence[str], source: str | None, *, as_json: bool, **options: Any
) -> None:
    """Go on with RUN, such as flights/18: what is done stays, what is missing or changed runs."""
    with client(ctx) as opened, progress(as_json=as_json) as listen:
        done = opened.pipelines.resume(ref, source=source, params=_params(params), listen=listen, **options)
    _print_result(done, as_json=as_json)


@pipeline.command("list")
@click.argument("name", required=False)
@limit_option
@json_option
@click.pass_context
def list_runs(ctx: click.Context, name: str | None, limit: int, *, as_json: bool) -> None:
    """List the runs of pipeline NAME, or of all pipelines, newest first."""
    with client(ctx) as opened:
        names = [name] if name else opened.pipelines.names()
        found = [view for each in names for view in opened.pipelines.runs(each)]
    found.sort(key=lambda view: view.start_ms, reverse=True)
    rows = [_run_row(view) for view in found[:limit]]
    if not as_json:
        rows = [{**row, "error": _brief(row["error"])} for row in rows]
    empty = "No runs of pipelines. `headwater pipeline run FILE.py:NAME` makes one."
    print_rows(rows, COLUMNS, as_json=as_json, empty=empty, minor=("seconds", "resumes", "start"))


@pipeline.command()
@click.argument("ref", metavar="RUN")
@json_option
@click.pass_context
def show(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Show RUN, such as flights/18, and its steps."""
    with client(ctx) as opened:
        view, steps = opened.pipelines.run(ref), opened.pipelines.steps(ref)
    facts, rows = _run_row(view), [_step_row(step) for step in steps]
    if as_json:
        print_json({**facts, "steps": rows})
        return
    print_facts(facts)
    click.echo()
    print_rows(rows, STEP_COLUMNS, as_json=False, empty="No steps.")


@pipeline.command()
@click.argument("ref", metavar="RUN")
@click.argument("step")
@json_option
@click.pass_context
def why(ctx: click.Context, ref: str, step: str, *, as_json: bool) -> None:
    """Tell why STEP of RUN ran or was reused, field by field of its cache key."""
    with client(ctx) as opened:
        found = opened.pipelines.why(ref, step)
    if as_json:
        print_json(_why_row(found))
        return
    click.echo(f"{found.step}: {found.sentence}")
    if found.compared:
        click.echo(f"compared with {found.compared}")
    if found.fields:
        click.echo()
        print_rows(found.fields, FIELD_COLUMNS, as_json=False, empty="")
    for change in found.changes:
        click.echo(f"  {change}")


@pipeline.command()
@click.argument("ref", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="Why; kept with the decision.")
@click.option("--reject", is_flag=True, help="Reject instead: the run fails.")
@click.pass_context
def approve(ctx: click.Context, ref: str, step: str, reason: str, *, reject: bool) -> None:
    """Approve STEP, for which RUN waits."""
    with client(ctx) as opened:
        if reject:
            opened.pipelines.reject(ref, step, reason=reason)
        else:
            opened.pipelines.approve(ref, step, reason=reason)
    verb = "Rejected" if reject else "Approved"
    click.echo(f"{verb} {step}; `headwater pipeline resume {ref}` goes on where nobody waits for it.")


@pipeline.command()
@click.argument("entries", metavar="FILE.py:NAME...", nargs=-1, required=True)
@click.option("--executor", type=click.Choice(["threads", "processes"]), default="threads", show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Processors that the steps of one run may take.")
@click.option("--every", "poll_s", type=click.FloatRange(0.05), default=5.0, show_default=True, metavar="S")
@click.option("--once", is_flag=True, help="Look once, run what is due, and end.")
@click.pass_context
def serve(
    ctx: click.Context,
    entries: Sequence[str],
    executor: str,
    workers: int | None,
    poll_s: float,
    *,
    once: bool,
) -> None:
    """Run pipelines when their triggers fire, and go on with runs that stopped or were approved."""
    with client(ctx) as opened:
        found = [opened.pipelines.load(entry) for entry in entries]
        server = opened.pipelines.server(found, executor=executor, workers=workers, raises=False)
        if once:
            for future in server.look():
                future.result()
            return
        click.echo(f"Serving {', '.join(each.name for each in found)}; Ctrl-C ends it.", err=True)
        try:
            server.serve(poll_s=poll_s)
        except KeyboardInterrupt:
            server.stop()


def _params(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name.isidentifier():
            raise InvalidError(f"--param {text!r} must be NAME=VALUE, such as months=3")
        found[name] = TypedText(value)
    return found


def _print_result(done: PipelineResult, *, as_json: bool) -> None:
    counts: dict[str, int] = {}
    for step in done.steps.values():
        counts[step.state.value] = counts.get(step.state.value, 0) + 1
    if as_json:
        print_json({"run": done.ref, "state": done.state.value, "steps": counts})
        return
    click.echo(f"{done.ref} {done.state.value}: {', '.join(f'{n} {state}' for state, n in counts.items())}")
    for name, step in done.steps.items():
        if step.state is StepState.APPROVAL:
            click.echo(f"{name} waits: headwater pipeline approve {done.ref} {name} --reason …")


def _run_row(view: PipelineView) -> dict[str, Any]:
    return {
        "ref": view.run.ref,
        "run": f"{view.run.pipeline}/{view.run.name}",
        "state": view.state.value,
        "start": when(view.start_ms),
        "end": when(view.end_ms),
        "seconds": duration(view.start_ms, view.end_ms),
        "resumes": view.resumes,
        "entry": view.run.entry,
        "trigger": view.run.trigger,
        "params": dict(view.run.params),
        "pinned": dict(view.run.pinned),
        "error": view.error,
    }


def _brief(error: str | None) -> str:
    """Return errors without their tracebacks: those are for `show`."""
    found: list[str] = []
    for part in (error or "").split("\n\n"):
        step, _, told = part.partition(": ")
        found.append(f"{step}: {last_line(told)}" if told else part)
    return "; ".join(found)


def _step_row(step: StepView) -> dict[str, Any]:
    return {
        "step": step.step,
        "state": step.state.value,
        "start": when(step.start_ms),
        "seconds": None if step.start_ms is None else duration(step.start_ms, step.end_ms),
        "attempts": step.attempts,
        "execution": step.execution_id,
        "run": step.run_id,
        "note": step.note.strip().rpartition("\n")[2],
        "error": step.note if "\n" in step.note else None,
    }


def _why_row(found: Why) -> dict[str, Any]:
    return {
        "step": found.step,
        "sentence": found.sentence,
        "compared": found.compared,
        "fields": list(found.fields),
        "changes": [
            {"field": c.field, "part": c.part, "before": c.before, "after": c.after} for c in found.changes
        ],
    }
