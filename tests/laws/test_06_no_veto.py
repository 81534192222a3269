"""Law 6, No veto: silence, refusal or withdrawal of one parent never traps the other, who may ask alone at any time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rinnan_local.player import until
from tests.laws.conftest import PASSED, House

pytestmark = [pytest.mark.stack, pytest.mark.slow]

STRAGGLERS = timedelta(minutes=2)  # what one who asks alone has said just before is let come first


async def test_whoever_asks_to_be_contacted_alone_reaches_the_county_before_and_after_the_ending(house: House) -> None:
    await house.wait_for_morning()
    place = house.places.system
    async with house.play(house.cast.alone) as play, house.staff(place, "operator") as operator:
        one, other = play.parents
        await one.start()
        await one.fill_form()
        await one.submit()
        assert await one.ask_to_be_contacted_alone() == one.registration_id
        await house.delivery(operator, play.registration_id, "planned")
        await house.let_pass(STRAGGLERS)
        delivered = await house.delivery(operator, play.registration_id, "confirmed")
        assert delivered["party_id"] == str(one.party_id)

        await other.join()
        assert (await other.see())["status"] == "open"
        await house.reach(house.county(place).ending_at(await play.deadline()) + PASSED)

        async def closed() -> bool:
            return (await other.see())["status"] == "closed"

        await until(closed, "the ending")
        own = await other.ask_to_be_contacted_alone()
        assert own != other.registration_id
        await house.delivery(operator, own, "planned")
        await house.let_pass(STRAGGLERS)
        assert (await house.delivery(operator, own, "confirmed"))["party_id"] is not None


async def test_whoever_asks_alone_without_naming_another_reaches_the_county_and_nobody_is_written_to(
    house: House,
) -> None:
    await house.wait_for_morning()
    place = house.places.system
    async with house.play(house.cast.outside) as play, house.staff(place, "operator") as operator:
        one, other = play.parents
        asked = await one.ask_alone_from_outside()
        await house.delivery(operator, asked, "planned")
        await house.let_pass(STRAGGLERS)
        assert (await one.see())["own"]["party_id"] == str(one.party_id)
        assert (await house.delivery(operator, asked, "confirmed"))["party_id"] == str(one.party_id)
        assert await other.letters() == []
