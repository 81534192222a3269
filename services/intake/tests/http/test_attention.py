from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rinnan_events.intake import RegistrationCompleted, RegistrationEnded

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}


async def heard_after_the_ending(house: House) -> str:
    """Both gave in everything on the first day, and intake's ear was away until the registration had ended."""
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    await house.starts(BERT, AINO)
    for person in (AINO, BERT):
        await house.fills_in(registration, await house.enters(person, registration))
    parties = [await house.party_of(person, registration) for person in (AINO, BERT)]
    given_at = house.stage.clock.now()
    house.stage.clock.pass_by(days=15)
    await house.stage.works()
    for party in parties:
        await house.is_screened_and_consents(registration, party, at=given_at)
    await house.stage.works()
    return registration


async def test_staff_deliver_what_both_completed_in_time_and_parents_are_shown_the_ending(house: House) -> None:
    registration = await heard_after_the_ending(house)
    staff, url = house.as_staff("life act"), f"/attention/{registration}/heard_after_ending"
    waits = (await house.http.get("/attention", headers=staff)).json()
    taken_up = await house.http.post(url, headers=staff)
    delivered = await house.http.post(f"{url}/delivery", headers=staff)
    await house.stage.works()
    assert [(each["registration_id"], each["doubt"], each["still_to_be_delivered"]) for each in waits] == [
        (registration, "heard_after_ending", True)
    ]
    assert (taken_up.status_code, taken_up.json()["code"]) == (409, "intake.still_to_be_delivered")
    assert (delivered.status_code, delivered.json()) == (200, {"doubt": "heard_after_ending"})
    assert (await house.http.get("/attention", headers=staff)).json() == []
    said = await house.stage.said()
    assert [type(each) for each in said[-2:]] == [RegistrationEnded, RegistrationCompleted]
    for person in (AINO, BERT):
        token = await house.enters(person, registration)
        assert (await house.http.get(f"/registrations/{registration}", headers=token)).json()["status"] == "closed"


async def test_who_delivered_or_took_up_is_told_with_the_rooms_operations(house: House) -> None:
    registration = UUID(await heard_after_the_ending(house))
    url = f"/attention/{registration}"
    await house.http.post(f"{url}/heard_after_ending/delivery", headers=house.as_staff("act"))
    await house.stage.works()
    house.stage.clock.pass_by(days=60)
    await house.stage.works()
    await house.http.post(f"{url}/unsettled_at_purge", headers=house.as_staff("act"))
    acts = await house.stage.operations.acts(registration)
    assert [(act["by"].rpartition("#")[2], act["verb"], act["why"]) for act in acts] == [
        ("s-17", "delivered_after_ending", "heard_after_ending"),
        ("s-17", "doubt_taken_up", "unsettled_at_purge"),
    ]


async def test_staff_without_the_right_or_of_another_county_neither_take_up_nor_deliver(house: House) -> None:
    registration = await heard_after_the_ending(house)
    for staff, status in ((house.as_staff("life"), 403), (house.as_staff("act", county="pirha"), 404)):
        for url in ("heard_after_ending", "heard_after_ending/delivery"):
            answer = await house.http.post(f"/attention/{registration}/{url}", headers=staff)
            assert answer.status_code == status
    await house.stage.works()
    assert await house.stage.said_of(RegistrationCompleted) == []


async def test_a_held_registration_is_delivered_once_it_is_released(house: House) -> None:
    registration = UUID(await heard_after_the_ending(house))
    database = house.stage.batches.database
    await database.execute("update subject set held_at = now() where id = $1", registration)
    delivered = await house.http.post(
        f"/attention/{registration}/heard_after_ending/delivery", headers=house.as_staff("act")
    )
    await house.stage.works()
    assert (delivered.status_code, await house.stage.said_of(RegistrationCompleted)) == (200, [])
    await database.execute("update subject set held_at = null where id = $1", registration)
    await house.stage.works()
    assert len(await house.stage.said_of(RegistrationCompleted)) == 1


async def test_whole_at_the_closing_it_completes_and_lets_go_of_the_pair_at_the_full_hour(house: House) -> None:
    registration = await house.both_complete(gate_is_due=False)
    house.stage.clock.pass_by(days=15)
    await house.stage.works()
    assert await house.stage.said_of(RegistrationEnded) == []
    assert len(await house.stage.said_of(RegistrationCompleted)) == 1
    house.stage.clock.move(house.stage.clock.now() + timedelta(hours=1))
    await house.stage.works()
    assert (await house.starts(AINO, BERT)).json()["registration_id"] != registration
