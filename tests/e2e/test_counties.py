"""What is held in a room is there for the staff of its own county, and for nobody of another."""

from __future__ import annotations

import pytest

from rinnan_events.intake import RegistrationOpened
from tests.e2e.house import COUNTY, House

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]
OPERATE = "life operate"


async def listed(house: House, room: str, rights: str = "life", county: str = COUNTY) -> int:
    answer = await house.rooms[room].http.get("/operations/held", headers=house.as_staff(rights, county=county))
    return len(answer.json())


async def hold(house: House, room: str) -> None:
    """Hold the registration, whether or not the room has heard of it."""
    await house.rooms[room].stage.batches.database.execute(
        "insert into subject (id, held_at) values ($1, now()) on conflict (id) do update set held_at = now()",
        house.registration,
    )


@pytest.mark.parametrize("room", ["intake", "invitation", "record_export"])
async def test_a_room_that_knows_the_county_shows_what_is_held_to_its_staff(house: House, room: str) -> None:
    opened = await house.rooms["intake"].stage.said_of(RegistrationOpened)
    if room == "invitation":
        await house.rooms[room].stage.hears(*opened)
    await hold(house, room)
    assert [await listed(house, room), await listed(house, room, OPERATE, county="pirha")] == [1, 0]


@pytest.mark.parametrize("room", ["consent", "risk_screening"])
async def test_a_room_that_knows_no_county_shows_it_to_an_operator_of_the_installation(house: House, room: str) -> None:
    await hold(house, room)
    assert [await listed(house, room), await listed(house, room, OPERATE, county="pirha")] == [0, 1]


async def test_a_host_shows_what_is_held_to_its_own_county(house: House) -> None:
    hosts = [name for name in house.rooms if name.startswith("adapter_")]
    shown: dict[str, list[str]] = {}
    for host in hosts:
        await hold(house, host)
        shown[host] = [county for county in ("lapha", "pirha", "vakehyva") if await listed(house, host, county=county)]
    assert all(len(counties) == 1 for counties in shown.values()), shown
    assert len({county for counties in shown.values() for county in counties}) > 1
