from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.operations import Operations
from rinnan_events.intake import InvitationWanted, ParentJoined, ProtectionNoted, RegistrationOpened
from rinnan_events.opened import Contact, Identity, Protection
from rinnan_intake import store
from rinnan_intake.persons import Persons

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}
CECILIA = {"family_name": "Åkerđal", "given_names": "Cecilia", "identity_code": "030318A9023"}


async def test_a_start_says_what_is_needed_and_answers_with_the_registration_alone(house: House) -> None:
    answer = await house.starts(AINO, BERT)
    assert (answer.status_code, list(answer.json())) == (201, ["registration_id"])
    said = [type(event) for event in await house.stage.said()]
    assert said == [RegistrationOpened, ParentJoined, ProtectionNoted, InvitationWanted]


async def test_crossed_starts_are_answered_alike(house: House) -> None:
    first, second = await house.starts(AINO, BERT), await house.starts(BERT, {"identity_code": "010190-900P"})
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.headers == second.headers


async def test_a_repeat_under_one_key_is_one_start(house: House) -> None:
    key = {"Idempotency-Key": "one"}
    first = await house.starts(AINO, BERT, **key)
    assert (await house.starts(AINO, BERT, **key)).json() == first.json()


@pytest.mark.parametrize("other", ["is silent", "joins", "joins and leaves", "starts"])
async def test_a_start_that_names_the_other_otherwise_does_not_tell_what_they_did(house: House, other: str) -> None:
    first = await house.starts(AINO, {"identity_code": BERT["identity_code"]})
    registration = first.json()["registration_id"]
    if other.startswith("joins"):
        await house.presents(registration, await house.takes_ticket(BERT))
    if other.endswith("leaves"):
        token = await house.enters(BERT, registration)
        left = await house.http.post(f"/registrations/{registration}/departure", headers=token)
        assert left.status_code == 200
    if other == "starts":
        await house.starts(BERT, AINO)
    named = {"family_name": "عبد", "given_names": "Bert", "birth_date": "1991-02-02"}
    second = await house.starts(AINO, named)
    assert second.json() != first.json()
    assert second.json() == (await house.starts(AINO, named)).json()
    assert first.json() == (await house.starts(AINO, {"identity_code": BERT["identity_code"]})).json()


async def test_crossed_starts_meet_where_one_names_by_code_and_the_other_by_name(house: House) -> None:
    named = {"family_name": AINO["family_name"], "given_names": "Aino", "birth_date": "1990-01-01"}
    first = await house.starts(AINO, {"identity_code": BERT["identity_code"]})
    assert (await house.starts(BERT, named)).json() == first.json()


async def test_a_leaver_who_starts_again_meets_the_same_registration_as_another_party(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    before = await house.party_of(AINO, registration)
    await house.http.post(f"/registrations/{registration}/departure", headers=await house.enters(AINO, registration))
    assert (await house.starts(AINO, BERT)).json()["registration_id"] == registration
    assert await house.party_of(AINO, registration) != before


async def test_too_many_starts_in_a_day_are_refused_by_name_and_leave_nothing(house: House) -> None:
    for _ in range(house.profiles.county("lapha").starts_per_day):
        await house.starts(AINO, BERT)
    said = len(await house.stage.said())
    answer = await house.starts(AINO, CECILIA)
    assert (answer.status_code, answer.json()["code"]) == (429, "intake.too_many_starts")
    assert len(await house.stage.said()) == said


async def test_a_namesake_is_answered_like_any_start_and_goes_to_a_person(house: House) -> None:
    named = {"family_name": "عبد", "given_names": "Bert", "birth_date": "1991-02-02"}
    first = await house.starts(AINO, {**named, "identity_code": "020291-901E"})
    namesake = {**BERT, "identity_code": "020291-903H"}
    second = await house.starts(namesake, AINO)
    assert (second.status_code, list(second.json())) == (201, ["registration_id"])
    assert second.json() != first.json()
    waiting = await house.http.get("/attention", headers=house.as_staff("life"))
    assert [(each["registration_id"], each["doubt"]) for each in waiting.json()] == [
        (second.json()["registration_id"], "persons_contradict")
    ]


async def test_what_travels_opens_under_the_keys_of_its_owner(house: House) -> None:
    registration = UUID((await house.starts(AINO, BERT)).json()["registration_id"])
    wanted = (await house.stage.said_of(InvitationWanted))[0]
    contact = await house.stage.open(wanted.contact, Contact, subject=registration, party=None)
    joined = (await house.stage.said_of(ParentJoined))[0]
    identity = await house.stage.open(joined.identity, Identity, subject=registration, party=joined.party_id)
    assert (contact.email, identity.family_name) == ("other@example.org", AINO["family_name"])
    assert wanted.party_id != joined.party_id


async def test_nothing_personal_rests_in_the_clear(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    await house.takes_ticket(CECILIA)
    await house.fills_in(registration, await house.enters(AINO, registration))
    rows = await house.stage.batches.database.fetch(
        """select state::text as text from subject union all select note::text from claim
           union all select payload::text from work union all select convert_from(body, 'UTF8') from outbox
           union all select answer::text from command"""
    )
    text = "\n".join(row["text"] or "" for row in rows)
    for canary in ("Öhman", "Ylva", "Cecilia", "example.org", "010190", "020291", "2019-05-06"):
        assert canary not in text
        assert json.dumps(canary).strip('"') not in text


async def test_the_other_parent_joins_by_ticket_and_code(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    ticket = await house.takes_ticket(BERT, non_disclosure=True)
    before = await house.reads(BERT, ticket)
    await house.presents(registration, ticket)
    after = await house.reads(BERT, ticket)
    assert before.json() == {"reads": "waiting", "registration_id": None}
    assert after.json() == {"reads": "joined", "registration_id": registration}
    joined = (await house.stage.said_of(ParentJoined))[-1]
    contact = await house.stage.open(joined.contact, Contact, subject=UUID(registration), party=joined.party_id)
    noted = (await house.stage.said_of(ProtectionNoted))[-1]
    protection = await house.stage.open(noted.protection, Protection, subject=UUID(registration), party=noted.party_id)
    assert (contact.email, protection.non_disclosure) == ("bert@example.org", True)


async def test_what_came_with_a_ticket_is_the_parents_own_before_and_after_it_is_taken_in(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    ticket = await house.takes_ticket(BERT)
    await house.presents(registration, ticket)
    token = await house.enters(BERT, registration)
    before = await house.http.get(f"/registrations/{registration}/contact", headers=token)
    await house.stage.works()
    after = await house.http.get(f"/registrations/{registration}/contact", headers=token)
    assert before.json()["email"] == "bert@example.org"
    assert before.json() == after.json()
    state = await house.stage.state(UUID(registration))
    assert state is not None
    assert all(party.ticket_id is None for party in state.parties.values())


async def test_while_held_what_came_with_a_ticket_outlives_the_ticket(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    ticket = await house.takes_ticket(BERT)
    await house.presents(registration, ticket)
    database = house.stage.batches.database
    await database.execute("update subject set held_at = now() where id = $1", UUID(registration))
    house.stage.clock.pass_by(hours=2)
    await house.stage.works()
    await database.execute("update subject set held_at = null where id = $1", UUID(registration))
    await house.stage.works()
    token = await house.enters(BERT, registration)
    assert (await house.http.get(f"/registrations/{registration}/contact", headers=token)).status_code == 200
    house.stage.clock.pass_by(minutes=10)
    await house.stage.works()
    reads = await house.reads(BERT, ticket)
    assert reads.status_code == 404


async def test_a_stranger_reads_did_not_match_when_the_time_is_up(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    ticket = await house.takes_ticket(CECILIA)
    await house.presents(registration, ticket)
    house.stage.clock.pass_by(minutes=10)
    reads = await house.reads(CECILIA, ticket)
    assert reads.json()["reads"] == "did_not_match"


async def test_only_who_is_here_gets_a_party_token(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    url = f"/registrations/{registration}/token"
    expected = await house.http.post(url, headers=house.as_person(BERT))
    unknown = await house.http.post(f"/registrations/{uuid4()}/token", headers=house.as_person(BERT))
    assert (expected.status_code, expected.json()) == (unknown.status_code, unknown.json()) != (201, None)
    assert expected.status_code == 404


async def test_weak_identification_opens_nothing(house: House) -> None:
    answer = await house.http.post(
        "/registrations", json=house.start(BERT), headers=house.as_person(AINO, strong=False)
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "intake.not_strongly_identified")


async def test_a_parent_lists_their_own_registrations_only(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    own = await house.http.get("/registrations", headers=house.as_person(AINO))
    others = await house.http.get("/registrations", headers=house.as_person(BERT))
    assert [each["registration_id"] for each in own.json()] == [registration]
    assert others.json() == []


@pytest.mark.parametrize("other", ["is silent", "joins", "joins and leaves", "joins, and it is out of sight"])
async def test_only_registrations_that_a_person_is_shown_are_read_for_their_list(house: House, other: str) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    if other.startswith("joins"):
        await house.presents(registration, await house.takes_ticket(BERT))
    if other.endswith("leaves"):
        token = await house.enters(BERT, registration)
        await house.http.post(f"/registrations/{registration}/departure", headers=token)
    if other.endswith("out of sight"):
        house.stage.clock.pass_by(days=15)
        await house.stage.works()
        state = await house.stage.state(UUID(registration))
        assert state is not None
        assert state.shown_until is not None
        house.stage.clock.move(state.shown_until)
    person = Persons(b"pepper" * 8).hashed(Identity(family_name="", identity_code=BERT["identity_code"]))
    read = [found async for found, _ in store.here(house.stage.batches.database, person, house.stage.clock.now())]
    assert read == ([UUID(registration)] if other == "joins" else [])


async def test_a_persons_registrations_are_found_by_the_index_of_persons(house: House) -> None:
    async with house.stage.batches.database.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(f"explain {store.HERE}", ["hash"], house.stage.clock.now())
    assert "subject_persons" in str(plan)


async def test_a_professional_starts_and_enters_for_a_caller(house: House) -> None:
    staff = house.as_staff("act bodies protected")
    body = {**house.start(BERT), "person": AINO}
    started = await house.http.post("/assisted/registrations", json=body, headers=staff)
    registration = started.json()["registration_id"]
    entered = await house.http.post(
        f"/assisted/registrations/{registration}/token", json={"person": AINO}, headers=staff
    )
    assert (started.status_code, entered.status_code) == (201, 201)
    assert await house.enters(AINO, registration)


async def test_whose_part_a_professional_opened_is_kept_with_who_they_are(house: House) -> None:
    staff = house.as_staff("act bodies protected")
    body = {**house.start(BERT), "person": AINO}
    started = await house.http.post("/assisted/registrations", json=body, headers=staff)
    registration = UUID(started.json()["registration_id"])
    url = f"/assisted/registrations/{registration}/token"
    refused = await house.http.post(url, json={"person": CECILIA}, headers=staff)
    entered = await house.http.post(url, json={"person": AINO}, headers=staff)
    assert (refused.status_code, entered.status_code) == (404, 201)
    acts = await Operations(house.stage.batches).acts(registration)
    told = {(act["by"], act["verb"], act["thing"]) for act in acts}
    assert told == {("https://sign-in.invalid/staff#s-17", "acts_for_a_caller", UUID(entered.json()["party_id"]))}
    assert [act["why"] for act in acts] == ["start", "token"]


async def test_that_a_professional_took_the_ticket_of_who_joins_is_kept(house: House) -> None:
    registration = UUID((await house.starts(AINO, BERT)).json()["registration_id"])
    body = {"county": "lapha", "contact": {"language": "ar", "phone": "+358401234567"}, "person": BERT}
    ticket = await house.http.post("/assisted/tickets", json=body, headers=house.as_staff("act"))
    await house.presents(str(registration), ticket.json()["ticket"])
    bert = await house.party_of(BERT, str(registration))
    acts = await Operations(house.stage.batches).acts(registration)
    assert [(act["verb"], act["why"], act["thing"]) for act in acts] == [("acts_for_a_caller", "joining", bert)]
    assert await house.stage.batches.database.fetchval("select count(*) from operation where why = 'ticket'") == 1


async def test_who_acts_for_themself_is_not_kept_as_if_by_hand(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    await house.presents(registration, await house.takes_ticket(BERT))
    await house.enters(BERT, registration)
    assert await house.stage.batches.database.fetchval("select count(*) from operation") == 0


async def test_who_may_act_but_not_see_gets_no_token_that_opens_what_a_caller_told(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    for rights in ("act", "act bodies", "act protected", "bodies protected"):
        answer = await house.http.post(
            f"/assisted/registrations/{registration}/token", json={"person": AINO}, headers=house.as_staff(rights)
        )
        assert answer.status_code == 403


async def test_a_namesake_without_an_identity_code_is_not_taken_for_the_parent(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    namesake = house.as_person({name: AINO[name] for name in ("family_name", "given_names")}, birthdate="1990-01-01")
    entered = await house.http.post(f"/registrations/{registration}/token", headers=namesake)
    own = await house.http.get("/registrations", headers=namesake)
    assert (entered.status_code, own.json()) == (404, [])


async def test_staff_of_another_county_or_without_the_right_start_for_nobody(house: House) -> None:
    body = {**house.start(BERT), "person": AINO}
    for staff in (house.as_staff("act", county="pirha"), house.as_staff("life bodies protected")):
        assert (await house.http.post("/assisted/registrations", json=body, headers=staff)).status_code == 403


async def test_starts_that_cross_at_the_same_moment_meet(house: House) -> None:
    answers = await asyncio.gather(*(house.starts(*pair) for pair in [(AINO, BERT), (BERT, AINO)] * 4))
    assert len({answer.json()["registration_id"] for answer in answers}) == 1
    assert len(await house.stage.said_of(RegistrationOpened)) == 1
    assert len(await house.stage.said_of(ParentJoined)) == 2


async def test_a_reader_of_tickets_who_is_not_signed_in_reads_nothing(house: House) -> None:
    ticket = await house.takes_ticket(BERT)
    assert (await house.http.post("/tickets/lookup", json={"ticket": ticket})).status_code == 401


async def test_a_ticket_that_nobody_issued_is_unknown(house: House) -> None:
    answer = await house.reads(BERT, "none")
    assert (answer.status_code, answer.json()["code"]) == (404, "intake.unknown_ticket")


@pytest.mark.parametrize("spent", [False, True])
async def test_anybody_elses_ticket_reads_like_one_that_nobody_issued(house: House, *, spent: bool) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    ticket = await house.takes_ticket(BERT)
    if spent:
        await house.presents(registration, ticket)
    unknown = await house.reads(CECILIA, "none")
    staff = house.as_staff("act bodies protected")
    over_the_phone = await house.http.post("/assisted/tickets/lookup", json={"ticket": ticket}, headers=staff)
    for answer in (await house.reads(CECILIA, ticket), over_the_phone):
        assert (answer.status_code, answer.json()) == (404, unknown.json())
    assert (await house.reads(BERT, ticket)).status_code == 200


async def test_the_ticket_of_a_caller_is_read_by_who_took_it_alone(house: House) -> None:
    body = {"county": "lapha", "contact": {"language": "ar", "phone": "+358401234567"}, "person": BERT}
    ticket = (await house.http.post("/assisted/tickets", json=body, headers=house.as_staff("act"))).json()["ticket"]
    url, asked = "/assisted/tickets/lookup", {"ticket": ticket}
    took = await house.http.post(url, json=asked, headers=house.as_staff("act"))
    colleague = await house.http.post(url, json=asked, headers=house.as_staff("act", sub="s-18"))
    assert (took.json()["reads"], colleague.status_code) == ("waiting", 404)
    assert (await house.reads(BERT, ticket)).status_code == 404


async def test_another_partys_token_opens_nothing(house: House) -> None:
    mine = (await house.starts(AINO, BERT)).json()["registration_id"]
    others = (await house.starts(CECILIA, BERT)).json()["registration_id"]
    token = await house.enters(CECILIA, others)
    foreign = await house.http.get(f"/registrations/{mine}", headers=token)
    unknown = await house.http.get(f"/registrations/{uuid4()}", headers=token)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()
