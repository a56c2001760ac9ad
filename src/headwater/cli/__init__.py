"""The command line: `headwater NOUN VERB`."""

from headwater.cli.main import main

__all__ = ["main"]
