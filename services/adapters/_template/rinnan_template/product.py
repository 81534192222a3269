"""A small client information system in memory, standing where the product's own interface will stand.

Replace this file by a client of the product: the same three calls, over whatever it speaks. What matters is that it can
tell apart the four things that may go wrong, since the adapter's results are made of exactly these.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


class NotReached(Exception):  # noqa: N818 - what the far side did
    """The product was never reached: certainly nothing was done."""


class SaysNo(Exception):  # noqa: N818 - what the far side did
    """The product read it and refused it; nothing of it stands there."""


class LineLost(Exception):  # noqa: N818 - what the far side did
    """The line broke after the request had left: it may have been done."""


@dataclass
class Product:
    """Cases by the sender's key. The fields below `cases` make it misbehave, for the tests."""

    cases: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])
    arrived: list[bytes] = field(default_factory=list[bytes])
    away: bool = False
    refuses: bool = False
    answers_after: float = 0
    does_it: bool = True

    async def ping(self) -> None:
        """Raises `NotReached`."""
        if self.away:
            raise NotReached

    async def find(self, key: str) -> list[int]:
        """The numbers of the cases under a key. Raises `NotReached` or `LineLost`."""
        await self.ping()
        return [number for number, _ in enumerate(self.cases.get(key, ()), start=1)]

    async def store(self, key: str, body: bytes) -> int:
        """Store a case under a key that has none, and tell its number. Raises `NotReached`, `SaysNo` or `LineLost`."""
        await self.ping()
        self.arrived.append(body)
        if self.refuses:
            raise SaysNo
        if self.does_it:
            self.cases.setdefault(key, []).append(body)
        await asyncio.sleep(self.answers_after)
        return len(self.cases.get(key, ()))
