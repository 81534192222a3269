"""Law 3, Never lost, never doubled: kill anything at any moment; each registration takes effect exactly once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rinnan_host.port import DeliveryKey
from rinnan_local.families import Arrives, Family
from rinnan_local.parents import Parent
from rinnan_local.play import Play
from rinnan_local.player import SaidNo
from rinnan_local.staff import MemberOfStaff
from tests.laws.conftest import House, run

pytestmark = [pytest.mark.stack, pytest.mark.slow]

BETWEEN_FAMILIES = 0.8  # real seconds
PATIENCE = timedelta(minutes=3)
ENGINES = ("kafka", "postgres")
LATE_SECONDS = 5.0  # longer than the slow system is waited for: it commits, and nobody hears the answer
AT_REST = frozenset({"confirmed", "verified", "cancelled"})
A_WHILE = timedelta(minutes=7)
LONGEST_LEASE = 150.0  # real seconds, and a little: a killed process's work is taken up when its lease has run out

Operators = Mapping[str, MemberOfStaff]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one registration ended."""

    family: Family
    registration_id: UUID
    deliveries: list[Mapping[str, Any]]
    letters: Mapping[Arrives, list[int]]


@dataclass(frozen=True, slots=True)
class Chaos:
    """What was killed, and what became of every registration."""

    killed: list[str]
    ended: list[Ended]
    effects: Mapping[str, Mapping[str, int]]


@pytest.fixture(scope="module")
def chaos(house: House) -> Chaos:
    """Fifty registrations while every process is killed once, without warning, and brought back."""
    return run(_chaos(house))


async def _chaos(house: House) -> Chaos:
    await house.wait_for_morning()
    async with AsyncExitStack() as entered:
        plays = [
            await entered.enter_async_context(house.play(family, patience=PATIENCE)) for family in house.cast.chaos
        ]
        await _slow_down(house)
        async with asyncio.TaskGroup() as together:
            killing = together.create_task(_kill_everything(house))
            for number, play in enumerate(plays):
                for parent in play.parents:
                    together.create_task(_registers(parent, after=number * BETWEEN_FAMILIES))
        counties = {play.family.county for play in plays}
        operators = {county: await entered.enter_async_context(house.staff(county, "operator")) for county in counties}
        await _settle(house, plays, operators)
        ended = [await _ended(play, operators[play.family.county]) for play in plays]
        async with house.systems() as systems:
            servers = {house.server(place) for place in (house.places.system, house.places.slow)}
            effects = {server: await systems.effects(server) for server in servers}
            await systems.behave(house.server(house.places.slow))
    return Chaos(killing.result(), ended, effects)


async def _ended(play: Play, operator: MemberOfStaff) -> Ended:
    deliveries = await operator.deliveries(play.registration_id)
    letters = {
        arrives: [len(await parent.letters()) for parent in play.parents if parent.who.arrives is arrives]
        for arrives in Arrives
    }
    return Ended(play.family, play.registration_id, deliveries, letters)


async def _registers(parent: Parent, *, after: float) -> None:
    """One parent's whole part, by somebody who tries again what did not work."""
    await asyncio.sleep(after)
    if parent.who.arrives is Arrives.STARTS:
        await parent.start()
    else:
        await parent.join(within=PATIENCE.total_seconds())
    for step in (parent.fill_form, parent.screen, parent.consent, parent.submit):
        await _again_if_it_was_done_already(step)


async def _again_if_it_was_done_already(step: Callable[[], Awaitable[None]]) -> None:
    """A repeat whose first try took effect may meet its own change; then a person reloads the page and goes on."""
    try:
        await step()
    except SaidNo as no:
        if no.status not in {409, 412}:
            raise
        await step()


async def _kill_everything(house: House) -> list[str]:
    """Engines one after the other, then everything else in two lanes at once. Returns what was killed."""
    names = [name for name in house.stack.daemons if name not in ENGINES]
    await asyncio.sleep(6 * BETWEEN_FAMILIES)
    await _kill_each(house, ENGINES)
    async with asyncio.TaskGroup() as lanes:
        lanes.create_task(_kill_each(house, names[::2]))
        lanes.create_task(_kill_each(house, names[1::2]))
    return [*ENGINES, *names]


async def _kill_each(house: House, names: Sequence[str]) -> None:
    for name in names:
        house.stack.kill(name)
        await asyncio.sleep(0.5)
        await house.stack.comes_back(name)
        if name == "cis_simulator":
            await _slow_down(house)


async def _slow_down(house: House) -> None:
    """The simulator forgets how it was to behave when it is killed, and nothing that it holds."""
    async with house.systems() as systems:
        await systems.behave(house.server(house.places.slow), answer_after_seconds=LATE_SECONDS)


async def _settle(house: House, plays: list[Play], operators: Operators) -> None:
    """Let time pass, and people key in what lies on paper, until every delivery is over."""
    waiting, last = plays, time.monotonic() + LONGEST_LEASE
    while waiting := [play for play in waiting if not await _is_over(house, play, operators)]:
        if time.monotonic() > last:
            raise AssertionError(f"these did not come to an end: {[play.family.id for play in waiting]}")
        await asyncio.sleep(1)
        await house.let_pass(A_WHILE)


async def _is_over(house: House, play: Play, operators: Operators) -> bool:
    deliveries = await operators[play.family.county].deliveries(play.registration_id)
    for delivery in deliveries:
        if delivery["state"] == "prepared":
            await _key_in(house, play.family.county, delivery)
    return bool(deliveries) and all(delivery["state"] in AT_REST for delivery in deliveries)


async def _key_in(house: House, county: str, delivery: Mapping[str, Any]) -> None:
    async with house.staff(county, "supervisor-one") as one, house.staff(county, "supervisor-two") as other:
        await one.release(delivery)
        await one.key_in(delivery)
        await other.verify(delivery)


def effects_of(chaos: Chaos, ended: Ended, server: str) -> int:
    """How many things at a system bear the identifier of this registration's delivery."""
    key = DeliveryKey(ended.registration_id, None, ended.family.county, server)
    return chaos.effects[server].get(f"urn:uuid:{key.delivery}", 0)


def test_every_process_was_killed(house: House, chaos: Chaos) -> None:
    assert sorted(chaos.killed) == sorted(house.stack.daemons)


def test_every_registration_took_effect_exactly_once(chaos: Chaos) -> None:
    for ended in chaos.ended:
        states = Counter(delivery["state"] for delivery in ended.deliveries)
        assert states["confirmed"] + states["verified"] == 1, (ended.family.id, states)
        assert states.total() == 1 + states["cancelled"], (ended.family.id, states)


def test_every_system_holds_each_registration_that_it_confirmed_once_and_no_other(house: House, chaos: Chaos) -> None:
    for place in (house.places.system, house.places.slow):
        server = house.server(place)
        for ended in (ended for ended in chaos.ended if ended.family.county == place):
            confirmed = any(delivery["state"] == "confirmed" for delivery in ended.deliveries)
            assert effects_of(chaos, ended, server) == int(confirmed), ended.family.id
        assert set(chaos.effects[server].values()) == {1}


def test_what_the_slow_system_took_without_an_answer_in_time_was_found_there(house: House, chaos: Chaos) -> None:
    slow = [ended for ended in chaos.ended if ended.family.county == house.places.slow]
    assert len(slow) == 10
    for ended in slow:
        assert [delivery["receipt"] is not None for delivery in ended.deliveries] == [True]


def test_nobody_has_two_registrations(chaos: Chaos) -> None:
    assert len({ended.registration_id for ended in chaos.ended}) == len(chaos.ended) == 50


def test_who_was_asked_got_one_letter_and_nobody_got_two(chaos: Chaos) -> None:
    for ended in chaos.ended:
        assert set(ended.letters[Arrives.JOINS_BY_CODE]) <= {1}, ended.family.id
        assert set(ended.letters[Arrives.STARTS]) <= {0, 1}, ended.family.id


@pytest.mark.parametrize(
    "question",
    ["dead_letter", "parked", "subject where held_at is not null", "work where state = 'stuck'"],
    ids=["no dead letter", "nothing parked", "nobody held", "no work stuck"],
)
async def test_nothing_was_set_aside(house: House, chaos: Chaos, question: str) -> None:
    rooms = await house.rows("select table_schema from information_schema.tables where table_name = 'dead_letter'")
    assert len(rooms) > 6
    for room in rooms:
        found = await house.rows(f"select * from {room['table_schema']}.{question}")  # noqa: S608 - our own names
        assert not found, room["table_schema"]


async def test_a_system_that_doubles_what_it_took_is_found_out_by_counting(house: House) -> None:
    place = house.places.system
    async with house.systems() as systems, house.staff(place, "operator") as operator:
        await systems.behave(house.server(place), mood="doubles")
        try:
            async with house.played(house.cast.doubled) as play:
                delivery = await house.delivery(operator, play.registration_id, "confirmed")
        finally:
            await systems.behave(house.server(place))
    assert delivery["doubled"]
