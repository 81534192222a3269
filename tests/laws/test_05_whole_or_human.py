"""Law 5, Whole or human: nobody gets past missing mandatory data; not wanting or not being able to answer is whole."""

from __future__ import annotations

import orjson
import pytest

from rinnan_local.player import SaidNo
from rinnan_profiles.answers import CANNOT_SAFELY, PREFER_NOT
from tests.laws.conftest import House

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_a_missing_page_is_refused_by_name_and_a_form_of_refusals_to_answer_is_delivered(house: House) -> None:
    await house.wait_for_morning()
    server = house.server(house.places.system)
    async with house.systems() as systems, house.play(house.cast.whole) as play:
        await systems.behave(server, keeps_bodies=True)
        one, other = play.parents
        await one.start()
        await one.fill_form()
        form = await one.form()
        await one.save_page(form.steps[0].id, {"answers": {}})
        with pytest.raises(SaidNo, match=r"422 intake\.missing /[a-z/_]+: intake\.missing") as refused:
            await one.submit()
        assert refused.value.status == 422
        assert not (await one.see())["own"]["given_in"]
        await one.complete()
        await other.join()
        await other.complete()
        async with house.staff(house.places.system, "operator") as operator:
            await house.delivery(operator, play.registration_id, "confirmed")
        (body,) = await house.bodies(server, play.registration_id)
    answered = {
        answer["valueCoding"]["code"]
        for entry in orjson.loads(body)["entry"]
        if entry["resource"]["resourceType"] == "QuestionnaireResponse"
        for item in entry["resource"]["item"]
        for answer in item.get("answer", ())
    }
    assert {PREFER_NOT, CANNOT_SAFELY} <= answered
