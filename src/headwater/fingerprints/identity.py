"""What identifies data, wherever they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from headwater.errors import InvalidError, NotFoundError
from headwater.fingerprints.columns import Column, hash_numbers, hash_objects
from headwater.fingerprints.frames import column_schema, columns_of, is_frame, schema_of
from headwater.fingerprints.libraries import library_of
from headwater.fingerprints.values import encode_value
from headwater.fingerprints.writing import write_array, write_frame

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)

Kind = Literal["frame", "array", "file", "folder", "uri"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The identity of some data, and how to store their bytes.

    Attributes:
        digest: Equal for equal content; see `fingerprint`.
        kind: What the data are.
        size_bytes: Bytes of a file or folder, or of a URI when known; None for frames and arrays, whose
            size depends on how they are written.
        row_count: Rows of a frame, or an array's first length.
        schema: Name and dtype of each column.
        uri: Where data that stay where they are can be found, without a password.
    """

    digest: str
    kind: Kind
    size_bytes: int | None = None
    row_count: int | None = None
    schema: list[dict[str, Any]] | None = None
    uri: str | None = None
    _data: Any = field(default=None, repr=False, compare=False)

    @property
    def can_write(self) -> bool:
        """True unless the data stay where they are."""
        return self.kind != "uri"

    def write(self, folder: Path) -> Path:
        """Return the path of a file or folder that holds the data's bytes, ready for the blob store.

        Args:
            folder: Where a new file may be written: a frame as Parquet where that can be done, else
                as CSV or lines of JSON; an array as `.npy`. A file or folder is not copied.

        Raises:
            InvalidError: the data stay where they are, or could only be pickled.
        """
        match self.kind:
            case "frame" if library_of(self._data) == "numpy":
                return write_array(self._data, folder)
            case "frame":
                return write_frame(self._data, folder)
            case "array":
                return write_array(self._data, folder)
            case "uri":
                raise InvalidError(f"{self.uri} stays where it is: there are no bytes to store")
            case _:
                return Path(self._data)


def fingerprint(
    data: Any,
    *,
    fingerprint: str | None = None,
    storage_options: Mapping[str, object] | None = None,
) -> Fingerprint:
    """Identify data by their whole content, never by a sample.

    * A file: `blake3:HEX` of its bytes; a folder: `blake3-tree:HEX` of its manifest. Both are the
      digests that the blob store gives.
    * A frame (pandas, polars, Arrow; also a list of dicts): `blake3-frame:HEX` over the number of
      rows, name and dtype of each column in order, and each column's digest. A column is hashed by its
      logical values: little-endian, with every NaN alike; texts as UTF-8 with their lengths; categories
      by their values in order of first appearance; and the row numbers of missing values. Chunks,
      memory order, byte order and the library make no difference; a changed value, name, dtype, or
      order of rows or columns does. Missing and NaN differ where the library tells them apart: a
      float column of pandas has only NaN, and in its columns of texts or objects None, NaN and NA are
      all missing. A pandas index counts as columns unless it is 0, 1, 2 … without a name. Frame
      attributes and Arrow metadata are left out.
    * A numpy array: `blake3-array:HEX` over dtype, shape and values; one with fields is a frame.
    * A URI: `blake3-uri:HEX` over the URI without its password, and `fingerprint`; without that, over
      the ETag, or time and size, that the storage tells.

    Args:
        data: The data, a path, or a URI.
        fingerprint: Names the state of data behind a URI: a DVC or lakeFS commit, a table version.
        storage_options: Passed to the driver of a URI.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: such data cannot be identified, or a URI needs `fingerprint`.

    Example:
        >>> fingerprint([{"a": 1}, {"a": 2}]).row_count
        2
    """
    if isinstance(data, str) and _URI.match(data) and not data.startswith("file://"):
        return _of_uri(data, fingerprint, storage_options)
    if fingerprint is not None:
        raise InvalidError("fingerprint= is for URIs: other data are identified by their content")
    if isinstance(data, str | Path):
        return _of_path(_path(data))
    if is_frame(data):
        return _of_frame(data)
    if library_of(data) == "numpy" and hasattr(data, "shape"):
        return _of_array(data)
    raise InvalidError(_no_data(data))


def _no_data(data: Any) -> str:
    hint = " before .collect()" if type(data).__name__ == "LazyFrame" else ""
    return (
        f"cannot identify a {type(data).__module__}.{type(data).__qualname__}{hint}: give a pandas, polars "
        "or Arrow table, a numpy array, a list of dicts, a path, or a URI"
    )


def _path(data: str | Path) -> Path:
    if isinstance(data, str) and data.startswith("file://"):
        from urllib.request import url2pathname

        return Path(url2pathname(data.removeprefix("file://")))
    return Path(data)


def _of_path(path: Path) -> Fingerprint:
    from headwater.blobs import file_blob, folder_blob

    if not path.exists():
        raise NotFoundError("file or folder", str(path))
    blob = folder_blob(path) if path.is_dir() else file_blob(path)
    return Fingerprint(
        digest=blob.digest,
        kind="folder" if blob.is_folder else "file",
        size_bytes=blob.size_bytes,
        _data=path,
    )


def _of_frame(data: Any) -> Fingerprint:
    return _of_columns(data, *columns_of(data))


def _of_columns(data: Any, columns: list[Column], rows: int) -> Fingerprint:
    head = encode_value("name", [rows, [[c.name, c.dtype, c.is_index] for c in columns]])
    digest = _digest("frame", head, *(c.digest() for c in columns))
    return Fingerprint(digest=digest, kind="frame", row_count=rows, schema=column_schema(columns), _data=data)


def _of_array(array: Any) -> Fingerprint:
    import numpy as np

    if array.dtype.names and array.ndim == 1:
        fields = [_field(name, np.ascontiguousarray(array[name])) for name in array.dtype.names]
        return _of_columns(array, fields, len(array))
    column = _field("x", array)
    return Fingerprint(
        digest=_digest("array", encode_value("x", [column.dtype, list(array.shape)]), column.digest()),
        kind="array",
        row_count=array.shape[0] if array.ndim else None,
        schema=schema_of(array) if array.ndim else None,
        _data=array,
    )


def _field(name: str, array: Any) -> Column:
    import numpy as np

    dtype = str(array.dtype.newbyteorder("="))
    flat = np.asarray(array).reshape(-1)
    missing = _mask(array)
    if flat.dtype.kind == "O":
        gaps = [v is None for v in flat.tolist()]
        return Column(name, dtype, lambda: hash_objects(name, dtype, flat.tolist(), gaps))
    return Column(name, dtype, lambda: hash_numbers(flat, missing))


def _mask(array: Any) -> Any:
    import numpy as np

    return np.ma.getmaskarray(array).reshape(-1) if np.ma.isMaskedArray(array) else None


def state_of_uri(uri: str, state: str) -> tuple[str, str]:
    """Return a URI without its password, and the digest of a state of what is there.

    It is the digest that `fingerprint` gives for the URI with this state.
    """
    from headwater.blobs import hide_password

    shown = hide_password(uri)
    return shown, _digest("uri", encode_value("uri", [shown, state]))


def _of_uri(uri: str, state: str | None, options: Mapping[str, object] | None) -> Fingerprint:
    from headwater.blobs import describe_uri, hide_password

    shown, size_bytes = hide_password(uri), None
    if state is None:
        facts = describe_uri(uri, options)
        if facts is None:
            raise InvalidError(
                f"nothing tells which state {shown} is in: pass fingerprint=, such as a DVC or lakeFS commit"
            )
        state, size_bytes = facts.state, facts.size_bytes
    return Fingerprint(digest=state_of_uri(uri, state)[1], kind="uri", size_bytes=size_bytes, uri=shown)


def _digest(scheme: str, *parts: bytes) -> str:
    from blake3 import blake3

    return f"blake3-{scheme}:{blake3(b''.join(parts)).hexdigest()}"
