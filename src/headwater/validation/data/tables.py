"""Tables to look into: frames, files, folders, ibis tables and data versions, none of them read whole."""

import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from headwater.errors import InvalidError, NotFoundError
from headwater.model.data import DataVersion
from headwater.validation.data.engines import engine_faults, load_ibis, own_engine

_FRAMES: Final = ("pandas", "polars", "pyarrow")
_READERS: Final = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".jsonl": "read_json_auto",
}
_VIEW: Final = "data"


@runtime_checkable
class StoredData(Protocol):
    """A data version whose bytes can be had, as `headwater.Dataset` is."""

    @property
    def data_version(self) -> DataVersion:
        """What the store knows of it."""
        ...

    @property
    def kind(self) -> str:
        """`frame`, `array`, `file`, `folder` or `uri`."""
        ...

    @property
    def stored_digest(self) -> str | None:
        """Digest under which the blob store has the bytes."""
        ...

    def fetch(self, target: str | Path, /) -> Path:
        """Write the stored bytes to a file or folder."""
        ...

    def load(self, library: str | None = None, /) -> Any:
        """Return the data, or the path of a file or folder."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """An ibis table and the engine that it is asked through."""

    ibis_table: Any
    engine: Any

    def frame(self) -> Any:
        """Return all of the table as a pandas frame.

        Raises:
            InvalidError: the engine cannot read the data.
        """
        with engine_faults():
            return self.engine.to_pyarrow(self.ibis_table).to_pandas()

    def rows(self, expression: Any) -> list[Mapping[str, Any]]:
        """Return the rows of an expression over the table.

        Raises:
            InvalidError: the engine cannot read the data.
        """
        with engine_faults():
            return self.engine.to_pyarrow(expression).to_pylist()


@contextmanager
def opened(data: object) -> Generator[Table]:
    """Open data as a table; what was made for it goes at the end.

    Args:
        data: A frame of pandas, polars or Arrow, a list of dicts, the path of a Parquet, CSV or JSON
            lines file or of a folder of them, an ibis table of any engine, or a data version.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: it is none of these, or cannot be read as a table.
        MissingDependencyError: ibis is not installed.
    """
    if isinstance(data, StoredData):
        with _stored(data) as table:
            yield table
    elif type(data).__module__.partition(".")[0] == "ibis":
        yield _of_expression(data)
    else:
        with own_engine() as engine:
            is_path = isinstance(data, str | Path)
            yield _of_path(_path(data), engine) if is_path else Table(_memory_table(data), engine)


@contextmanager
def _stored(data: StoredData) -> Generator[Table]:
    suffix = f".{data.data_version.properties.get('format', '')}"
    # A CSV file of a frame begins with its index, which the library that wrote it takes back.
    if data.kind == "frame" and suffix in {".parquet", ".jsonl"} and data.stored_digest is not None:
        with (
            tempfile.TemporaryDirectory(prefix="headwater-data-") as folder,
            opened(data.fetch(Path(folder) / f"data{suffix}")) as table,
        ):
            yield table
        return
    loaded = data.load()
    if data.kind == "uri" and not str(loaded).startswith("file://"):
        raise InvalidError(
            f"{data.data_version.ref} stays at {loaded}: read it as an ibis table, and give that"
        )
    with opened(loaded) as table:
        yield table


def _of_expression(data: Any) -> Table:
    if not isinstance(data, load_ibis().expr.types.Table):
        raise InvalidError(f"an ibis {type(data).__name__} is no table: give the table that it belongs to")
    return Table(data, data.get_backend())


def _path(data: str | Path) -> Path:
    if isinstance(data, str) and data.startswith("file://"):
        return Path(unquote(urlsplit(data).path))
    return Path(data)


def _of_path(path: Path, engine: Any) -> Table:
    if not path.exists():
        raise NotFoundError("file or folder", str(path))
    suffix, pattern = _layout(path)
    quoted = pattern.replace("'", "''")
    with engine_faults():
        # A view by hand: ibis asks for its schema with calls that this DuckDB warns of.
        engine.raw_sql(f"CREATE VIEW {_VIEW} AS SELECT * FROM {_READERS[suffix]}('{quoted}')")
        arrow = engine.con.sql(f"SELECT * FROM {_VIEW} LIMIT 0").to_arrow_table()
    ibis = load_ibis()
    return Table(ibis.table(ibis.Schema.from_pyarrow(arrow.schema), name=_VIEW), engine)


def _layout(path: Path) -> tuple[str, str]:
    """Return the format of a file or folder, and the pattern that names its files."""
    if path.is_file():
        suffix = path.suffix.lower()
        if suffix not in _READERS:
            raise InvalidError(f"{path} is no {', '.join(_READERS)} file: load it, and give the frame")
        return suffix, str(path)
    for suffix in _READERS:
        if any(path.rglob(f"*{suffix}")):
            return suffix, str(path / "**" / f"*{suffix}")
    raise InvalidError(f"{path} holds no {', '.join(_READERS)} file")


def _memory_table(data: object) -> Any:
    library = next((t.__module__.partition(".")[0] for t in type(data).__mro__ if _is_frame(t)), None)
    if library is None and not isinstance(data, list):
        raise InvalidError(
            f"a {type(data).__module__}.{type(data).__qualname__} is no table: give a frame of pandas, "
            "polars or Arrow, a list of dicts, a path, an ibis table, or a data version"
        )
    with engine_faults():
        return load_ibis().memtable(data if library in {"polars", "pyarrow"} else _arrow(data))


def _arrow(data: Any) -> Any:
    """Return a pandas frame without its index, or a list of dicts, as an Arrow table."""
    pa = import_module("pyarrow")
    try:
        if isinstance(data, list):
            return pa.Table.from_pylist(data)
        return pa.Table.from_pandas(data, preserve_index=False)
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        raise InvalidError(f"the columns do not have one type each: {error}") from error


def _is_frame(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _FRAMES
