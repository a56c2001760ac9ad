"""The client that a command works with."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from headwater.sdk.client import Client


@dataclass(frozen=True, slots=True)
class Options:
    """The global options."""

    store: str | None = None
    blobs: str | None = None
    debug: bool = False
    at: str | None = None


def options_of(ctx: click.Context) -> Options:
    """Return the global options of a command's call."""
    found = ctx.find_root().obj
    return found if isinstance(found, Options) else Options()


@contextmanager
def client(ctx: click.Context) -> Generator[Client]:
    """Open the store that the global options name, for the time of one command."""
    options = options_of(ctx)
    with Client(options.store, blobs=options.blobs) as opened:
        yield opened.at(options.at) if options.at else opened
