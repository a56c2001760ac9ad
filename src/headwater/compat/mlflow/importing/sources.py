"""Kinds of places that MLflow keeps its records in."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.importing.folder import open_folder
from headwater.compat.mlflow.importing.server import open_server
from headwater.compat.mlflow.importing.tables import MlflowTables
from headwater.store import open_foreign
from headwater.transport.address import is_server_url


def open_tables(source: str) -> MlflowTables:
    """Open what MLflow stored for reading.

    Args:
        source: As MLflow is given it: a database (`sqlite:///PATH`, `postgresql://…`, `mysql://…`), a
            folder (a path or `file:///PATH`), or a running server (`http[s]://…`), which is asked as
            `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`, say.

    Raises:
        InvalidError: it is another kind of source, or holds nothing of MLflow's.
        MissingDependencyError: there is nothing to read it with.
        UnauthenticatedError, RefusedError: the server does not let the caller in.
        NotFoundError, UnavailableError: it is not there, or cannot be reached.
    """
    if is_server_url(source):
        return open_server(source, os.environ)
    scheme, mark, rest = source.partition("://")
    if not mark or scheme == "file":
        return open_folder(Path(unquote(urlsplit(source).path) if mark else source))
    # MLflow's URLs may name a driver, as SQLAlchemy's do.
    return MlflowTables(open_foreign(scheme.partition("+")[0] + mark + rest))
