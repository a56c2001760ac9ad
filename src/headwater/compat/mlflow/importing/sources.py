"""Kinds of places that MLflow keeps its records in."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.importing.folder import open_folder
from headwater.compat.mlflow.importing.tables import MlflowTables
from headwater.store import open_foreign


def open_tables(source: str) -> MlflowTables:
    """Open what MLflow stored for reading.

    Args:
        source: As MLflow is given it: a database (`sqlite:///PATH`, `postgresql://…`, `mysql://…`) or
            a folder (a path or `file:///PATH`).

    Raises:
        InvalidError: it is another kind of source, or holds nothing of MLflow's.
        MissingDependencyError: there is nothing to read it with.
        NotFoundError, UnavailableError: it is not there, or cannot be reached.
    """
    scheme, mark, rest = source.partition("://")
    if not mark or scheme == "file":
        return open_folder(Path(unquote(urlsplit(source).path) if mark else source))
    # MLflow's URLs may name a driver, as SQLAlchemy's do.
    return MlflowTables(open_foreign(scheme.partition("+")[0] + mark + rest))
