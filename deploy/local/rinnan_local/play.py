"""One family's play: two parents as independent clients, each doing what the family's file says of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from rinnan_local import families
from rinnan_local.families import Answers, Arrives, Family, Then
from rinnan_local.parents import Parent
from rinnan_local.player import DidNotHappen, Installation, SaidNo
from rinnan_local.story import Story

GONE = frozenset({404, 410})
LANGUAGES = {"fi": "Finnish", "sv": "Swedish", "en": "English"}


class Play:
    """Both parents of a family. `async with` enters them; `how` is what every `Parent` is made with."""

    def __init__(self, installation: Installation, family: Family, story: Story, **how: Any) -> None:
        self.family = family
        self.parents = tuple(Parent(installation, family, who, **how) for who in family.parents)
        self._story = story
        self._entered = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for parent in self.parents:
            await self._entered.enter_async_context(parent)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._entered.aclose()

    @property
    def registration_id(self) -> UUID:
        """The one registration of this family. Raises: `DidNotHappen` where there is none, or more than one."""
        found = {parent.registration_id for parent in self.parents if parent.registration_id}
        if len(found) != 1:
            raise DidNotHappen(f"{self.family.id} has {len(found)} registrations")
        return next(iter(found))

    async def register(self) -> None:
        """Everything that both parents do of their own accord, both at the same time."""
        async with asyncio.TaskGroup() as together:
            for parent in self.parents:
                together.create_task(self._part_of(parent))

    async def seen(self) -> dict[str, str]:
        """What each parent who is in the registration is told of it, by person."""
        return {parent.person: (await parent.see())["status"] for parent in self.parents if parent.registration_id}

    async def seen_still(self) -> list[str]:
        """The parents to whom the registration still shows anything, by person."""
        return [parent.person for parent in self.parents if parent.registration_id and await _shows(parent)]

    async def deadline(self) -> datetime:
        """The registration's one deadline, as any of its parents sees it."""
        seen = [await parent.see() for parent in self.parents if parent.registration_id]
        return datetime.fromisoformat(seen[0]["deadline"])

    async def _part_of(self, parent: Parent) -> None:
        match parent.who.arrives:
            case Arrives.NEVER:
                return
            case Arrives.STARTS:
                await parent.start()
                self._tell(parent, "starts")
            case Arrives.JOINS_BY_CODE if parent.who.then is Then.DECLINES:
                await parent.decline()
                self._tell(parent, "reads the code and declines")
                return
            case Arrives.JOINS_BY_CODE:
                await parent.join()
                self._tell(parent, f"joins with the code from {_way(parent.who)}")
        await self._own_part(parent)

    async def _own_part(self, parent: Parent) -> None:
        match parent.who.then:
            case Then.EDITS_AFTER_SUBMITTING:
                await self._edits(parent)
            case Then.ASKS_TO_BE_CONTACTED_ALONE:
                await parent.fill_form()
                await parent.screen()
                await parent.submit()
                await parent.ask_to_be_contacted_alone()
                self._tell(parent, "asks to be contacted alone")
            case Then.COMPLETES | Then.DECLINES:
                await parent.complete()
                self._tell(parent, f"gives in a whole part in {LANGUAGES.get(parent.language, parent.language)}")

    async def _edits(self, parent: Parent) -> None:
        await parent.fill_form()
        await parent.screen()
        await parent.submit()
        await parent.reopen()
        await parent.fill_form(Answers.LAST_OPTION)
        await parent.submit()
        self._tell(parent, "takes the form back, changes it and gives it in again")
        await parent.consent()

    def _tell(self, parent: Parent, what: str) -> None:
        place = "one parent" if parent is self.parents[0] else "the other parent"
        self._story.tell(self.family.id, f"{place} {what}")


async def _shows(parent: Parent) -> bool:
    try:
        await parent.see()
    except SaidNo as no:
        if no.status not in GONE:
            raise
        return False
    return True


def _way(who: families.Parent) -> str:
    return "a text message" if who.reached_by == "sms" else "an e-mail"
