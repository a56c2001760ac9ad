"""Reading back the files that frames and arrays were stored as."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

from headwater.errors import InvalidError, MissingDependencyError

LIBRARIES: Final = ("pandas", "polars", "pyarrow")


def read_array(path: Path) -> Any:
    """Return the numpy array of an `.npy` file; pickled objects are refused."""
    import numpy as np

    return np.load(path, allow_pickle=False)


def read_frame(path: Path, library: str | None = None) -> Any:
    """Return the frame of a Parquet, CSV or JSON lines file, fully read.

    Args:
        path: The file; its suffix tells the format.
        library: One of `LIBRARIES`; by default the first that is loaded, else the first installed.

    Raises:
        InvalidError: no such library is known here, or it does not read this format.
        MissingDependencyError: the library is not installed.
    """
    name = library or _best_library()
    if name not in LIBRARIES:
        raise InvalidError(f"a frame can be loaded with {', '.join(LIBRARIES)}, not {name!r}")
    if importlib.util.find_spec(name) is None:
        raise MissingDependencyError(name, "demo", f"loading data with {name}")
    readers: dict[tuple[str, str], tuple[str, str, dict[str, Any]]] = {
        ("pandas", ".parquet"): ("pandas", "read_parquet", {}),
        # The first column is the index, which pandas writes along.
        ("pandas", ".csv"): ("pandas", "read_csv", {"index_col": 0}),
        ("pandas", ".jsonl"): ("pandas", "read_json", {"lines": True}),
        ("polars", ".parquet"): ("polars", "read_parquet", {}),
        ("polars", ".csv"): ("polars", "read_csv", {}),
        ("polars", ".jsonl"): ("polars", "read_ndjson", {}),
        ("pyarrow", ".parquet"): ("pyarrow.parquet", "read_table", {}),
        ("pyarrow", ".csv"): ("pyarrow.csv", "read_csv", {}),
        ("pyarrow", ".jsonl"): ("pyarrow.json", "read_json", {}),
    }
    if (name, path.suffix) not in readers:
        raise InvalidError(f"{name} reads no {path.suffix} files here")
    module, function, options = readers[name, path.suffix]
    return getattr(importlib.import_module(module), function)(path, **options)


def _best_library() -> str:
    loaded = [name for name in LIBRARIES if name in sys.modules]
    installed = [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]
    return next(iter(loaded + installed), "pandas")
