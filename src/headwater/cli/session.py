"""The client that a command works with."""

from collections.abc import Generator
from contextlib import contextmanager

import click

from headwater.sdk.client import Client


@contextmanager
def client(ctx: click.Context) -> Generator[Client]:
    """Open the store that the global options name, for the time of one command."""
    options = ctx.find_root().obj or {}
    with Client(options.get("store"), blobs=options.get("blobs")) as opened:
        yield opened
