"""A runner in a process of its own, which a test may kill."""

import multiprocessing
from multiprocessing.process import BaseProcess
from typing import Any

from headwater.sdk import Client
from tests.pipelines.shapes import SHAPES


def start(url: str, shape: str, params: dict[str, Any], executor: str, address: str | None) -> BaseProcess:
    """Start a runner."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=work, args=(url, shape, params, executor, address))
    process.start()
    return process


def work(url: str, shape: str, params: dict[str, Any], executor: str, address: str | None) -> None:
    """Run a pipeline, and go on with it where one has begun."""
    with Client(url, actor="ann@desk") as client:
        if address is None:
            client.pipelines.start(SHAPES[shape], params, executor=executor)
            return
        from distributed import Client as Dask

        with Dask(address, set_as_default=False) as dask:
            client.pipelines.start(SHAPES[shape], params, executor=dask.get_executor(pure=False))
