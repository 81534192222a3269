"""`python -m rinnan_local.demo`: every family from its first start to its one end, told live and counted."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rinnan_local.cis import Systems, server_of
from rinnan_local.daemon import DidNotStart
from rinnan_local.families import FAMILIES, Arrives, Cis, Family, FamilyUnreadable, Outcome, Then, load_families
from rinnan_local.letters import wrong_letters
from rinnan_local.play import Play
from rinnan_local.player import DidNotHappen, Installation, SaidNo, until
from rinnan_local.settled import PURGED, Settled, settled
from rinnan_local.stack import ROOT, Stack
from rinnan_local.staff import MemberOfStaff, Told
from rinnan_local.story import HERE, Story
from rinnan_local.up import end_on_signals, stay

BEGINS = datetime(2026, 3, 3, 7, 40, tzinfo=UTC)  # a Tuesday morning in Finland: letters leave by day
PASSED = timedelta(seconds=5)  # after a moment, so that it has surely passed
LATE_SECONDS = 5.0  # longer than the slow county waits for its system's answer
TRIED_AGAIN = timedelta(seconds=15)  # longer than the first wait for a system that is away
WITHIN = 60.0
EVERY = 0.4
DELIVERED = frozenset({Outcome.CONFIRMED, Outcome.VERIFIED_ON_PAPER})


class DidNotEndSo(Exception):  # noqa: N818 - a state of the world
    """A family did not end as its file says, or something stands twice, or not at all."""


class Demo:
    """All families in one installation. Nothing is known here but what parents, staff and the systems are told."""

    def __init__(self, stack: Stack, families: Iterable[Family], out: Path) -> None:
        self.families = tuple(families)
        self.story = Story(stack.clock.now, [family.id for family in self.families])
        self._stack = stack
        self._out = out
        self._place = Installation.of(stack)
        self._plays = tuple(Play(self._place, family, self.story) for family in self.families)
        counties = sorted({family.county for family in self.families})
        self._operators = {county: self._staff(county, "operator") for county in counties}
        self._pairs = {
            county: (self._staff(county, "supervisor-one"), self._staff(county, "supervisor-two"))
            for county in counties
        }
        self._systems = Systems(self._place.addresses.cis_simulator)
        self._adapters = {
            destination.name: destination.adapter
            for county in counties
            for destination in self._place.profiles.county(county).destinations
        }
        self._documents: dict[str, list[str]] = {}
        self._reminded = 0

    async def run(self) -> list[Settled]:
        """Play everything. Raises: `DidNotEndSo`, `DidNotHappen`, `SaidNo`."""
        async with AsyncExitStack() as entered:
            everybody = (*self._operators.values(), *(one for pair in self._pairs.values() for one in pair))
            for each in (*self._plays, *everybody, self._systems):
                await entered.enter_async_context(each)
            await self._register()
            await self._let_the_full_hour_pass()
            await self._let_the_deadline_pass()
            found = await self._ends()
            await self._every_letter_came_once()
            await self._let_the_day_of_forgetting_pass()
            return found

    async def _register(self) -> None:
        for server in self._servers(Cis.ANSWERS_LATE):
            await self._systems.behave(server, answer_after_seconds=LATE_SECONDS)
            self.story.meanwhile(f"{server} takes what it is sent, and answers too late")
        away = self._those(lambda family: family.cis is Cis.IS_AWAY_FOR_A_WHILE)
        await _all(self._begin(play) for play in self._plays if play not in away)
        for server in self._servers(Cis.IS_AWAY_FOR_A_WHILE):
            await self._systems.behave(server, mood="down")
            self.story.meanwhile(f"{server} is away")
        await _all(self._begin(play) for play in away)
        await _all(self._sees(play, {"open"}) for play in self._plays)
        self.story.meanwhile("nobody sees anything of the other")

    async def _begin(self, play: Play) -> None:
        """Everything that needs no other time than its own."""
        family = play.family
        await play.register()
        if family.outcome not in DELIVERED:
            return
        match family.cis:
            case Cis.NONE:
                await self._key_in(play, await self._delivery(play, "prepared"))
            case Cis.WORKS:
                delivery = await self._delivery(play, "confirmed")
                self.story.tell(
                    family.id, f"{_confirms(delivery)}; the call is promised by {_day(delivery['contact_by'])}"
                )
            case Cis.ANSWERS_LATE:
                delivery = await self._delivery(play, "unknown")
                self.story.tell(family.id, f"{delivery['destination']} did not answer: outcome unknown, never repeated")
            case Cis.IS_AWAY_FOR_A_WHILE:
                delivery = await self._delivery(play, "waiting")
                self.story.tell(family.id, f"{delivery['destination']} is away: the record waits")

    async def _let_the_full_hour_pass(self) -> None:
        """The system that was away is tried again later each time; then it is back, and what settled is looked up."""
        away = self._those(lambda family: family.cis is Cis.IS_AWAY_FOR_A_WHILE)
        if away:
            self._jump(self._stack.clock.now() + TRIED_AGAIN, "a system that is away is tried again")
            await _all(self._delivery(play, "waiting", attempt=2) for play in away)
        for server in self._servers(Cis.IS_AWAY_FOR_A_WHILE):
            await self._systems.behave(server)
            self.story.meanwhile(f"{server} is back")
        county = self._place.profiles.county(self.families[0].county)
        self._jump(county.next_full_hour(self._stack.clock.now()) + PASSED, "the full hour")
        for play in self._those(lambda family: family.cis in {Cis.IS_AWAY_FOR_A_WHILE, Cis.ANSWERS_LATE}):
            if play.family.outcome is Outcome.CONFIRMED:
                delivery = await self._delivery(play, "confirmed")
                said = "it was there already" if play.family.cis is Cis.ANSWERS_LATE else "it is taken now"
                self.story.tell(play.family.id, f"{_confirms(delivery)}; {said}")
        for play in self._those(lambda family: family.outcome is Outcome.SINGLE_CONTACT):
            delivery = await self._delivery(play, "confirmed")
            self.story.tell(play.family.id, f"{_confirms(delivery)}, of one parent alone; the other sees nothing of it")
        await _all(
            self._sees(play, {"with_the_county"}) for play in self._those(lambda family: family.outcome in DELIVERED)
        )
        self.story.meanwhile("both parents of every finished registration see: with the county")

    async def _let_the_deadline_pass(self) -> None:
        waiting = self._those(lambda family: family.outcome not in DELIVERED)
        if not waiting:
            return
        deadline = max([await play.deadline() for play in waiting])
        county = self._place.profiles.county(waiting[0].family.county)
        for number, moment in enumerate(county.reminders_at(deadline), start=1):
            self._jump(moment + timedelta(hours=1) + PASSED, "the day of a reminder")
            for play in waiting:
                for parent in play.parents:
                    if parent.who.arrives is Arrives.NEVER:
                        await parent.got(letters=number + 1)
                        self.story.tell(play.family.id, "whoever has not acted is reminded")
            self._reminded = number
        for play in waiting:
            await self._sees(play, {"open"}, but=_alone(play))
        self._jump(county.ending_at(deadline) + PASSED, "the deadline, and its grace")
        for play in waiting:
            await self._sees(play, {"closed"}, but=_alone(play))
            self.story.tell(play.family.id, "closed, in the same words as every ending")

    async def _ends(self) -> list[Settled]:
        found = [await self._end_of(play) for play in self._plays]
        await self._each_stands_once(found)
        for county, operator in self._operators.items():
            verification = await operator.log_is_whole()
            if not verification["whole"]:
                raise DidNotEndSo(f"{county}: the log is not as it was written from {verification['broken_at']} on")
            if stuck := await operator.stuck():
                raise DidNotEndSo(f"something is held, or was set aside, in {', '.join(stuck)}")
        return found

    async def _end_of(self, play: Play) -> Settled:
        operator = self._operators[play.family.county]
        documents = self._documents.get(play.family.id, [])

        async def end() -> Settled | None:
            life = await operator.life(play.registration_id)
            deliveries = await operator.deliveries(play.registration_id)
            try:
                return settled(life, deliveries, self._adapters, documents)
            except ValueError as doubled:
                raise DidNotEndSo(f"{play.family.id}: {doubled}") from None

        try:
            ended: Settled = await until(end, "an end", within=WITHIN / 4, every=EVERY)
        except DidNotHappen:
            raise DidNotEndSo(f"{play.family.id} did not end; {play.family.outcome} was to come") from None
        if ended.outcome is not play.family.outcome:
            raise DidNotEndSo(f"{play.family.id} ended as {ended.outcome}, not as {play.family.outcome}")
        self.story.settled(play.family.id, f"ended, once: {ended.outcome.value.replace('_', ' ')}")
        return ended

    async def _each_stands_once(self, found: Sequence[Settled]) -> None:
        for county in self._operators:
            destination = server_of(self._place.profiles, county)
            if destination is None:
                continue
            effects = await self._systems.effects(destination.name)
            if doubled := [identifier for identifier, count in effects.items() if count != 1]:
                raise DidNotEndSo(f"{destination.name} holds {len(doubled)} things more than once")
            there = [one for one in found if (one.county, one.adapter) == (county, destination.adapter)]
            receipts = [one.receipt or "" for one in there]
            identifiers = {
                own for receipt in receipts for own in await self._systems.identifiers(destination.name, receipt)
            }
            if len(set(receipts)) < len(receipts) or len(identifiers) < len(receipts) or identifiers - effects.keys():
                raise DidNotEndSo(f"{destination.name} gave one receipt for two registrations")
            self.story.meanwhile(f"{destination.name} holds {len(receipts)} registrations, each exactly once")

    async def _every_letter_came_once(self) -> None:
        county = self._place.profiles.county(self.families[0].county)
        catcher, anybody = self._place.addresses.mail_catcher, self._operators[county.code]
        caught = [letter for kind in ("messages", "sms") for letter in await anybody.get(f"{catcher}/{kind}")]
        if wrong := list(wrong_letters(caught, self.families, self._reminded)):
            raise DidNotEndSo("; ".join(wrong))
        self.story.meanwhile(f"{len(caught)} letters and text messages came, each once, to whom they were for")

    async def _let_the_day_of_forgetting_pass(self) -> None:
        """What was promised to the parents: on that day everything of theirs is gone, and the log still tells it.

        That no document opens any more either is a minute's wait, for keys that a process still holds: law 8 waits.
        """
        now = self._stack.clock.now()
        counties = [self._place.profiles.county(code) for code in self._operators]
        last = max(max(county.purge_at(now), county.purge_after_ending_at(now)) for county in counties)
        self._jump(last + PASSED, "the day on which everything is forgotten")
        await _all(self._is_forgotten(play) for play in self._plays)
        for county, operator in self._operators.items():
            if not (await operator.log_is_whole())["whole"]:
                raise DidNotEndSo(f"{county}: the log is not as it was written")
        self.story.meanwhile("every life can still be told, and there is nothing left to show to anybody")

    async def _is_forgotten(self, play: Play) -> None:
        operator = self._operators[play.family.county]

        async def purged() -> bool:
            life = await operator.life(play.registration_id)
            return any(event["type"] == PURGED for event in life["events"])

        await until(purged, f"the forgetting of {play.family.id}", within=WITHIN / 2, every=EVERY)
        if seen := await play.seen_still():
            raise DidNotEndSo(f"{play.family.id} is forgotten, and {', '.join(seen)} can still see it")

    async def _key_in(self, play: Play, delivery: Told) -> None:
        one, other = self._pairs[play.family.county]
        folder = self._out / "documents" / str(play.registration_id)
        await one.release(delivery)
        saved = await one.download(delivery, folder)
        self._documents[play.family.id] = [_shown(path) for path in saved]
        self.story.tell(play.family.id, f"the package is released: {len(saved)} documents")
        await one.key_in(delivery)
        self.story.tell(play.family.id, "a member of staff has keyed it in")
        await other.verify(delivery)
        self.story.tell(play.family.id, "another has verified it")

    async def _delivery(self, play: Play, state: str, *, attempt: int = 1) -> Told:
        operator = self._operators[play.family.county]

        async def there() -> Told | None:
            deliveries = await operator.deliveries(play.registration_id)
            return next((each for each in deliveries if each["state"] == state and each["attempt"] >= attempt), None)

        return await until(there, f"a delivery of {play.family.id} that is {state}", within=WITHIN, every=EVERY)

    async def _sees(self, play: Play, these: set[str], but: Iterable[str] = ()) -> None:
        async def as_expected() -> bool:
            seen = await play.seen()
            return all(status in these for person, status in seen.items() if person not in but)

        try:
            await until(as_expected, "", within=WITHIN / 4, every=EVERY)
        except DidNotHappen:
            seen = sorted(set((await play.seen()).values()))
            raise DidNotEndSo(f"{play.family.id}: parents see {seen}, not {sorted(these)}") from None

    def _jump(self, moment: datetime, what: str) -> None:
        self._stack.clock.jump_to(moment)
        self.story.meanwhile(f"the clock goes on: {what}")

    def _those(self, such: Callable[[Family], bool]) -> list[Play]:
        return [play for play in self._plays if such(play.family)]

    def _servers(self, behaving: Cis) -> list[str]:
        counties = sorted({family.county for family in self.families if family.cis is behaving})
        found = [server_of(self._place.profiles, county) for county in counties]
        return [destination.name for destination in found if destination]

    def _staff(self, county: str, role: str) -> MemberOfStaff:
        return MemberOfStaff(self._place, f"{county}-{role}")


def _alone(play: Play) -> list[str]:
    """Whoever asked to be contacted alone: their own part is with the county, and they see it."""
    return [parent.person for parent in play.parents if parent.who.then is Then.ASKS_TO_BE_CONTACTED_ALONE]


def _shown(path: Path) -> str:
    """A path from the root of this checkout, where it is in it."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _confirms(delivery: Told) -> str:
    return f"{delivery['destination']} confirms: {delivery['receipt']}"


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(HERE):%d.%m.}"


async def _all(these: Iterable[Awaitable[Any]]) -> None:
    """All at the same time; the first that fails ends the others."""

    async def one(this: Awaitable[Any]) -> None:
        await this

    try:
        async with asyncio.TaskGroup() as together:
            for this in these:
                together.create_task(one(this))
    except* (DidNotEndSo, DidNotHappen, SaidNo) as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def main() -> int:
    """Play, tell, write `summary.json`; 1 where a family did not end as its file says."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / "var" / "demo", help="where data, logs and results go")
    parser.add_argument("--families", type=Path, default=FAMILIES, help="a folder of family files")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    options = parser.parse_args()
    end_on_signals()
    began, code = time.monotonic(), 1
    try:
        families = load_families(options.families)
        with Stack(options.directory, fresh=True, at=BEGINS, families_dir=options.families) as stack:
            code = _play(Demo(stack, families, options.directory.absolute()), options.directory, began)
            if options.keep:
                stay(stack)
    except (DidNotStart, FamilyUnreadable) as reason:
        print(reason, file=sys.stderr)  # noqa: T201 - the command's answer
    except KeyboardInterrupt:
        pass
    return code


def _play(demo: Demo, directory: Path, began: float) -> int:
    started = time.monotonic()
    try:
        ends = asyncio.run(demo.run())
    except (DidNotEndSo, DidNotHappen, SaidNo) as failed:
        demo.story.failed(f"The demo failed: {failed}")
        return 1
    summary = directory / "summary.json"
    summary.write_text(json.dumps([end.plain() for end in ends], indent=2, ensure_ascii=False))
    rows = [
        (family.id, end.county, end.adapter or "-", end.outcome.value, end.receipt or "-", str(end.events))
        for family, end in zip(demo.families, ends, strict=True)
    ]
    demo.story.close("How every family ended", ("family", "county", "adapter", "outcome", "receipt", "events"), rows)
    seconds = time.monotonic() - began
    demo.story.meanwhile(f"{len(ends)} families in {seconds:.0f} s, {started - began:.0f} of them to start; {summary}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
