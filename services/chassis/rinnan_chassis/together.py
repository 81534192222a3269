"""Commands of many people decided together: those that come while others are being decided on share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final

from rinnan_chassis.database import is_away
from rinnan_chassis.items import Item, Once

MOST: Final = 30
"""Commands in one transaction."""
AT_ONCE: Final = 2
"""Transactions at a time, so that one that waits for a lock does not keep everybody waiting."""

Decide = Callable[[Sequence[Item]], Awaitable[object]]


class Together:
    """Decides commands as they come, and together what has come meanwhile.

    Nobody notices the others: where any is refused, or fails, each is decided alone. A command that first has to find
    its subject is always alone, since what others claim could change which it is.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._deciding: set[asyncio.Task[None]] = set()

    async def decide(self, item: Item) -> None:
        """Decide on one command. Raises what deciding on it alone raises."""
        if item.resolve is not None:
            await self._decide([item])
            return
        decided = asyncio.get_running_loop().create_future()
        self._waiting.append((item, decided))
        if len(self._deciding) < AT_ONCE:
            task = asyncio.create_task(self._run(), context=Context())  # of no request in particular
            self._deciding.add(task)
            task.add_done_callback(self._deciding.discard)
        await decided

    async def _run(self) -> None:
        while self._waiting:
            await self._all(self._next())

    def _next(self) -> list[tuple[Item, asyncio.Future[None]]]:
        """Those that waited longest; of two that are the same command, the second waits for the answer of the first."""
        taken: list[tuple[Item, asyncio.Future[None]]] = []
        left: list[tuple[Item, asyncio.Future[None]]] = []
        named: set[tuple[str, str, str]] = set()
        for item, decided in self._waiting:
            name = _name(item.once)
            if len(taken) == MOST or name in named:
                left.append((item, decided))
            else:
                taken.append((item, decided))
                named |= {name} if name else set()
        self._waiting = left
        return taken

    async def _all(self, taken: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        try:
            await self._decide([item for item, _ in taken])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened, and whose it is gets it
            if len(taken) == 1 or is_away(error):
                for _, decided in taken:
                    if not decided.done():
                        decided.set_exception(error)
            else:
                for one in taken:
                    await self._all([one])
        else:
            for _, decided in taken:
                if not decided.done():
                    decided.set_result(None)


def _name(once: Once | None) -> tuple[str, str, str] | None:
    return (once.caller, once.name, once.key) if once else None
