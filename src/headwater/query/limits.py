"""How large a filter may be, for whoever reads one and whoever runs it.

Apart from the parser, so that a store opens without the parser's library.
"""

from typing import Final

from headwater.model.filters import And, Filter, Not, Or

MAX_DEPTH: Final = 100
"""Parentheses inside each other."""
MAX_CONDITIONS: Final = 250
"""SQLite allows an expression 1,000 levels and PostgreSQL's driver 65,535 values; this stays clear."""
MAX_ALTERNATIONS: Final = 12
"""How often AND and OR may take turns from the outside in; SQLite's parser keeps a small stack."""
MAX_VALUES: Final = 10_000
"""Values in all IN lists of a filter together."""
MAX_PATTERN_CHARS: Final = 10_000
"""SQLite takes patterns of 50,000 bytes."""
REMEMBERED_CHARS: Final = 1_000
"""Pages and dashboards ask the same again; what filters that are no longer than this were read as is kept."""


def alternations(tree: Filter) -> int:
    """Return how many ANDs and ORs stand inside each other, at the deepest place."""
    match tree:
        case Not(term):
            return alternations(term)
        case And(terms) | Or(terms):
            return 1 + max(map(alternations, terms), default=0)
        case _:
            return 0
