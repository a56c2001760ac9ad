"""Ranges of bytes that a request asks for."""

import re
from typing import Final

from starlette.exceptions import HTTPException

_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def wanted_range(header: str | None, size_bytes: int) -> tuple[int, int]:
    """Return the first and the last byte that are wanted; without a header, all of them.

    Only one range at a time is understood: a server may do so (RFC 9110, section 14.2).

    Raises:
        HTTPException: status 416, the range lies beyond the end or is none.
    """
    if header is None:
        return 0, size_bytes - 1
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match and (match[1] or match[2]):
        first, last = _ends(match[1], match[2], size_bytes)
        if first <= last and first < size_bytes:
            return first, last
    raise HTTPException(
        416,
        f"{header!r} is no range of {size_bytes} bytes",
        headers={"Content-Range": f"bytes */{size_bytes}"},
    )


def _ends(first: str, last: str, size_bytes: int) -> tuple[int, int]:
    if not first:
        # The last so many bytes.
        return max(0, size_bytes - int(last)), size_bytes - 1
    return int(first), min(int(last), size_bytes - 1) if last else size_bytes - 1
