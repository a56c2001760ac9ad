"""Python's own parser, for all threads in turn.

Before 3.11.8, Python 3.11 counts the depth of syntax trees for all threads together, so that two that parse
at once may both fail with a SystemError (gh-106905). It is enough that garbage collection runs Python amid a
tree.
"""

import ast
import functools
import sys
import threading
from typing import Any, Final, Literal, overload

_IS_SHARED: Final = (3, 11) <= sys.version_info < (3, 11, 8)
# Garbage collection may parse in the thread that holds it.
_TURN: Final = threading.RLock()


@overload
def parse_python(source: str | bytes, *, mode: Literal["exec"] = "exec") -> ast.Module: ...


@overload
def parse_python(source: str | bytes, *, mode: Literal["eval"]) -> ast.Expression: ...


def parse_python(
    source: str | bytes, *, mode: Literal["exec", "eval"] = "exec"
) -> ast.Module | ast.Expression:
    """Return the syntax tree of Python code.

    Args:
        source: The code.
        mode: `exec` for statements, `eval` for one expression.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`.
    """
    let_threads_parse()
    return ast.parse(source, mode=mode)  # type: ignore[return-value]


def let_threads_parse() -> None:
    """Make everybody's `ast.parse` wait for its turn where Python needs that; elsewhere do nothing.

    To be called by whoever lets code of others run in threads: numpy parses the head of each array that it
    loads, and so every model that is loaded parses, too.
    """
    if not _IS_SHARED or hasattr(ast.parse, "__wrapped__"):
        return
    parse = ast.parse

    @functools.wraps(parse)
    def in_turn(*args: Any, **options: Any) -> Any:
        with _TURN:
            return parse(*args, **options)

    ast.parse = in_turn
