"""Commands of many people decided together: those that come while others are being decided on share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final, NamedTuple
from uuid import UUID

from rinnan_chassis.database import is_away
from rinnan_chassis.items import Item

MOST: Final = 30
"""Commands in one transaction."""
AT_ONCE: Final = 2
"""Transactions at a time, so that one that waits for a lock does not keep everybody waiting."""

Decide = Callable[[Sequence[Item]], Awaitable[object]]


class Together:
    """Decides commands as they come, and together what has come meanwhile; those of one subject in their order.

    Nobody notices the others: where any is refused, or fails, each is decided alone. A command that first has to find
    its subject is always alone, since what others claim could change which it is.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._waiting: list[_Waiting] = []
        self._underway: set[UUID | None] = set()
        self._deciding: set[asyncio.Task[None]] = set()

    async def decide(self, item: Item) -> None:
        """Decide on one command. Raises what deciding on it alone raises."""
        if item.resolve is not None:
            await self._decide([item])
            return
        decided = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, decided))
        if len(self._deciding) < AT_ONCE:
            task = asyncio.create_task(self._run(), context=Context())  # of no request in particular
            self._deciding.add(task)
            task.add_done_callback(self._deciding.discard)
        await decided

    async def _run(self) -> None:
        while taken := self._next():
            subjects = {each.item.subject for each in taken}
            self._underway |= subjects
            await self._all(taken)
            self._underway -= subjects

    def _next(self) -> list[_Waiting]:
        """Those that waited longest. What is of a subject that is underway, or the same command again, waits on."""
        taken: list[_Waiting] = []
        left: list[_Waiting] = []
        blocked = set(self._underway)
        named: set[tuple[str, str, str] | None] = set()
        for each in self._waiting:
            name = each.name
            if len(taken) == MOST or each.item.subject in blocked or (name is not None and name in named):
                left.append(each)
                blocked.add(each.item.subject)
            else:
                taken.append(each)
                named.add(name)
        self._waiting = left
        return taken

    async def _all(self, taken: Sequence[_Waiting]) -> None:
        try:
            await self._decide([each.item for each in taken])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened, and whose it is gets it
            if len(taken) == 1 or is_away(error):
                for each in taken:
                    if not each.decided.done():
                        each.decided.set_exception(error)
            else:
                for each in taken:
                    await self._all([each])
        else:
            for each in taken:
                if not each.decided.done():
                    each.decided.set_result(None)


class _Waiting(NamedTuple):
    """A command, and who waits for it."""

    item: Item
    decided: asyncio.Future[None]

    @property
    def name(self) -> tuple[str, str, str] | None:
        once = self.item.once
        return (once.caller, once.name, once.key) if once else None
