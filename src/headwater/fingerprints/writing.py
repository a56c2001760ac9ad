"""The bytes that stand for data in the blob store."""

import json
from pathlib import Path
from typing import Any

from headwater.errors import InvalidError
from headwater.fingerprints.libraries import class_of, is_installed, library_of, load


def write_array(array: Any, folder: Path) -> Path:
    """Write an array to `data.npy` below `folder`.

    Raises:
        InvalidError: it holds Python objects, which could only be pickled.
    """
    import numpy as np

    if array.dtype.hasobject:
        raise InvalidError("an array of Python objects cannot be stored without pickle: turn it into a frame")
    path = folder / "data.npy"
    np.save(path, np.asarray(array), allow_pickle=False)
    return path


def write_frame(frame: Any, folder: Path) -> Path:
    """Write a table below `folder`.

    Parquet where polars or pyarrow can write it; else a pandas frame as CSV and a list of dicts as
    lines of JSON, both in UTF-8.

    Returns:
        Path of the file: `data.parquet`, `data.csv` or `data.jsonl`.
    """
    if class_of(frame) == "Series":
        frame = frame.to_frame()
    match library_of(frame):
        case "polars":
            frame.write_parquet(folder / "data.parquet")
            return folder / "data.parquet"
        case "pandas":
            return _write_pandas(frame, folder)
        case "pyarrow":
            table = frame if class_of(frame) == "Table" else load("pyarrow").Table.from_batches([frame])
            return _write_arrow(table, folder)
        case _:
            return _write_records(frame, folder)


def _write_pandas(frame: Any, folder: Path) -> Path:
    if is_installed("pyarrow"):
        pa = load("pyarrow")
        try:
            return _write_arrow(pa.Table.from_pandas(frame), folder)
        except (pa.ArrowException, TypeError, ValueError):  # columns of mixed types, or two of one name
            pass
    path = folder / "data.csv"
    frame.to_csv(path, lineterminator="\n")
    return path


def _write_arrow(table: Any, folder: Path) -> Path:
    path = folder / "data.parquet"
    load("pyarrow.parquet").write_table(table, path)
    return path


def _write_records(rows: Any, folder: Path) -> Path:
    path = folder / "data.jsonl"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(dict(row), ensure_ascii=False, default=str) + "\n")
    return path
