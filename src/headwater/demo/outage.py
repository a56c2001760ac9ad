"""An outage: a month's run in a process of its own, which is killed while a step runs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final

from headwater.errors import UnavailableError
from headwater.sdk.client import Client

ENTRY: Final = "headwater.demo.pipeline:live_month"
_WORKING_S: Final = 0.3
"""How long the step may work before the kill."""


def kill_during(client: Client, step: str, *, run_name: str, params: Mapping[str, str]) -> None:
    """Run a month as `headwater pipeline run` does, and kill that process (SIGKILL) once a step has begun.

    Args:
        client: The store.
        step: The step. Where it is reused and does not run, the kill comes at that moment.
        run_name: Name of the run.
        params: Params of the pipeline.

    Raises:
        UnavailableError: the process ended by itself, before that.
    """
    url, blobs, _ = client.address
    given = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
    child = subprocess.Popen(
        [sys.executable, "-m", "headwater", "pipeline", "run", ENTRY, "--name", run_name, "--json", *given],
        # Not as an option: a URL may hold a password, and everybody sees the words of a command.
        env={**os.environ, "HEADWATER_STORE": url, "HEADWATER_BLOBS": blobs},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        if not any(json.loads(line).get("step") == step for line in child.stdout):
            _, said = child.communicate()
            raise UnavailableError(f"the process for {run_name} ended before {step}: {said.strip()}")
        time.sleep(_WORKING_S)
    finally:
        child.kill()
        child.communicate()
