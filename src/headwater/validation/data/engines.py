"""The libraries that do the work, loaded when they are first needed."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, cast

from headwater.errors import InvalidError, MissingDependencyError

_THRIFT: Final = {"allocator_bulk_deallocation_flush_threshold": "32MB"}
"""DuckDB hands freed memory back before it holds 512 MB of it: a fifth less at the peak, and no slower."""


def load_ibis() -> Any:
    """Return ibis.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import ibis
    except ImportError as error:
        raise MissingDependencyError("ibis-framework", "validation", "looking into data") from error
    return cast("Any", ibis)


@contextmanager
def own_engine() -> Generator[Any]:
    """Open a DuckDB of its own, in memory; what does not fit there goes to temporary files.

    Raises:
        MissingDependencyError: it is not installed.
    """
    ibis = load_ibis()
    try:
        engine = ibis.duckdb.connect(**_THRIFT)
    except ImportError as error:
        raise MissingDependencyError("duckdb", "validation", "looking into data") from error
    try:
        yield engine
    finally:
        engine.disconnect()


@contextmanager
def engine_faults() -> Generator[None]:
    """Turn what an engine says of data that it cannot read into an error of ours.

    Raises:
        InvalidError: with the engine's words.
    """
    ibis = load_ibis()
    kinds: tuple[type[Exception], ...] = (ibis.common.exceptions.IbisError,)
    if (duckdb := sys.modules.get("duckdb")) is not None:
        kinds += (duckdb.Error,)
    try:
        yield
    except kinds as error:
        raise InvalidError(f"the data cannot be read: {error}") from error
