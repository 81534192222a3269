from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rinnan_events.intake import FormSubmitted, PartyLeft, RegistrationPurged, SingleContactRequested
from rinnan_events.opened import Contact, OwnForm

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}


async def test_drafts_are_read_back_by_their_owner(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    token = await house.enters(AINO, registration)
    children = await house.http.get(f"/registrations/{registration}/children", headers=token)
    assert [child["given_names"] for child in children.json()["children"]] == ["Ylva"]
    step = house.profiles.form("first_information.1").steps[0].id
    body = {"answers": {}, "services": []}
    await house.http.put(f"/registrations/{registration}/form/{step}", json=body, headers=token)
    assert (await house.http.get(f"/registrations/{registration}/form/{step}", headers=token)).json() == body


async def test_a_whole_form_is_submitted_and_opens_for_who_may_open_it(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    answer = await house.fills_in(registration, await house.enters(AINO, registration))
    assert (answer.status_code, answer.json()["given_in"]) == (200, True)
    said = (await house.stage.said_of(FormSubmitted))[0]
    own = await house.stage.open(said.own, OwnForm, subject=UUID(registration), party=said.party_id)
    assert (own.services, [child.given_names for child in own.children]) == (("agreement",), ["Ylva"])


async def test_a_form_that_is_not_whole_names_every_field_that_is_missing(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    token = await house.enters(AINO, registration)
    url = f"/registrations/{registration}/form/submission"
    answer = await house.http.post(url, headers={**token, "Accept-Language": "sv"})
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert "/services" in fields
    assert all(error["code"] == "intake.missing" for error in answer.json()["errors"])
    assert answer.headers["content-language"] == "sv"
    assert await house.stage.said_of(FormSubmitted) == []


async def test_an_old_version_of_the_own_part_is_refused(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    token = await house.enters(AINO, registration)
    url, body = f"/registrations/{registration}/contact", {"language": "fi", "email": "aino@example.org"}
    seen = (await house.http.get(f"/registrations/{registration}", headers=token)).headers["etag"]
    first = await house.http.put(url, json=body, headers={**token, "If-Match": seen})
    second = await house.http.put(url, json=body, headers={**token, "If-Match": seen})
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["etag"] != seen


async def test_what_a_parent_sees_does_not_depend_on_what_the_other_did(house: House) -> None:
    seen: list[tuple[object, ...]] = []
    for does in ("nothing", "joins", "submits", "leaves", "asks alone"):
        registration = (await house.starts(AINO, BERT)).json()["registration_id"]
        if does != "nothing":
            await house.starts(BERT, AINO)
            token = await house.enters(BERT, registration)
            if does == "submits":
                await house.fills_in(registration, token)
            if does == "leaves":
                await house.http.post(f"/registrations/{registration}/departure", headers=token)
            if does == "asks alone":
                await house.http.post(f"/registrations/{registration}/single-contact", json={}, headers=token)
        mine = await house.enters(AINO, registration)
        shown = await house.http.get(f"/registrations/{registration}", headers=mine)
        masked = shown.text.replace(registration, "R").replace(shown.json()["own"]["party_id"], "P")
        seen.append((shown.status_code, masked, tuple(shown.headers.items())))
        await house.stage.batches.database.execute("truncate subject, claim, work, outbox")
    assert len(set(seen)) == 1


async def test_both_see_with_the_county_at_the_full_hour(house: House) -> None:
    registration = await house.both_complete()
    house.stage.clock.pass_by(hours=1)
    for person in (AINO, BERT):
        shown = await house.http.get(f"/registrations/{registration}", headers=await house.enters(person, registration))
        assert shown.json()["status"] == "with_the_county"


async def test_a_leaver_is_erased_and_reads_closed(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    token = await house.enters(AINO, registration)
    left = await house.http.post(f"/registrations/{registration}/departure", headers=token)
    await house.stage.works()
    shown = await house.http.get(f"/registrations/{registration}", headers=token)
    contact = await house.http.get(f"/registrations/{registration}/contact", headers=token)
    own = await house.http.get("/registrations", headers=house.as_person(AINO))
    assert left.json() == {"status": "closed"}
    assert (shown.json()["status"], shown.json()["own"]) == ("closed", None)
    assert contact.json()["code"] == "intake.closed"
    assert own.json() == []
    assert len(await house.stage.said_of(PartyLeft)) == 1


async def test_after_the_ending_a_parent_may_still_ask_to_be_contacted_alone(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    house.stage.clock.pass_by(days=15)
    await house.stage.works()
    token = await house.enters(AINO, registration)
    url = f"/registrations/{registration}/single-contact"
    answers = [await house.http.post(url, json={}, headers=token) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json() != {"registration_id": registration}
    asked = await house.stage.said_of(SingleContactRequested)
    contact = await house.stage.open(
        asked[0].contact, Contact, subject=asked[0].registration_id, party=asked[0].party_id
    )
    assert (len(asked), contact.email) == (1, "aino@example.org")


async def test_how_long_a_parent_is_shown_an_ended_registration_does_not_tell_whether_the_other_asked_alone(
    house: House,
) -> None:
    seen: list[list[tuple[object, ...]]] = []
    for asks_alone in (False, True):
        registration = (await house.starts(AINO, BERT)).json()["registration_id"]
        await house.starts(BERT, AINO)
        url = f"/registrations/{registration}"
        if asks_alone:
            await house.http.post(f"{url}/single-contact", json={}, headers=await house.enters(BERT, registration))
        house.stage.clock.pass_by(days=15)
        await house.stage.works()
        state = await house.stage.state(UUID(registration))
        assert state is not None
        assert state.shown_until is not None
        house.stage.clock.move(state.shown_until - timedelta(minutes=1))
        token = await house.enters(AINO, registration)
        house.stage.clock.pass_by(minutes=2)
        await house.stage.works()
        person = house.as_person(AINO)
        answers = [
            await house.http.get("/registrations", headers=person),
            await house.http.post(f"{url}/token", headers=person),
            await house.http.get(url, headers=token),
            await house.http.get(f"{url}/contact", headers=token),
            await house.http.post(f"{url}/departure", headers=token),
            await house.http.post(f"{url}/single-contact", json={}, headers=token),
        ]
        seen.append([(answer.status_code, answer.text) for answer in answers])
        assert (await house.stage.state(UUID(registration)) is None) is not asks_alone
        await house.stage.batches.database.execute("truncate subject, claim, work, outbox")
    assert seen[0] == seen[1]


async def test_an_ended_registration_leaves_no_key_and_no_trace(house: House) -> None:
    registration = UUID((await house.starts(AINO, BERT)).json()["registration_id"])
    for days in (15, 5):
        house.stage.clock.pass_by(days=days)
        await house.stage.works()
    assert [said.registration_id for said in await house.stage.said_of(RegistrationPurged)] == [registration]
    assert await house.stage.batches.keyring.live(registration) == 0
    assert await house.stage.state(registration) is None
    assert await house.stage.batches.database.fetchval("select count(*) from claim") == 0


async def test_a_contact_by_which_nobody_is_reached_is_refused(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    token = await house.enters(AINO, registration)
    answer = await house.http.put(f"/registrations/{registration}/contact", json={"language": "fi"}, headers=token)
    assert (answer.status_code, [error["code"] for error in answer.json()["errors"]]) == (
        422,
        ["intake.no_way_to_reach"],
    )
