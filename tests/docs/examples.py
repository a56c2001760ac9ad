"""Finds in a Markdown page what it claims, so that tests can check it."""

import re
from dataclasses import dataclass
from itertools import pairwise

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(?P<marks>#+) (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Code of a page, and the output that the page shows for it."""

    code: str
    output: str


def section(page: str, title: str) -> str:
    """The text under a heading, up to the next heading of its rank."""
    # A comment in a code block starts like a heading; with the blocks blanked, places stay the same.
    bare = FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), page)
    headings = list(HEADING.finditer(bare))
    for at, heading in enumerate(headings):
        if heading["title"].strip() == title:
            ends = (h.start() for h in headings[at + 1 :] if len(h["marks"]) <= len(heading["marks"]))
            return page[heading.end() : next(ends, len(page))]
    raise LookupError(f"the page has no heading {title!r}; it has {[h['title'] for h in headings]}")


def first_example(text: str) -> Example:
    """The first python block, and the text block right after it."""
    blocks = list(FENCE.finditer(text))
    for code, output in pairwise(blocks):
        if (code["language"], output["language"]) == ("python", "text"):
            return Example(code=code["text"], output=output["text"])
    raise LookupError("no ```python block with a ```text block after it for what it prints")


def python_blocks(page: str) -> list[str]:
    """All python blocks of a page, in order."""
    return [block["text"] for block in FENCE.finditer(page) if block["language"] == "python"]
