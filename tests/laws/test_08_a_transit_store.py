"""Law 8, A transit store: confirm, then forget; what is left is unreadable because its key is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from rinnan_events import Group
from rinnan_local.player import SaidNo, until
from rinnan_local.staff import MemberOfStaff, renderer
from tests.laws import wire
from tests.laws.conftest import House, run

pytestmark = [pytest.mark.stack, pytest.mark.slow]

HALF_OF_LONGER_THAN_ANY_PROMISE = timedelta(days=35)
LEFTOVERS = {  # by table
    "subject": "state is not null and id",
    "work": "state <> 'done' and subject",
    "document": "registration_id",
}
READ, GONE = 200, 404
NOBODYS = UUID(int=0)  # the party under which the keyring keeps a registration's own keys


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Registrations after their day: one went to a system, one lay on paper, one was never answered."""

    registrations: Mapping[str, UUID]
    looks: list[int]
    said: Mapping[UUID, list[wire.Message]]


@pytest.fixture(scope="module")
def forgotten(house: House) -> Forgotten:
    """Played, settled, and let lie for longer than any county keeps anything."""
    return run(_forgotten(house))


async def _forgotten(house: House) -> Forgotten:
    await house.wait_for_morning()
    async with AsyncExitStack() as entered:
        delivered = await entered.enter_async_context(house.played(house.cast.forgotten))
        on_paper = await entered.enter_async_context(house.played(house.cast.shelved))
        unanswered = await entered.enter_async_context(house.play(house.cast.unanswered))
        operator = await entered.enter_async_context(house.staff(house.places.system, "operator"))
        on_paper_operator = await entered.enter_async_context(house.staff(house.places.paper, "operator"))
        await unanswered.parents[0].start()
        await unanswered.parents[0].fill_form()
        plays = {"delivered": delivered, "on paper": on_paper, "unanswered": unanswered}
        found = {what: play.registration_id for what, play in plays.items()}
        await house.delivery(operator, found["delivered"], "confirmed")
        keyed_in = await _key_in(house, found["on paper"])
        for registration_id in found.values():
            assert await live_keys(house, registration_id)
        await house.let_pass(HALF_OF_LONGER_THAN_ANY_PROMISE)
        await _said(operator, found["unanswered"], "intake.registration_ended.v1")
        await _said(on_paper_operator, found["on paper"], "intake.registration_purged.v1")
        looks = await _looks_at(house, keyed_in)
        await house.let_pass(HALF_OF_LONGER_THAN_ANY_PROMISE)
        for what in ("delivered", "unanswered"):
            await _said(operator, found[what], "intake.registration_purged.v1")
    messages = await wire.everything_said(house.stack.kafka_servers)
    return Forgotten(found, looks, {each: wire.of(messages, each) for each in found.values()})


async def _key_in(house: House, registration_id: UUID) -> Mapping[str, Any]:
    """A package through its whole life; every document of it can be read until then."""
    place = house.places.paper
    async with house.staff(place, "supervisor-one") as one, house.staff(place, "supervisor-two") as other:
        delivery = await house.delivery(one, registration_id, "prepared")
        await one.release(delivery)
        for paper in await one.documents(delivery):
            assert await one.read(delivery, paper)
        await one.key_in(delivery)
        await other.verify(delivery)
        return delivery


async def _looks_at(house: House, delivery: Mapping[str, Any]) -> list[int]:
    """What somebody with every right is answered who asks for each document that still lies there."""
    host = renderer(delivery)
    house.stack.kill(host)  # a process remembers a key for a minute; one that starts anew remembers nothing
    await house.stack.comes_back(host)
    answers: list[int] = []
    async with house.staff(house.places.paper, "supervisor-one") as everything_allowed:
        for paper in await everything_allowed.documents(delivery):
            try:
                await everything_allowed.read(delivery, paper)
            except SaidNo as no:
                answers.append(no.status)
            else:
                answers.append(READ)
    return answers


async def _said(operator: MemberOfStaff, registration_id: UUID, event: str) -> None:
    async def heard() -> bool:
        life = await operator.life(registration_id)
        return any(each["type"] == event for each in life["events"])

    await until(heard, event, within=60)


async def live_keys(house: House, registration_id: UUID) -> int:
    """How many keys of a registration still open anything."""
    total = 0
    for group in Group:
        live = f"select count(*) from keyring.key_{group} where subject = $1 and wrapped is not null"  # noqa: S608 - ours
        (row,) = await house.rows(live, registration_id)
        total += row[0]
    return total


def parties_of(said: list[wire.Message]) -> list[UUID]:
    """Both parties, and nobody, as the keyring names them."""
    (opened,) = (message for message in said if message.type == "intake.registration_opened.v1")
    parties: Any = opened.clear["party_ids"]
    return [NOBODYS, *(UUID(party) for party in parties)]


def seals_in(said: list[wire.Message]) -> Iterator[Mapping[str, Any]]:
    """The protected header of every part that ever travelled under a seal."""
    for message in said:
        for value in message.clear.values():
            if isinstance(value, str) and value.count(".") == 4:
                yield orjson.loads(wire.base64url(value.partition(".")[0]))


async def test_in_place_of_every_key_that_ever_was_or_could_be_there_is_a_tombstone(
    house: House, forgotten: Forgotten
) -> None:
    for registration_id, said in forgotten.said.items():
        assert await live_keys(house, registration_id) == 0
        for group in Group:
            rows = await house.rows(f"select party from keyring.key_{group} where subject = $1", registration_id)  # noqa: S608 - ours
            assert {row["party"] for row in rows} == set(parties_of(said)), group


async def test_whatever_travelled_sealed_is_under_a_key_that_is_gone(house: House, forgotten: Forgotten) -> None:
    for registration_id, said in forgotten.said.items():
        seals = list(seals_in(said))
        assert seals
        for seal in seals:
            assert seal["sub"] == str(registration_id)
            (row,) = await house.rows(
                f"select wrapped from keyring.key_{Group(seal['grp'])} where subject = $1 and party = $2",  # noqa: S608 - ours
                registration_id,
                UUID(seal["pty"] or NOBODYS.hex),
            )
            assert row["wrapped"] is None


def test_nobody_reads_a_paper_of_it_any_more_though_it_lies_there(forgotten: Forgotten) -> None:
    assert forgotten.looks == [GONE] * 15


async def test_no_room_keeps_more_of_it_than_an_empty_tombstone(house: House, forgotten: Forgotten) -> None:
    tables = await house.rows(
        "select table_schema as room, table_name as name from information_schema.tables where table_name = any($1)",
        list(LEFTOVERS),
    )
    assert {table["name"] for table in tables} == set(LEFTOVERS)
    for table in tables:
        place = f"{table['room']}.{table['name']}"
        left = f"select 1 from {place} where {LEFTOVERS[table['name']]} = any($1::uuid[])"  # noqa: S608 - our own names

        async def emptied(left: str = left) -> bool:
            return not await house.rows(left, list(forgotten.registrations.values()))

        await until(emptied, f"{place} has forgotten it")
