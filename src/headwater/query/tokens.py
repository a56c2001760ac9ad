"""Filter text as tokens with their places, and a cursor over them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Final

from sqlglot import Token, Tokenizer, TokenType
from sqlglot.errors import TokenError

from headwater.errors import FilterError
from headwater.query.limits import REMEMBERED_CHARS

MAX_CHARS: Final = 100_000


class _Lexicon(Tokenizer):
    """SQL's tokens, with the words of the filter language as its only keywords.

    All other words stay names, so `params.order` needs no quotes. Characters
    that are listed as UNKNOWN end a word and are refused.
    """

    IDENTIFIERS: ClassVar = ['"', "`"]
    SINGLE_TOKENS: ClassVar = {
        **dict.fromkeys("'\"`!;:+/*%&|^~?@#$\\[]{}", TokenType.UNKNOWN),
        "(": TokenType.L_PAREN,
        ")": TokenType.R_PAREN,
        ",": TokenType.COMMA,
        ".": TokenType.DOT,
        "-": TokenType.DASH,
        "=": TokenType.EQ,
        "<": TokenType.LT,
        ">": TokenType.GT,
    }
    KEYWORDS: ClassVar = {
        "!=": TokenType.NEQ,
        "<>": TokenType.NEQ,
        "<=": TokenType.LTE,
        ">=": TokenType.GTE,
        "AND": TokenType.AND,
        "OR": TokenType.OR,
        "NOT": TokenType.NOT,
        "IN": TokenType.IN,
        "LIKE": TokenType.LIKE,
        "ILIKE": TokenType.ILIKE,
        "BETWEEN": TokenType.BETWEEN,
        "IS": TokenType.IS,
        "NULL": TokenType.NULL,
        "TRUE": TokenType.TRUE,
        "FALSE": TokenType.FALSE,
    }


class Cursor:
    """A place in the tokens of one text.

    sqlglot's own parser is not used: it needs some twenty Python frames for each
    pair of parentheses, so it meets the recursion limit at 49 of them.
    """

    def __init__(self, text: str) -> None:
        """Split `text`.

        Raises:
            FilterError: it is too long, holds a comment or half a surrogate pair, or a quote stays open.
        """
        self.text = text
        self._tokens = _remembered(text) if len(text) <= REMEMBERED_CHARS else _tokens_of(text)
        self._index = 0

    @property
    def current(self) -> Token:
        """The token to be read next; at the end of the text one of type SENTINEL."""
        return self._tokens[self._index]

    @property
    def following(self) -> Token:
        """The token after the current one."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def is_at_end(self) -> bool:
        """True when all tokens are read."""
        return self.current.token_type is TokenType.SENTINEL

    def take(self) -> Token:
        """Return the current token and step over it."""
        token = self.current
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def accept(self, *types: TokenType) -> Token | None:
        """Take the current token if it is of one of these types."""
        return self.take() if self.current.token_type in types else None

    def spelled(self, token: Token) -> str:
        """Return a token as it stands in the text, quotes included."""
        return self.text[token.start : token.end + 1]

    def fault(
        self, problem: str, *, at: Token | int | None = None, allowed: Sequence[str] = ()
    ) -> FilterError:
        """Build the error that points at a token or place, by default the current token."""
        place = self.current if at is None else at
        position = place if isinstance(place, int) else place.start
        return FilterError(self.text, position, problem, allowed=allowed)


def _tokens_of(text: str) -> Sequence[Token]:
    _check_characters(text)
    tokens = _split(text)
    _check_gaps(text, tokens)
    end = len(text.rstrip())
    return (*tokens, Token(TokenType.SENTINEL, "", start=end, end=end))


_remembered: Final = lru_cache(maxsize=256)(_tokens_of)


def _check_characters(text: str) -> None:
    if len(text) > MAX_CHARS:
        raise FilterError(text, MAX_CHARS, f"a filter has at most {MAX_CHARS:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # No database can be asked for it, and a caret cannot be printed under it.
        shown = text.encode(errors="replace").decode()
        raise FilterError(shown, error.start, "half a surrogate pair is not a character") from None


def _split(text: str) -> list[Token]:
    lexicon = _Lexicon()
    try:
        return lexicon.tokenize(text)
    except TokenError as error:
        read = lexicon.tokens[-1].end + 1 if lexicon.tokens else 0
        opened = read + len(text[read:]) - len(text[read:].lstrip())
        raise FilterError(text, opened, "this quote is never closed") from error


def _check_gaps(text: str, tokens: Sequence[Token]) -> None:
    """Refuse comments: the tokenizer leaves them out, so they are what stands between tokens."""
    end = 0
    for token in tokens:
        _check_gap(text, end, token.start)
        end = token.end + 1
    _check_gap(text, end, len(text))


def _check_gap(text: str, start: int, end: int) -> None:
    gap = text[start:end]
    if gap and (comment := gap.lstrip()):
        raise FilterError(text, end - len(comment), "comments are not part of the filter language")
