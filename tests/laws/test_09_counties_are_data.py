"""Law 9, Counties are data: a folder of configuration is all that a new county takes."""

from __future__ import annotations

import pytest

from rinnan_local.player import until
from tests.laws import wire
from tests.laws.cast import NEW_COUNTY
from tests.laws.conftest import House

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_a_county_that_no_code_has_heard_of_registers_a_family(house: House) -> None:
    await house.wait_for_morning()
    async with house.played(house.cast.newcomer) as play:

        async def rendered() -> list[wire.Message]:
            said = wire.of(await wire.everything_said(house.stack.kafka_servers), play.registration_id)
            return [message for message in said if message.clear.get("outcome") == "package_rendered"]

        (outcome,) = await until(rendered, "a package", within=60, every=1)
    assert str(outcome.clear["destination"]).startswith(NEW_COUNTY)
