"""The pace of a loop: what comes first goes at once, and what comes right behind it goes together."""

from __future__ import annotations

import asyncio
import time
from typing import Final

TOGETHER: Final = 0.03
"""Seconds from the begin of one round to the begin of the next, while there is always something to do. A round costs
nearly the same with one piece or with thirty."""


class Pace:
    """Keeps the rounds of one loop apart; a loop that has waited anyway does not wait again."""

    def __init__(self, seconds: float = TOGETHER) -> None:
        self._seconds = seconds
        self._began = 0.0

    def begin(self) -> None:
        """A round begins."""
        self._began = time.monotonic()

    async def rest(self) -> None:
        """Wait until the next round may begin."""
        await asyncio.sleep(max(0.0, self._began + self._seconds - time.monotonic()))
