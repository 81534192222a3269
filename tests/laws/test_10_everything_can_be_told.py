"""Law 10, Everything can be told: a life from ids, types and times alone, and a log that shows when it was edited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest

from rinnan_local.player import until
from tests.laws import wire
from tests.laws.conftest import House, run
from tests.laws.people import telling

pytestmark = [pytest.mark.stack, pytest.mark.slow]

EDITS = {  # what somebody with every right to the table might do to one row, and how to take it back
    "its time": (
        "set heard_at = heard_at + interval '1 second'",
        "set heard_at = heard_at - interval '1 second'",
    ),
    "its type": ("set type = type || '.'", "set type = rtrim(type, '.')"),
    "its facts": ("set clear = (clear::text || ' ')::json", "set clear = rtrim(clear::text)::json"),
    "its sealed body": ("set body = body || '\\x20'", "set body = substring(body for length(body) - 1)"),
    "its place": ("set position = -position", "set position = -position"),
}
RECENT = 5  # entries before the head: what is older may have let go of its body, as its topic has


@dataclass(frozen=True, slots=True)
class Told:
    """One registration: its life as staff are told it, its deliveries in the ledger, and what was really said."""

    life: Mapping[str, Any]
    ledger: list[Mapping[str, Any]]
    said: list[wire.Message]


@pytest.fixture(scope="module")
def told(house: House) -> list[Told]:
    """Every registration that was ever played here."""
    return run(_told(house))


async def _told(house: House) -> list[Told]:
    await house.wait_for_morning()
    async with house.played(house.cast.told) as play, house.staff(play.family.county, "operator") as operator:

        async def whole() -> bool:
            life = await operator.life(play.registration_id)
            return any(delivery["state"] == "confirmed" for delivery in life["deliveries"])

        await until(whole, "the log has heard of the delivery", within=60)
    said: dict[str, list[wire.Message]] = defaultdict(list)
    for message in await wire.everything_said(house.stack.kafka_servers):
        said[(message.key or b"").decode()].append(message)
    counties = {
        key: str(message.clear["county"])
        for key, messages in said.items()
        for message in messages
        if message.type == "intake.registration_opened.v1"
    }
    found: list[Told] = []
    for county in (house.places.system, house.places.slow, house.places.paper):
        async with house.staff(county, "operator") as operator:
            for key in (key for key, known in counties.items() if known == county):
                life, ledger = await operator.life(UUID(key)), await operator.deliveries(UUID(key))
                found.append(Told(life, ledger, wire.first_times(said[key])))
    return found


def test_a_life_is_all_that_was_said_and_nothing_else(told: list[Told]) -> None:
    assert told
    for one in told:
        heard = [(event["topic"], event["id"], event["type"]) for event in one.life["events"]]
        assert sorted(heard) == sorted((each.topic, each.headers["ce_id"].decode(), each.type) for each in one.said)


def test_what_one_room_said_is_told_in_the_order_in_which_it_was_said(told: list[Told]) -> None:
    for one in told:
        for topic in {message.topic for message in one.said}:
            heard = [event["id"] for event in one.life["events"] if event["topic"] == topic]
            assert heard == [each.headers["ce_id"].decode() for each in one.said if each.topic == topic]


def test_nothing_is_told_before_what_led_to_it(told: list[Told]) -> None:
    for one in told:
        ids = [event["id"] for event in one.life["events"]]
        for place, event in enumerate(one.life["events"]):
            assert event["cause"] not in ids[place:]


def test_the_log_alone_tells_where_every_delivery_stands(told: list[Told]) -> None:
    for one in told:
        known = {each["delivery_id"]: (each["party_id"], each["state"]) for each in one.life["deliveries"]}
        assert known.items() >= {each["delivery_id"]: (each["party_id"], each["state"]) for each in one.ledger}.items()


def test_every_event_is_told_in_a_sentence_of_its_own_kind(told: list[Told]) -> None:
    for one in told:
        for event in one.life["events"]:
            assert event["sentence"]
            assert event["type"] not in event["sentence"]


def test_a_life_tells_nothing_personal(house: House, told: list[Told]) -> None:
    lives = orjson.dumps([one.life for one in told]).decode()
    assert not [whose for text, whose in telling(house.cast.everybody()).items() if text in lives]


@pytest.mark.parametrize(("does", "takes_back"), EDITS.values(), ids=EDITS)
async def test_an_edited_entry_is_found_at_its_place(
    house: House, told: list[Told], does: str, takes_back: str
) -> None:
    async with house.staff(house.places.system, "operator") as operator:
        before = await operator.log_is_whole()
        assert before["whole"]
        assert before["entries"] >= sum(len(one.said) for one in told)
        place = before["position"] - RECENT
        await house.rows(f"update event_log.entry {does} where position = $1", place)
        try:
            found = await operator.log_is_whole()
        finally:
            await house.rows(f"update event_log.entry {takes_back} where abs(position) = $1", place)
        assert (found["whole"], found["broken_at"]) == (False, place)
        assert (await operator.log_is_whole())["whole"]
