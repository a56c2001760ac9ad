"""AND, OR, NOT and parentheses around conditions, whatever the conditions look like."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlglot import Token, TokenType

from headwater.model.filters import And, Filter, Not, Or
from headwater.query.limits import MAX_ALTERNATIONS, MAX_CONDITIONS, MAX_DEPTH, alternations
from headwater.query.tokens import Cursor

_JOINS: Final = ("AND", "OR")


@dataclass(slots=True)
class _Group:
    """An open parenthesis, or the whole text: terms joined by AND, and those joined by OR."""

    opened: Token | None = None
    is_negated: bool = False
    """A NOT waits for the next term."""
    ands: list[Filter] = field(default_factory=list[Filter])
    ors: list[Filter] = field(default_factory=list[Filter])

    def add(self, term: Filter) -> None:
        self.ands.append(negated(term) if self.is_negated else term)
        self.is_negated = False

    def close_ands(self) -> None:
        self.ors.append(_joined(And, self.ands))
        self.ands = []

    def close(self) -> Filter:
        self.close_ands()
        return _joined(Or, self.ors)


def read_structure(cursor: Cursor, read_condition: Callable[[Cursor], Filter]) -> Filter:
    """Read the whole text as conditions under AND, OR, NOT and parentheses.

    Keeps its own stack, so depth costs no recursion. NOT binds tighter than AND, and AND tighter than OR;
    what AND or OR joins is flattened, and NOT NOT vanishes.

    Args:
        cursor: At the beginning; at the end afterwards.
        read_condition: Reads one condition: what is special about one filter language.

    Raises:
        FilterError: the text is not such an expression, or too deep or too large.
    """
    groups = [_Group()]
    count = 0
    while True:
        _open_groups(cursor, groups)
        count += 1
        if count > MAX_CONDITIONS:
            raise cursor.fault(f"a filter has at most {MAX_CONDITIONS} conditions")
        groups[-1].add(read_condition(cursor))
        _close_groups(cursor, groups)
        if cursor.is_at_end and len(groups) == 1:
            return groups[0].close()
        _read_join(cursor, groups[-1])


def negated(term: Filter) -> Filter:
    """Return the opposite of a term."""
    return term.term if isinstance(term, Not) else Not(term)


def _open_groups(cursor: Cursor, groups: list[_Group]) -> None:
    while token := cursor.accept(TokenType.L_PAREN, TokenType.NOT):
        if token.token_type is TokenType.NOT:
            groups[-1].is_negated = not groups[-1].is_negated
            continue
        if len(groups) > MAX_DEPTH:
            raise cursor.fault(f"parentheses are nested at most {MAX_DEPTH} deep", at=token)
        groups.append(_Group(opened=token))


def _close_groups(cursor: Cursor, groups: list[_Group]) -> None:
    while token := cursor.accept(TokenType.R_PAREN):
        if len(groups) == 1:
            raise cursor.fault("this parenthesis was never opened", at=token, allowed=_JOINS)
        group = groups.pop()
        term = group.close()
        if group.opened and alternations(term) > MAX_ALTERNATIONS:
            raise cursor.fault(f"AND and OR take turns at most {MAX_ALTERNATIONS} times", at=group.opened)
        groups[-1].add(term)


def _read_join(cursor: Cursor, group: _Group) -> None:
    if cursor.accept(TokenType.OR):
        group.close_ands()
    elif not cursor.accept(TokenType.AND):
        if cursor.is_at_end and group.opened:
            raise cursor.fault("this parenthesis is never closed", at=group.opened)
        raise cursor.fault(
            f"{cursor.spelled(cursor.current)!r} cannot follow a condition",
            allowed=(*_JOINS, ")") if group.opened else _JOINS,
        )


def _joined(join: type[And] | type[Or], terms: list[Filter]) -> Filter:
    flat: list[Filter] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, join) else (term,))
    return flat[0] if len(flat) == 1 else join(tuple(flat))
