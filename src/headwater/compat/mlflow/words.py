"""Names for runs that were given none: an adjective, a noun and a number."""

import secrets
from typing import Final

_ADJECTIVES: Final = (
    *("amber", "brisk", "calm", "clear", "crisp", "deep", "early", "even", "fair", "fresh", "glad", "green"),
    *("hazel", "ideal", "jolly", "keen", "late", "light", "lucid", "merry", "mild", "neat", "noble", "olive"),
    *(
        "plain",
        "proud",
        "quick",
        "quiet",
        "rapid",
        "ripe",
        "round",
        "solid",
        "still",
        "sunny",
        "swift",
        "vivid",
    ),
)
_NOUNS: Final = (
    *("basin", "beach", "bend", "brook", "canal", "cove", "creek", "delta", "dune", "fen", "ford", "gorge"),
    *(
        "gulf",
        "harbor",
        "inlet",
        "island",
        "lake",
        "marsh",
        "meadow",
        "mill",
        "pond",
        "pool",
        "rapids",
        "reed",
    ),
    *(
        "ridge",
        "river",
        "shore",
        "spring",
        "strait",
        "stream",
        "tide",
        "vale",
        "valley",
        "water",
        "weir",
        "well",
    ),
)


def random_name() -> str:
    """Make a name such as `quiet-brook-417`."""
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{secrets.randbelow(1000)}"
