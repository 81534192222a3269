from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from rinnan_chassis.operations import Operations
from rinnan_events.intake import (
    InvitationWanted,
    ParentJoined,
    ProtectionNoted,
    RegistrationOpened,
    SingleContactRequested,
)
from rinnan_events.invitation import Intention
from rinnan_events.opened import Contact

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}
ASKING: dict[str, Any] = {"county": "lapha", "contact": {"language": "ar", "phone": "+358401234567"}}


async def test_a_person_asks_alone_and_no_other_is_named_or_asked(house: House) -> None:
    answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT))
    assert (answer.status_code, list(answer.json())) == (201, ["registration_id"])
    said = [type(event) for event in await house.stage.said()]
    assert said == [RegistrationOpened, ParentJoined, ProtectionNoted, SingleContactRequested, ProtectionNoted]


async def test_who_asks_alone_is_part_of_their_registration_and_their_contact_is_their_own(house: House) -> None:
    answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT))
    registration = answer.json()["registration_id"]
    own = await house.http.get("/registrations", headers=house.as_person(BERT))
    seen = await house.http.get(f"/registrations/{registration}", headers=await house.enters(BERT, registration))
    assert [each["registration_id"] for each in own.json()] == [registration]
    assert seen.json()["own"]["asked_alone_at"]
    asked = (await house.stage.said_of(SingleContactRequested))[0]
    contact = await house.stage.open(asked.contact, Contact, subject=UUID(registration), party=asked.party_id)
    assert contact.phone == "+358401234567"


@pytest.mark.parametrize("before", ["is expected", "is here", "left", "declined", "is shown it no longer"])
async def test_a_person_asks_alone_whatever_they_were_part_of(house: House, before: str) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    if before in {"is here", "left", "is shown it no longer"}:
        await house.starts(BERT, AINO)
    if before == "left":
        token = await house.enters(BERT, registration)
        await house.http.post(f"/registrations/{registration}/departure", headers=token)
    if before == "declined":
        await house.presents(registration, await house.takes_ticket(BERT), Intention.DECLINE)
    if before == "is shown it no longer":
        house.stage.clock.pass_by(days=15)
        await house.stage.works()
        house.stage.clock.pass_by(days=60)
        assert (await house.http.get("/registrations", headers=house.as_person(BERT))).json() == []
    asked = len(await house.stage.said_of(InvitationWanted))
    answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT))
    assert answer.status_code == 201
    assert answer.json()["registration_id"] != registration
    assert len(await house.stage.said_of(InvitationWanted)) == asked


async def test_asking_alone_twice_is_asking_once_with_and_without_a_key(house: House) -> None:
    answers = [
        await house.http.post("/single-contact", json=ASKING, headers={**house.as_person(BERT), **key})
        for key in ({"Idempotency-Key": "one"}, {"Idempotency-Key": "one"}, {"Idempotency-Key": "two"}, {})
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert len(await house.stage.said_of(SingleContactRequested)) == 1


async def test_one_key_asks_for_one_contact(house: House) -> None:
    headers = {**house.as_person(BERT), "Idempotency-Key": "one"}
    await house.http.post("/single-contact", json=ASKING, headers=headers)
    other = {**ASKING, "contact": {"language": "fi", "phone": "+358401234568"}}
    answer = await house.http.post("/single-contact", json=other, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "chassis.idempotency_key_reused")


async def test_so_many_askings_open_a_day_and_the_next_is_refused_by_name(house: House) -> None:
    for _ in range(house.profiles.county("lapha").starts_per_day):
        answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT))
        registration = answer.json()["registration_id"]
        token = await house.enters(BERT, registration)
        await house.http.post(f"/registrations/{registration}/departure", headers=token)
    answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT))
    assert (answer.status_code, answer.json()["code"]) == (429, "intake.too_many_starts")


async def test_weak_identification_asks_for_nobody(house: House) -> None:
    answer = await house.http.post("/single-contact", json=ASKING, headers=house.as_person(BERT, strong=False))
    assert (answer.status_code, answer.json()["code"]) == (403, "intake.not_strongly_identified")


async def test_a_professional_asks_for_a_caller_and_it_is_kept_that_they_did(house: House) -> None:
    body = {**ASKING, "person": BERT}
    answer = await house.http.post("/assisted/single-contact", json=body, headers=house.as_staff("act"))
    registration = answer.json()["registration_id"]
    assert answer.status_code == 201
    assert await house.stage.said_of(InvitationWanted) == []
    party = await house.party_of(BERT, registration)
    acts = await Operations(house.stage.batches).acts(UUID(registration))
    assert [(act["verb"], act["why"], act["thing"]) for act in acts] == [("acts_for_a_caller", "single_contact", party)]


async def test_staff_of_another_county_or_without_the_right_ask_for_nobody(house: House) -> None:
    body = {**ASKING, "person": BERT}
    for staff in (house.as_staff("act", county="pirha"), house.as_staff("life bodies protected")):
        assert (await house.http.post("/assisted/single-contact", json=body, headers=staff)).status_code == 403
