"""The digest of one column, whatever library holds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import InvalidError
from headwater.fingerprints.values import encode_value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of any library's table; `digest` reads all of it."""

    name: object
    dtype: str
    digest: Callable[[], bytes]
    is_index: bool = False


class ColumnHasher:
    """Hashes a column that comes in pieces; where the pieces are cut makes no difference.

    Three streams, each under BLAKE3: the values (little-endian; nothing in
    place of a missing text, zero in place of another missing value; every
    NaN with the same bits), the lengths of texts or lists (int64), and the
    row numbers of missing values (int64).
    """

    def __init__(self) -> None:
        from blake3 import blake3

        self._values, self._lengths, self._missing = blake3(), blake3(), blake3()
        self._children: list[bytes] = []
        self._row_count = 0

    def add_numbers(self, values: Any, missing: Any = None) -> None:
        """Take a numpy array of fixed width, and a mask of what is missing in it."""
        import numpy as np

        values = _canonical(values)
        if missing is not None and missing.any():
            values = np.where(missing, np.zeros(1, values.dtype), values)
        self._values.update(_bytes_of(values))
        self._count(len(values), missing)

    def add_texts(self, data: Any, lengths: Any, missing: Any = None) -> None:
        """Take texts or bytes: all of them joined, and an array of their lengths in bytes."""
        self._values.update(data)
        self.add_lengths(lengths, missing)

    def add_lengths(self, lengths: Any, missing: Any = None) -> None:
        """Take the lengths of lists, whose items are hashed as a column of their own."""
        self._lengths.update(_bytes_of(lengths.astype("<i8")))
        self._count(len(lengths), missing)

    def add_part(self, digest: bytes) -> None:
        """Take the digest of a column that this one is made of: items of lists, fields of structs."""
        self._children.append(digest)

    def digest(self) -> bytes:
        """Return the column's 32 bytes."""
        from blake3 import blake3

        parts = (self._values.digest(), self._lengths.digest(), self._missing.digest(), *self._children)
        return blake3(b"".join(parts)).digest()

    def _count(self, rows: int, missing: Any) -> None:
        import numpy as np

        if missing is not None:
            rows_missing = np.flatnonzero(missing) + self._row_count
            self._missing.update(_bytes_of(rows_missing.astype("<i8")))
        self._row_count += rows


def hash_numbers(values: Any, missing: Any = None) -> bytes:
    """Return the digest of a column that is one numpy array of fixed width."""
    hasher = ColumnHasher()
    hasher.add_numbers(values, missing)
    return hasher.digest()


def hash_categories(codes: Any, hash_taken: Callable[[Any], bytes]) -> bytes:
    """Return the digest of a column of categories, whatever the order in which they are numbered.

    Args:
        codes: Array of category numbers; below zero is missing.
        hash_taken: Gives the digest of a column of the categories of these numbers, in this order.
    """
    import numpy as np

    missing = codes < 0
    used, first, inverse = np.unique(codes[~missing], return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    rank = np.empty(len(used), "<i8")
    rank[by_appearance] = np.arange(len(used))
    renumbered = np.zeros(len(codes), "<i8")
    renumbered[~missing] = rank[inverse]
    hasher = ColumnHasher()
    hasher.add_numbers(renumbered, missing)
    hasher.add_part(hash_taken(used[by_appearance]))
    return hasher.digest()


def object_dtype(values: Sequence[Any], missing: Sequence[bool]) -> str:
    """Tell what a column of Python values holds: `str`, `binary`, or `object` for all else."""
    kinds: set[Any] = {type(v) for v, is_missing in zip(values, missing, strict=True) if not is_missing}
    return {str: "str", bytes: "binary"}.get(kinds.pop(), "object") if len(kinds) == 1 else "object"


def hash_objects(name: object, dtype: str, values: Sequence[Any], missing: Any) -> bytes:
    """Return the digest of a column of Python values, of a dtype told by `object_dtype`.

    Raises:
        InvalidError: a value has no encoding that is the same tomorrow.
    """
    import numpy as np

    hasher = ColumnHasher()
    filled = [None if is_missing else v for v, is_missing in zip(values, missing, strict=True)]
    if dtype == "str" and (joined := "".join(v or "" for v in filled)).isascii():
        parts, data = filled, joined.encode()  # much faster than one by one
    else:
        parts = [b"" if v is None else _encode(name, dtype, v) for v in filled]
        data = b"".join(parts)
    lengths = np.fromiter((0 if v is None else len(v) for v in parts), "<i8", len(parts))
    hasher.add_texts(data, lengths, np.asarray(missing, bool))
    return hasher.digest()


def object_column(name: object, values: Sequence[Any], missing: Any, *, is_index: bool = False) -> Column:
    """Return a column of Python values."""
    dtype = object_dtype(values, missing)
    return Column(name, dtype, lambda: hash_objects(name, dtype, values, missing), is_index)


def _encode(name: object, dtype: str, value: Any) -> bytes:
    if dtype == "str":
        return value.encode("utf-8", "surrogatepass")
    return value if dtype == "binary" else encode_value(name, value)


def _bytes_of(values: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _canonical(values: Any) -> Any:
    """Return the values little-endian, times as int64, each NaN with the same bits."""
    import numpy as np

    if values.dtype.kind in "VO" or values.dtype.char in "gG":
        raise InvalidError(f"values of dtype {values.dtype} have no bytes that are the same everywhere")
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    if values.dtype.kind in "mM":
        return np.ascontiguousarray(values).view("<i8")
    if values.dtype.kind == "c":
        return _canonical(np.ascontiguousarray(values).view(values.real.dtype)).reshape(*values.shape, 2)
    if values.dtype.kind == "f" and (nan := np.isnan(values)).any():
        return np.where(nan, np.array(np.nan, values.dtype), values)
    return values
