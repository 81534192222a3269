"""Once a registration is shown no more, nobody can ask any room of it: what rooms would answer depends on the other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rinnan_events.intake import RegistrationPurged
from tests.e2e.house import House, bearer
from tests.e2e.test_doors import kind_of, knock

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def answered(house: House, token: dict[str, str]) -> set[int]:
    """What every room that takes party tokens answers to this one."""
    addresses = [
        f"{name} {how} {path}" for name, how, path, operation in house.operations() if kind_of(operation) == "party"
    ]
    assert {address.partition(" ")[0] for address in addresses} == {"intake", "invitation", "consent", "risk_screening"}
    return {(await knock(house, address, token)).status_code for address in addresses}


async def ends(house: House) -> datetime:
    """The registration of the house ends; the moment until which it is shown."""
    intake = house.rooms["intake"].stage
    house.clock.pass_by(days=15)
    await intake.works()
    state = await intake.state(house.registration)
    assert state
    return state.shown_until


async def test_the_last_token_is_over_in_every_room_before_the_registration_is_forgotten(house: House) -> None:
    intake = house.rooms["intake"]
    shown_until = await ends(house)
    house.clock.move(shown_until - timedelta(minutes=1))
    issued = await intake.http.post(f"/registrations/{house.registration}/token", headers=house.as_person())
    last = bearer(issued.json()["token"])
    assert 401 not in await answered(house, last)
    house.clock.move(shown_until)
    await intake.stage.works()
    assert await answered(house, last) == {401}
    assert await intake.stage.said_of(RegistrationPurged) == []
    house.clock.pass_by(minutes=2)
    await intake.stage.works()
    assert len(await intake.stage.said_of(RegistrationPurged)) == 1
