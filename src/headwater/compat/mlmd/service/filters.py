"""Filter queries: MLMD's boolean expressions, parsed, typed and turned into the store's filter tree."""

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from sqlglot import Token, TokenType, tokenize
from sqlglot.errors import SqlglotError

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.compat.mlmd.service.filter_names import CASTS, CHOICES, FUNCTIONS, Kind, Name, name_of
from headwater.model.filters import Entity
from headwater.model.graph import EventType
from headwater.model.joins import Call, Constant, Expression, Joined
from headwater.model.values import INT64_MAX
from headwater.query.limits import REMEMBERED_CHARS

MAX_CHARS: Final = 100_000
MAX_DEPTH: Final = 50
MAX_TERMS: Final = 250
MAX_PROBLEM: Final = 300
"""Characters of a message: a query may be as long as a book."""

_NUMBERS: Final = (Kind.INT, Kind.DOUBLE)
_COMPARISONS: Final = {
    TokenType.EQ: "=",
    TokenType.NEQ: "!=",
    TokenType.LT: "<",
    TokenType.LTE: "<=",
    TokenType.GT: ">",
    TokenType.GTE: ">=",
}
_STRINGS: Final = (TokenType.STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING)
_SUMS: Final = {TokenType.PLUS: "+", TokenType.DASH: "-"}
_PRODUCTS: Final = {TokenType.STAR: "*", TokenType.SLASH: "/"}


class _Typed(NamedTuple):
    expression: Expression
    kind: Kind
    name: Name | None = None

    @property
    def is_null(self) -> bool:
        return self.kind is Kind.NULL

    @property
    def members(self) -> type[IntEnum] | None:
        """The words that an enum is compared with; it is a whole number otherwise."""
        return None if self.name is None else self.name.members


def filter_of(entity: Entity, text: str) -> Joined:
    """Parse a filter query; clients ask the same ones again, so short ones are remembered.

    Args:
        entity: What it selects.
        text: The query.

    Raises:
        InvalidArgumentError: it is no boolean expression over names that the entity has.
    """
    return (_remembered if len(text) <= REMEMBERED_CHARS else _filter_of)(entity, text)


def _filter_of(entity: Entity, text: str) -> Joined:
    reader = _Reader(entity, text)
    found = reader.read()
    if found.kind is not Kind.BOOL:
        raise _fault(f"Given query string is not a valid boolean expression: {text[:200]}")
    return Joined(found.expression)


_remembered: Final = lru_cache(maxsize=256)(_filter_of)


class _Reader:
    """Reads one query from its tokens, by recursive descent."""

    def __init__(self, entity: Entity, text: str) -> None:
        if len(text) > MAX_CHARS:
            raise _fault(f"it has {len(text):,} characters, more than {MAX_CHARS:,}")
        try:
            # BigQuery's lexicon is ZetaSQL's.
            self._tokens = tokenize(text, read="bigquery")
        except SqlglotError as error:
            raise _fault(f"Syntax error: {str(error)[:200]}") from error
        self._entity = entity
        self._place = 0
        self._depth = 0
        self._terms = 0

    def read(self) -> _Typed:
        """Read the whole query."""
        found = self._or()
        if self._here is not None:
            raise _fault(f"Syntax error: Expected end of input but got {self._here.text!r}")
        return found

    @property
    def _here(self) -> Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _is(self, *types: TokenType) -> bool:
        return self._here is not None and self._here.token_type in types

    def _take(self) -> Token:
        if self._here is None:
            raise _fault("Syntax error: Unexpected end of expression")
        self._place += 1
        return self._tokens[self._place - 1]

    def _accept(self, *types: TokenType) -> Token | None:
        return self._take() if self._is(*types) else None

    def _expect(self, *types: TokenType) -> Token:
        if not self._is(*types):
            raise _fault(
                f"Syntax error: Unexpected {self._here.text if self._here else 'end of expression'!r}"
            )
        return self._take()

    def _or(self) -> _Typed:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _fault(f"it is nested more than {MAX_DEPTH} deep")
        found = self._joined(TokenType.OR, "or", lambda: self._joined(TokenType.AND, "and", self._not))
        self._depth -= 1
        return found

    def _joined(self, word: TokenType, operator: str, read: Callable[[], _Typed]) -> _Typed:
        terms = [read()]
        while self._accept(word):
            terms.append(read())
        if len(terms) == 1:
            return terms[0]
        for term in terms:
            _require(term, Kind.BOOL)
        return _Typed(Call(operator, tuple(term.expression for term in terms)), Kind.BOOL)

    def _not(self) -> _Typed:
        negations = 0
        while self._accept(TokenType.NOT):
            negations += 1
        found = self._comparison()
        return found if not negations else _negated(found) if negations % 2 else _bool(found)

    def _comparison(self) -> _Typed:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _fault(f"it has more than {MAX_TERMS} terms")
        left = self._sum()
        if operator := self._accept(*_COMPARISONS):
            if operator.text == "==":
                raise _fault('Syntax error: Unexpected "="')
            return self._compared(left, _COMPARISONS[operator.token_type])
        if self._accept(TokenType.IS):
            return self._is_something(left)
        is_negated = bool(self._is(TokenType.NOT)) and bool(self._take())
        if self._accept(TokenType.IN):
            return self._among(left, is_negated=is_negated)
        if self._accept(TokenType.LIKE):
            found = self._like(left)
        elif self._accept(TokenType.BETWEEN):
            found = self._between(left)
        elif is_negated:
            raise _fault("Syntax error: LIKE, IN or BETWEEN must follow NOT")
        else:
            return left
        return _negated(found) if is_negated else found

    def _compared(self, left: _Typed, operator: str) -> _Typed:
        if left.members and operator in {"=", "!="} and _is_word(self._here):
            return _enum_test(left, [self._member(left.members)], is_negated=operator == "!=")
        right = self._sum()
        _comparable(left, right, operator)
        return _Typed(Call(operator, (left.expression, right.expression)), Kind.BOOL)

    def _member(self, enum: type[IntEnum]) -> int:
        word = self._take()
        members = dict(enum.__members__)
        if enum is EventType:
            # No event is of it, and as in MLMD none can be asked for.
            del members["UNKNOWN"]
        if word.text not in members:
            raise _fault(f"Unsupported enum value specified in the query: {word.text}")
        return int(members[word.text])

    def _is_something(self, left: _Typed) -> _Typed:
        is_negated = bool(self._accept(TokenType.NOT))
        word = self._expect(TokenType.NULL, TokenType.TRUE, TokenType.FALSE)
        if word.token_type is TokenType.NULL:
            found = _Typed(Call("is null", (left.expression,)), Kind.BOOL)
        else:
            _require(left, Kind.BOOL)
            meant = left if word.token_type is TokenType.TRUE else _negated(left)
            found = _Typed(Call("is true", (meant.expression,)), Kind.BOOL)
        return _negated(found) if is_negated else found

    def _among(self, left: _Typed, *, is_negated: bool) -> _Typed:
        self._expect(TokenType.L_PAREN)
        if left.members and _is_word(self._here):
            numbers = [self._member(left.members)]
            while self._accept(TokenType.COMMA):
                numbers.append(self._member(left.members))
            self._expect(TokenType.R_PAREN)
            return _enum_test(left, numbers, is_negated=is_negated)
        values = [self._sum()]
        while self._accept(TokenType.COMMA):
            values.append(self._sum())
        self._expect(TokenType.R_PAREN)
        for value in values:
            if not value.is_null:
                _comparable(left, value, "IN")
        found = _Typed(Call("in", (left.expression, *(value.expression for value in values))), Kind.BOOL)
        return _negated(found) if is_negated else found

    def _like(self, left: _Typed) -> _Typed:
        pattern = self._sum()
        _require(left, Kind.STRING)
        _require(pattern, Kind.STRING)
        return _Typed(Call("like", (left.expression, pattern.expression)), Kind.BOOL)

    def _between(self, left: _Typed) -> _Typed:
        low = self._sum()
        self._expect(TokenType.AND)
        high = self._sum()
        for end in (low, high):
            _comparable(left, end, "BETWEEN")
        return _Typed(Call("between", (left.expression, low.expression, high.expression)), Kind.BOOL)

    def _sum(self) -> _Typed:
        found = self._product()
        while token := self._accept(*_SUMS):
            found = _arithmetic(_SUMS[token.token_type], found, self._product())
        return found

    def _product(self) -> _Typed:
        found = self._unary()
        while token := self._accept(*_PRODUCTS):
            found = _arithmetic(_PRODUCTS[token.token_type], found, self._unary())
        return found

    def _unary(self) -> _Typed:
        if not self._accept(TokenType.DASH):
            return self._primary()
        found = self._primary()
        if found.kind not in _NUMBERS:
            raise _fault(f"a {found.kind.value} has no negative")
        if isinstance(found.expression, Constant) and isinstance(found.expression.value, (int, float)):
            return _Typed(Constant(-found.expression.value), found.kind)
        return _Typed(Call("negative", (found.expression,)), found.kind)

    def _primary(self) -> _Typed:
        token = self._take()
        match token.token_type:
            case TokenType.L_PAREN:
                found = self._or()
                self._expect(TokenType.R_PAREN)
                return found
            case kind if kind in _STRINGS:
                return _Typed(Constant(token.text), Kind.STRING)
            case TokenType.NUMBER | TokenType.HEX_STRING:
                return _number(token)
            case TokenType.TRUE | TokenType.FALSE:
                return _Typed(Constant(token.token_type is TokenType.TRUE), Kind.BOOL)
            case TokenType.NULL:
                return _Typed(Constant(None), Kind.NULL)
            case TokenType.CASE:
                return self._case()
            case _:
                return self._named(token)

    def _named(self, token: Token) -> _Typed:
        if not _is_word(token):
            raise _fault(f"Syntax error: Unexpected {token.text!r}")
        if self._is(TokenType.L_PAREN):
            return self._function(token.text.upper())
        parts = [token.text]
        while self._accept(TokenType.DOT):
            parts.append(self._take().text)
        name = name_of(self._entity, parts)
        return _Typed(name.column, name.kind, name)

    def _function(self, word: str) -> _Typed:
        self._expect(TokenType.L_PAREN)
        if word == "CAST":
            return self._cast()
        arguments = [self._or()]
        while self._accept(TokenType.COMMA):
            arguments.append(self._or())
        self._expect(TokenType.R_PAREN)
        if word in FUNCTIONS and len(arguments) == 1:
            operator, wanted, kind = FUNCTIONS[word]
            if not (wanted is Kind.INT and arguments[0].kind in _NUMBERS):
                _require(arguments[0], wanted)
            kind = arguments[0].kind if wanted is Kind.INT else kind
            return _Typed(Call(operator, (arguments[0].expression,)), kind)
        if word in CHOICES and (len(arguments) == 2 or word == "COALESCE"):
            for other in arguments[1:]:
                _comparable(arguments[0], other, word)
            expressions = tuple(argument.expression for argument in arguments)
            return _Typed(Call(CHOICES[word], expressions), arguments[0].kind)
        raise _fault(f"Function not found: {word} with {len(arguments)} arguments")

    def _cast(self) -> _Typed:
        found = self._or()
        self._expect(TokenType.ALIAS)
        word = self._take().text.upper()
        self._expect(TokenType.R_PAREN)
        if word not in CASTS:
            raise _fault(f"Type not found: {word}")
        operator, kind = CASTS[word]
        return _Typed(Call(operator, (found.expression,)), kind)

    def _case(self) -> _Typed:
        parts: list[_Typed] = []
        while self._accept(TokenType.WHEN):
            condition = self._or()
            _require(condition, Kind.BOOL)
            self._expect(TokenType.THEN)
            parts += (condition, self._or())
        if not parts:
            raise _fault("Syntax error: WHEN must follow CASE")
        last = self._or() if self._accept(TokenType.ELSE) else _Typed(Constant(None), Kind.NULL)
        self._expect(TokenType.END)
        kinds = {part.kind for part in (*parts[1::2], last)} - {Kind.NULL}
        if len(kinds) != 1:
            raise _fault("the values of CASE are not of one type")
        return _Typed(Call("case", tuple(part.expression for part in (*parts, last))), kinds.pop())


def _is_word(token: Token | None) -> bool:
    if token is None or token.token_type in _STRINGS:
        return False
    return token.token_type in {TokenType.VAR, TokenType.IDENTIFIER} or token.text.isidentifier()


def _number(token: Token) -> _Typed:
    try:
        if token.token_type is TokenType.HEX_STRING:
            return _Typed(Constant(int(token.text, 16)), Kind.INT)
        if token.text.isdigit():
            value = int(token.text)
            if value > INT64_MAX:
                raise _fault(f"Invalid integer literal: {token.text}")
            return _Typed(Constant(value), Kind.INT)
        return _Typed(Constant(float(token.text)), Kind.DOUBLE)
    except ValueError as error:
        raise _fault(f"Syntax error: {token.text!r} is no number") from error


def _arithmetic(operator: str, left: _Typed, right: _Typed) -> _Typed:
    for side in (left, right):
        if side.kind not in _NUMBERS:
            raise _fault(f"No matching signature for operator {operator} for {side.kind.value}")
    is_whole = left.kind is right.kind is Kind.INT and operator != "/"
    first = left.expression if is_whole else Call("double", (left.expression,))
    return _Typed(Call(operator, (first, right.expression)), Kind.INT if is_whole else Kind.DOUBLE)


def _enum_test(left: _Typed, numbers: list[int], *, is_negated: bool) -> _Typed:
    found = Call("in", (left.expression, *(Constant(number) for number in numbers)))
    if not is_negated:
        return _Typed(found, Kind.BOOL)
    # Unlike all other columns, an enum that is not set differs from every value.
    is_unset = Call("is null", (left.expression,))
    return _Typed(Call("or", (is_unset, Call("not", (found,)))), Kind.BOOL)


def _comparable(left: _Typed, right: _Typed, operator: str) -> None:
    if left.is_null or right.is_null:
        raise _fault(f"Operands of {operator} cannot be literal NULL")
    if left.kind is not right.kind and not (left.kind in _NUMBERS and right.kind in _NUMBERS):
        raise _fault(
            f"No matching signature for operator {operator} for argument types: "
            f"{left.kind.value}, {right.kind.value}"
        )


def _negated(term: _Typed) -> _Typed:
    return _Typed(Call("not", (_bool(term).expression,)), Kind.BOOL)


def _bool(term: _Typed) -> _Typed:
    _require(term, Kind.BOOL)
    return term


def _require(term: _Typed, kind: Kind) -> None:
    if term.kind is not kind:
        raise _fault(f"{kind.value} is needed, not {term.kind.value}")


def _fault(problem: str) -> InvalidArgumentError:
    more = "…" if len(problem) > MAX_PROBLEM else ""
    return InvalidArgumentError(f"Invalid `filter_query`: {problem[:MAX_PROBLEM]}{more}")
