"""Dotted names in a filter: read, and resolved to typed fields."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from sqlglot import Token, TokenType

from headwater.model.filters import Entity, Field, Relation, Scope
from headwater.query.attributes import (
    RELATIONS,
    SCOPE_WORDS,
    SCOPES,
    Attribute,
    ValueType,
    attributes_of,
)
from headwater.query.tokens import Cursor

_WORD: Final = re.compile(r"[^\W\d]\w*")
_UNQUOTED_MARKS: Final = re.compile(r"[-/:@+%#]?[\w.]")
_RELATION_WORDS: Final = {relation.value: relation for relation in Relation}
_VALUES: Final = {
    Scope.METRIC: Attribute(ValueType.NUMBER, "newest value of a metric"),
    Scope.PARAM: Attribute(ValueType.ANY, "a param"),
    Scope.TAG: Attribute(ValueType.ANY, "a tag or custom property"),
    Scope.PROPERTY: Attribute(ValueType.ANY, "a property that the type declares"),
}
_OWNERS: Final = {
    Entity.RUN: "a run",
    Entity.ARTIFACT: "an artifact",
    Entity.EXECUTION: "an execution",
    Entity.CONTEXT: "a context",
    Entity.VERSION: "a model version",
}


@dataclass(frozen=True, slots=True)
class TypedField:
    """A field, what it is compared with, and the token it starts at."""

    field: Field
    attribute: Attribute
    token: Token


def is_name(cursor: Cursor) -> bool:
    """Tell whether a name stands at the cursor."""
    token = cursor.current
    return token.token_type is TokenType.IDENTIFIER or _is_word(token)


def read_field(cursor: Cursor, entity: Entity) -> TypedField:
    """Read a dotted name and find out what it names.

    Raises:
        FilterError: it names nothing that `entity` has; the error lists near names.
    """
    start = cursor.current
    parts = read_parts(cursor)
    relation = None
    if len(parts) > 1 and (relation := _RELATION_WORDS.get(parts[0].text)):
        if relation not in RELATIONS[entity]:
            raise _unknown(cursor, parts[0], entity, None)
        entity, parts = RELATIONS[entity][relation], parts[1:]
    field, attribute = _resolve(cursor, parts, entity, relation)
    return TypedField(field, attribute, start)


def names_of(entity: Entity, relation: Relation | None = None) -> list[str]:
    """Return what can be named: attributes, scopes as `metrics.NAME`, and, unless behind one, relations."""
    names = sorted(attributes_of(entity, relation))
    names += [f"{word}.NAME" for word, scope in SCOPE_WORDS.items() if scope in SCOPES[entity]]
    return names if relation else names + [f"{each.value}.NAME" for each in RELATIONS[entity]]


def _resolve(
    cursor: Cursor, parts: Sequence[Token], entity: Entity, relation: Relation | None
) -> tuple[Field, Attribute]:
    first = parts[0]
    scope = SCOPE_WORDS.get(first.text) if len(parts) > 1 else None
    if scope in SCOPES[entity]:
        name = ".".join(part.text for part in parts[1:])
        return Field(scope, name, relation), _VALUES[scope]
    attribute = attributes_of(entity, relation).get(first.text)
    if attribute is None:
        raise _unknown(cursor, first, entity, relation)
    if len(parts) > 1:
        raise cursor.fault(f"{first.text} has no parts", at=parts[1])
    return Field(Scope.ATTRIBUTE, first.text, relation), attribute


def read_parts(cursor: Cursor) -> list[Token]:
    """Read the parts of a dotted name, as they are written.

    Raises:
        FilterError: a part is no name.
    """
    parts = [cursor.take()]
    while cursor.accept(TokenType.DOT):
        parts.append(_read_part(cursor))
    if cursor.current.token_type is TokenType.L_PAREN:
        raise cursor.fault("functions are not part of the filter language", at=parts[0])
    _check_marks(cursor, parts)
    return parts


def _read_part(cursor: Cursor) -> Token:
    """Read what follows a dot; a keyword is a plain name there, as in `params.in`."""
    token = cursor.current
    spelled = cursor.spelled(token)
    if token.token_type is TokenType.IDENTIFIER:
        if not token.text:
            raise cursor.fault("a name cannot be empty")
        return cursor.take()
    if not _WORD.fullmatch(spelled):
        raise cursor.fault("a name must follow the dot; put an odd one in backquotes")
    cursor.take()
    return Token(TokenType.VAR, spelled, start=token.start, end=token.end)


def _check_marks(cursor: Cursor, parts: Sequence[Token]) -> None:
    """Tell what is wrong with `metrics.val/auc`, rather than that `/` cannot follow."""
    last, mark = parts[-1], cursor.current
    rest = cursor.text[mark.start : mark.start + 2]
    if len(parts) > 1 and mark.start == last.end + 1 and _UNQUOTED_MARKS.match(rest):
        raise cursor.fault("put a name with other than letters, digits and _ in backquotes")


def _is_word(token: Token) -> bool:
    return token.token_type is TokenType.VAR and _WORD.fullmatch(token.text) is not None


def _unknown(cursor: Cursor, token: Token, entity: Entity, relation: Relation | None) -> Exception:
    names = names_of(entity, relation)
    if f"{token.text}.NAME" in names:
        return cursor.fault(f"a name must follow: {token.text}.NAME", at=token.end + 1)
    near = _near(token.text, (name.removesuffix(".NAME") for name in names))
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return cursor.fault(f"{_OWNERS[entity]} has no {token.text!r}{hint}", at=token, allowed=names)


def _near(name: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(name.lower()[:100], list(known), n=3)
