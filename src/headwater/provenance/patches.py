"""A patch as git writes it, taken apart by file."""

import hashlib
import re
from typing import Final

_HEADER: Final = re.compile(rb"^diff --git (?P<names>.+)$", re.MULTILINE)
_QUOTED: Final = re.compile(rb'^"a/.*" "b/(?P<name>.*)"$')
_NAME_CHARS: Final = 500


def changed_in(patch: bytes) -> dict[str, str]:
    r"""Return a digest of the change of each file that a patch touches, by the file's name after it.

    Example:
        >>> list(changed_in(b"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n"))
        ['train.py']
    """
    headers = list(_HEADER.finditer(patch))
    ends = [header.start() for header in headers[1:]] + [len(patch)]
    found: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=True):
        # The line of blob ids is left out: git shortens them as far as the repository allows.
        body = re.sub(rb"^index .*\n", b"", patch[header.start() : end], count=1, flags=re.MULTILINE)
        found[_name(header["names"])] = hashlib.sha256(body).hexdigest()[:32]
    return found


def _name(names: bytes) -> str:
    """Take the second of two names; without a rename they are of one length."""
    if quoted := _QUOTED.match(names):
        name = quoted["name"]
    else:
        _, mark, after = names[len(names) // 2 :].partition(b"b/")
        name = after if mark else names
    return name.decode(errors="replace")[:_NAME_CHARS]
