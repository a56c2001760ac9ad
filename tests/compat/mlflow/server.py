"""The server under test as a process: `python -m tests.compat.mlflow.server STORE BLOBS` prints its port."""

import socket
import sys
from contextlib import closing

import uvicorn
from fastapi import FastAPI

from headwater.blobs import open_blobs
from headwater.compat.mlflow import MlflowService
from headwater.server.http.mlflow import mlflow_router
from headwater.store import open_store


def main(store_url: str, blobs_url: str) -> None:
    """Serve MLflow's routes on a free port until the process is told to end."""
    with (
        open_store(store_url) as store,
        closing(MlflowService(store, open_blobs(blobs_url))) as service,
        closing(socket.create_server(("127.0.0.1", 0))) as listening,
    ):
        app = FastAPI(openapi_url=None)
        app.include_router(mlflow_router(service))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        print(listening.getsockname()[1], flush=True)
        server.run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
