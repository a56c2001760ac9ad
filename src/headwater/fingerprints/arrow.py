"""Columns that Arrow holds."""

from typing import Any

from headwater.fingerprints.columns import Column, ColumnHasher, hash_categories, hash_objects
from headwater.fingerprints.libraries import load


def arrow_columns(table: Any) -> list[Column]:
    """Return the columns of a pyarrow Table or RecordBatch."""
    return [arrow_column(name, table.column(i)) for i, name in enumerate(table.schema.names)]


def arrow_column(name: object, column: Any) -> Column:
    """Return the column that a pyarrow Array or ChunkedArray is."""
    return Column(name, arrow_dtype(column.type), lambda: _hash(name, column))


def arrow_dtype(kind: Any) -> str:
    """Return our name of an Arrow type: numpy's where numpy has one."""
    types = load("pyarrow").types
    if types.is_dictionary(kind):
        return f"category<{arrow_dtype(kind.value_type)}>"
    if _is_text(kind):
        return "str"
    if _is_binary(kind):
        return "binary"
    if types.is_timestamp(kind):
        return f"datetime64[{kind.unit}{', ' + kind.tz if kind.tz else ''}]"
    if types.is_duration(kind):
        return f"timedelta64[{kind.unit}]"
    if _is_list(kind):
        return f"list<{arrow_dtype(kind.value_type)}>"
    if types.is_struct(kind):
        return f"struct<{', '.join(f'{f.name}: {arrow_dtype(f.type)}' for f in kind)}>"
    names = {"double": "float64", "float": "float32", "halffloat": "float16", "date32[day]": "date"}
    return names.get(str(kind), str(kind))


def _hash(name: object, column: Any) -> bytes:
    pa = load("pyarrow")
    kind = column.type
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column], kind)
    if _is_text(kind) or _is_binary(kind):
        return _hash_texts(column)
    if pa.types.is_dictionary(kind):
        return _hash_dictionary(name, column)
    if _is_list(kind):
        return _hash_lists(name, column)
    if pa.types.is_struct(kind):
        return _hash_structs(name, column)
    if _is_number(kind):
        return _hash_numbers(column)
    values = column.to_pylist()  # decimals and the rarer types, value by value
    return hash_objects(name, "object", values, [v is None for v in values])


def _hash_numbers(column: Any) -> bytes:
    pa = load("pyarrow")
    hasher = ColumnHasher()
    for chunk in column.chunks:
        missing = _missing(chunk) if chunk.null_count else None
        if pa.types.is_temporal(chunk.type):
            chunk = chunk.view(pa.int32() if "32" in str(chunk.type) else pa.int64())
        if chunk.null_count:
            chunk = chunk.fill_null(pa.scalar(0).cast(chunk.type))
        hasher.add_numbers(chunk.to_numpy(zero_copy_only=False), missing)
    return hasher.digest()


def _hash_texts(column: Any) -> bytes:
    import numpy as np

    pa = load("pyarrow")
    hasher = ColumnHasher()
    for chunk in column.chunks:
        missing = _missing(chunk) if chunk.null_count else None
        chunk = chunk.cast(pa.large_string() if _is_text(chunk.type) else pa.large_binary())
        if missing is not None:
            # Filling copies: under a missing text there may be bytes otherwise.
            chunk = chunk.fill_null("" if _is_text(chunk.type) else b"")
        if len(chunk):
            offsets = np.frombuffer(chunk.buffers()[1], "<i8")[chunk.offset : chunk.offset + len(chunk) + 1]
            data = memoryview(chunk.buffers()[2] or b"")[int(offsets[0]) : int(offsets[-1])]
            hasher.add_texts(data, np.diff(offsets), missing)
    return hasher.digest()


def _hash_dictionary(name: object, column: Any) -> bytes:
    """Hash by the values: the same ones may be numbered in another order, or differently in each chunk."""
    pa = load("pyarrow")
    encoded = pa.chunked_array([_encode(column)]).combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return hash_categories(codes, lambda used: _hash(name, encoded.dictionary.take(pa.array(used))))


def _encode(column: Any) -> Any:
    decoded = column.cast(column.type.value_type).combine_chunks()
    return decoded.dictionary_encode()


def _hash_lists(name: object, column: Any) -> bytes:
    pc = load("pyarrow.compute")
    hasher = ColumnHasher()
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    hasher.add_lengths(lengths, _missing(column))
    hasher.add_part(_hash(name, pc.list_flatten(column)))
    return hasher.digest()


def _hash_structs(name: object, column: Any) -> bytes:
    import numpy as np

    pc = load("pyarrow.compute")
    hasher = ColumnHasher()
    hasher.add_lengths(np.zeros(len(column), "<i8"), _missing(column))
    for i in range(column.type.num_fields):
        hasher.add_part(_hash(name, pc.struct_field(column, i)))
    return hasher.digest()


def _missing(column: Any) -> Any:
    nulls = column.is_null()
    return nulls.to_numpy(zero_copy_only=False) if hasattr(nulls, "buffers") else nulls.to_numpy()


def _is_number(kind: Any) -> bool:
    types = load("pyarrow").types
    is_time = types.is_temporal(kind) and not types.is_interval(kind)
    return bool(is_time or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    types = load("pyarrow").types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: Any) -> bool:
    types = load("pyarrow").types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _is_list(kind: Any) -> bool:
    types = load("pyarrow").types
    return bool(types.is_list(kind) or types.is_large_list(kind))
