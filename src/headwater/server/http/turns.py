"""Taking turns: work that the interpreter does one piece after another anyway is not begun all at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_S: Final = 0.25


class Turns:
    """Lets a few work at once, first come, first served.

    Whoever has waited for `patience_s` works beside them: something slow holds nobody up for longer.
    """

    def __init__(self, most: int, *, patience_s: float = PATIENCE_S) -> None:
        self._free, self._patience_s = asyncio.Semaphore(most), patience_s

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None]:
        """Wait for a turn, and have it inside of the block."""
        has_turn = await self._wait()
        try:
            yield
        finally:
            if has_turn:
                self._free.release()

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError:
            return False
        return True
