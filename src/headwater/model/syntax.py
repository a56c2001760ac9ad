"""Python's own parser, for all threads in turn."""

import ast
import threading
from typing import Final, Literal, overload

# Python 3.11 counts the depth of syntax trees for all threads together, so two that parse at once may both
# fail with a SystemError (gh-106905).
_TURN: Final = threading.Lock()


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
    with _TURN:
        return ast.parse(source, mode=mode)  # type: ignore[return-value]
