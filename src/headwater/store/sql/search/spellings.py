"""URIs by their beginning: an index that has regard to case answers a pattern that has none.

The index is asked letter by letter which spellings of the beginning it has, with small and capital letters;
only those go on. URIs are written in one way or two, so that is a few dozen look-ups however many there are.
"""

import re
from string import ascii_lowercase, ascii_uppercase
from typing import Final

import sqlalchemy as sa

from headwater.model.filters import Comparison, Entity, Field, Filter, Operator, Scope
from headwater.model.joins import Call, Column, Constant, Joined, Row, Side
from headwater.store.sql.search.comparisons import raw
from headwater.store.sql.search.places import place_of

MOST: Final = 2_000
"""Spellings, whole and begun, that are followed; where there are more, this is no way to start."""

_OWN_URI: Final = Column(Row(Side.OWN), "uri")
_FIELD: Final = Field(Scope.ATTRIBUTE, "uri")
_BEGINNING: Final = re.compile("[^%_\x00\ud7ff-\U0010ffff]{0,100}")
"""Up to the first wildcard, or character that is stored as another or has no next one; not too long."""
_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_CAPITAL: Final = str.maketrans(ascii_lowercase, ascii_uppercase)
_LETTER: Final = "substr(cases.text, spellings.size + 1, 1)"
_FIRST: Final = f"spellings.first || {_LETTER}"
_END: Final = f"spellings.first || char(unicode({_LETTER}) + 1)"
_SPELLINGS: Final = f"""
WITH RECURSIVE spellings(first, "end", size) AS (
SELECT '', '', 0
UNION ALL
SELECT {_FIRST}, {_END}, spellings.size + 1
FROM spellings, (SELECT :small AS text UNION SELECT :capital) AS cases
WHERE spellings.size < length(:small)
AND (cases.text = :small OR {_LETTER} <> substr(:small, spellings.size + 1, 1))
AND EXISTS (SELECT 1 FROM artifact WHERE uri >= {_FIRST} AND uri < {_END})
LIMIT {MOST})
SELECT first, "end" FROM spellings WHERE size = length(:small)
UNION ALL
SELECT '', x'' WHERE (SELECT count(*) FROM spellings) = {MOST}
"""
"""The first text that begins so, and the first after all of these; every text comes before a blob."""


def uris_like(condition: Filter, entity: Entity) -> sa.Select[int] | None:
    """Select, on SQLite, the ids of all artifacts whose URI begins as a pattern does.

    Returns:
        None when the condition is no pattern of an artifact's URI, or one that begins with a wildcard.
    """
    begin = _BEGINNING.match(_pattern_of(condition))
    if entity is not Entity.ARTIFACT or begin is None or not begin[0]:
        return None
    place = place_of(entity, "origin")
    small, capital = begin[0].translate(_SMALL), begin[0].translate(_CAPITAL)
    text = sa.text(_SPELLINGS).bindparams(small=small, capital=capital)
    spellings = text.columns(first=sa.Text(), end=sa.Text()).subquery("spellings")
    uri = raw(place.own["uri"])
    # Every spelling has a URI. The outer join says where to begin: at the spellings, not at the URIs.
    source = spellings.outerjoin(place.source, sa.and_(uri >= spellings.c.first, uri < spellings.c.end))
    return sa.select(place.id).select_from(source)


def _pattern_of(condition: Filter) -> str:
    """Return the pattern of a URI; an empty one is none."""
    match condition:
        case Joined(Call("like", (text, Constant(str() as pattern)))) if text == _OWN_URI:
            return pattern
        case Comparison(field, Operator.LIKE | Operator.ILIKE, str() as pattern) if field == _FIELD:
            return pattern
        case _:
            return ""
