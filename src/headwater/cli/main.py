"""The root command: global options, and errors as one line with the way out."""

import sys
from importlib import import_module
from typing import Final

import click

from headwater.cli.session import Options
from headwater.errors import (
    ConflictError,
    CorruptError,
    ForbiddenError,
    HeadwaterError,
    InvalidError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)
from headwater.version import VERSION

EXIT_CODES: Final[dict[type[HeadwaterError], int]] = {
    InvalidError: 2,
    NotFoundError: 3,
    ConflictError: 4,
    RefusedError: 5,
    CorruptError: 6,
    UnavailableError: 7,
    UnauthenticatedError: 8,
    ForbiddenError: 8,
    ThrottledError: 7,
}
"""Exit codes by kind of error; any other one is 1, as is `click`'s Abort."""

# Loaded when called, so that `headwater --help` need not wait for databases and dashboards.
_COMMANDS: Final = {
    "demo": "headwater.demo.command:demo",
    "runs": "headwater.cli.runs:runs",
    "models": "headwater.cli.models:models",
    "data": "headwater.cli.data:data",
    "pipeline": "headwater.cli.pipelines:pipeline",
    "lineage": "headwater.cli.lineage:lineage",
    "ledger": "headwater.cli.ledger:ledger",
    "gc": "headwater.cli.gc:gc",
    "doctor": "headwater.cli.doctor:doctor",
    "db": "headwater.cli.db:db",
    "users": "headwater.cli.users:users",
    "tokens": "headwater.cli.tokens:tokens",
    "server": "headwater.cli.server:server",
    "import": "headwater.cli.imports:imports",
    "export": "headwater.cli.exports:exports",
    "sync": "headwater.cli.sync:sync",
}


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for, and whose errors are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            if ctx.params.get("debug"):
                raise
            click.secho(f"Error: {error}", err=True, fg="red")
            sys.exit(exit_code(error))


def exit_code(error: HeadwaterError) -> int:
    """Return the code that a command exits with after an error."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="headwater")
@click.option("--store", metavar="URL", help="Metadata store; else $HEADWATER_STORE, else the project's own.")
@click.option("--blobs", metavar="URL", help="Blob store; else $HEADWATER_BLOBS, else beside the store.")
@click.option("--at", metavar="TIME", help="Read everything as it was then, such as 2013-08-14T09:00 (UTC).")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def main(ctx: click.Context, store: str | None, blobs: str | None, at: str | None, *, debug: bool) -> None:
    """Keep the record of what was trained, from what, and where it went."""
    ctx.obj = Options(store, blobs, debug, at)
