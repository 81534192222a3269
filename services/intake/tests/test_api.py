"""Intake over HTTP, on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey

from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, Issuers, PartyTokenCheck, PartyTokens, Problems, application, issuers_of
from rinnan_events.consent import ConsentGiven
from rinnan_events.intake import (
    FormSubmitted,
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.invitation import CodePresented, Intention
from rinnan_events.opened import Consents, Contact, Identity, OwnForm, Protection
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_events.sealed import Sealed
from rinnan_intake import app as intake_app
from rinnan_intake.api import routes
from rinnan_intake.handlers import handlers
from rinnan_intake.persons import Persons

if TYPE_CHECKING:
    from rinnan_intake.domain.state import Registration
    from rinnan_profiles import Profiles

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[3]
AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}
CECILIA = {"family_name": "Åkerđal", "given_names": "Cecilia", "identity_code": "030318A9023"}
CHILD = {"family_name": "Öhman-Šaari", "given_names": "Ylva", "birth_date": "2019-05-06"}
ISSUER, STAFF_ISSUER = "https://sign-in.invalid/parents", "https://sign-in.invalid/staff"


@dataclass
class House:
    """Intake's HTTP API on stage, and its callers."""

    stage: Stage[Registration]
    http: httpx.AsyncClient
    key: ECKey
    profiles: Profiles

    def as_person(self, person: dict[str, str], *, strong: bool = True, **more: Any) -> dict[str, str]:
        claims = {
            "sub": person["given_names"],
            "given_name": person["given_names"],
            "family_name": person["family_name"],
            "acr": "strong" if strong else "weak",
            **more,
        }
        if "identity_code" in person:
            claims["code"] = person["identity_code"]
        return self._signed(ISSUER, "rinnan", claims)

    def as_staff(self, rights: str, county: str = "lapha") -> dict[str, str]:
        return self._signed(STAFF_ISSUER, "rinnan-staff", {"sub": "s-17", "county": county, "rights": rights})

    def _signed(self, issuer: str, audience: str, claims: dict[str, Any]) -> dict[str, str]:
        now = int(self.stage.clock.now().timestamp())
        whole = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 600, **claims}
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, whole, self.key, algorithms=["ES256"])
        return {"Authorization": f"Bearer {token}"}

    async def starts(self, person: dict[str, str], other: dict[str, str], **more: Any) -> httpx.Response:
        return await self.http.post("/registrations", json=start(other), headers={**self.as_person(person), **more})

    async def enters(self, person: dict[str, str], registration: str) -> dict[str, str]:
        answer = await self.http.post(f"/registrations/{registration}/token", headers=self.as_person(person))
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def party_of(self, person: dict[str, str], registration: str) -> UUID:
        answer = await self.http.post(f"/registrations/{registration}/token", headers=self.as_person(person))
        return UUID(answer.json()["party_id"])

    async def fills_in(self, registration: str, token: dict[str, str]) -> httpx.Response:
        form = self.profiles.form("first_information.1")
        for step in form.steps:
            answers = {
                question.id: [form.options(question)[0].code if question.options else "prefer_not"]
                for question in step.questions
                if question.id != "services"
            }
            body: dict[str, Any] = {"answers": answers}
            if any(question.id == "services" for question in step.questions):
                body["services"] = ["agreement"]
            saved = await self.http.put(f"/registrations/{registration}/form/{step.id}", json=body, headers=token)
            assert saved.status_code == 200, saved.text
        return await self.http.post(f"/registrations/{registration}/form/submission", headers=token)

    async def is_screened_and_consents(self, registration: str, party: UUID) -> None:
        now = self.stage.clock.now()
        words = Consents(text_version="plain.1", language="fi", given={}, given_at=now)
        await self.stage.hears(
            ScreeningCompleted(registration_id=UUID(registration), party_id=party, version=1, completed_at=now),
            ConsentGiven(
                registration_id=UUID(registration),
                party_id=party,
                version=1,
                given_at=now,
                consents=Sealed.of(words, party=party),
            ),
        )


def start(other: dict[str, str]) -> dict[str, Any]:
    return {
        "county": "lapha",
        "children": [CHILD],
        "contact": {"language": "fi", "email": "aino@example.org"},
        "other": other,
        "other_contact": {"language": "sv", "email": "other@example.org"},
    }


@pytest.fixture
async def house(postgres_admin_url: str, tmp_path: Path, profiles: Profiles) -> AsyncIterator[House]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    public = tmp_path / "keys.json"
    public.write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    common = {"jwks_file": "keys.json"}
    told = [
        {
            "kind": "parent",
            "issuer": ISSUER,
            "audience": "rinnan",
            "strong_acr": ["strong"],
            "claims": {"identity_code": "code"},
            **common,
        },
        {"kind": "staff", "issuer": STAFF_ISSUER, "audience": "rinnan-staff", **common},
    ]
    (tmp_path / "issuers.json").write_text(json.dumps(told))
    async with (
        stage_of(
            handlers,
            admin_url=postgres_admin_url,
            room="intake",
            topics=ROOT / "contracts" / "topics.toml",
            migrations=intake_app.HERE / "migrations",
            reference=profiles,
            says=intake_app.SAYS,
        ) as stage,
        httpx.AsyncClient() as issuer_client,
    ):
        party_key = OKPKey.generate_key("Ed25519", auto_kid=True)
        public_party = KeySet.import_key_set({"keys": [{**party_key.as_dict(private=False), "kid": party_key.kid}]})
        doors = Doors(
            parties=PartyTokenCheck(public_party, stage.clock),
            issuers=Issuers(issuers_of(tmp_path / "issuers.json"), stage.clock, issuer_client),
        )
        router = routes(
            stage.desk,
            doors,
            profiles=profiles,
            persons=Persons(b"pepper" * 8),
            tokens=PartyTokens(party_key, stage.clock),
        )
        problems = Problems.load(intake_app.HERE / "problems.toml")
        web = application("Rinnan intake", "0.1.0", [router], problems)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://intake") as http:
            yield House(stage, http, key, profiles)


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


async def test_a_parent_who_starts_again_and_names_the_other_otherwise_finds_the_same(house: House) -> None:
    named = {"family_name": "عبد", "given_names": "Bert", "birth_date": "1991-02-02"}
    first = await house.starts(AINO, {"identity_code": BERT["identity_code"]})
    await house.starts(BERT, {"identity_code": AINO["identity_code"]})
    assert (await house.starts(AINO, named)).json() == first.json()


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
    contact = await house.stage.open(wanted.contact, Contact, subject=registration, party=wanted.party_id)
    joined = (await house.stage.said_of(ParentJoined))[0]
    identity = await house.stage.open(joined.identity, Identity, subject=registration, party=joined.party_id)
    assert (contact.email, identity.family_name) == ("other@example.org", AINO["family_name"])
    assert wanted.party_id != joined.party_id


async def test_nothing_personal_rests_in_the_clear(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    await house.http.post("/tickets", json=ticket_for(), headers=house.as_person(CECILIA))
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


def ticket_for() -> dict[str, Any]:
    return {"county": "lapha", "contact": {"language": "ar", "email": "bert@example.org"}}


async def presents(house: House, registration: str, ticket: str, intention: Intention = Intention.JOIN) -> None:
    import hashlib  # noqa: PLC0415 - what invitation does with a ticket, once

    wanted = (await house.stage.said_of(InvitationWanted))[0]
    await house.stage.hears(
        CodePresented(
            registration_id=UUID(registration),
            party_id=wanted.party_id,
            invitation_id=uuid4(),
            ticket=hashlib.sha256(ticket.encode()).hexdigest(),
            intention=intention,
            presented_at=house.stage.clock.now(),
        )
    )


async def test_the_other_parent_joins_by_ticket_and_code(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    issued = await house.http.post("/tickets", json=ticket_for(), headers=house.as_person(BERT, non_disclosure=True))
    ticket = issued.json()["ticket"]
    url = f"/tickets/{ticket}"
    before = await house.http.get(url, headers=house.as_person(BERT))
    await presents(house, registration, ticket)
    after = await house.http.get(url, headers=house.as_person(BERT))
    assert before.json() == {"reads": "waiting", "registration_id": None}
    assert after.json() == {"reads": "joined", "registration_id": registration}
    joined = (await house.stage.said_of(ParentJoined))[-1]
    contact = await house.stage.open(joined.contact, Contact, subject=UUID(registration), party=joined.party_id)
    noted = (await house.stage.said_of(ProtectionNoted))[-1]
    protection = await house.stage.open(noted.protection, Protection, subject=UUID(registration), party=noted.party_id)
    assert (contact.email, protection.non_disclosure) == ("bert@example.org", True)


async def test_what_came_with_a_ticket_is_the_parents_own_before_and_after_it_is_taken_in(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    issued = await house.http.post("/tickets", json=ticket_for(), headers=house.as_person(BERT))
    await presents(house, registration, issued.json()["ticket"])
    token = await house.enters(BERT, registration)
    before = await house.http.get(f"/registrations/{registration}/contact", headers=token)
    await house.stage.works()
    after = await house.http.get(f"/registrations/{registration}/contact", headers=token)
    assert before.json()["email"] == "bert@example.org"
    assert before.json() == after.json()
    state = await house.stage.state(UUID(registration))
    assert state is not None
    assert all(party.ticket_id is None for party in state.parties.values())


async def test_a_stranger_reads_did_not_match_when_the_time_is_up(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    issued = await house.http.post("/tickets", json=ticket_for(), headers=house.as_person(CECILIA))
    await presents(house, registration, issued.json()["ticket"])
    house.stage.clock.pass_by(minutes=10)
    reads = await house.http.get(f"/tickets/{issued.json()['ticket']}", headers=house.as_person(CECILIA))
    assert reads.json()["reads"] == "did_not_match"


async def test_only_who_is_here_gets_a_party_token(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    url = f"/registrations/{registration}/token"
    expected = await house.http.post(url, headers=house.as_person(BERT))
    unknown = await house.http.post(f"/registrations/{uuid4()}/token", headers=house.as_person(BERT))
    assert (expected.status_code, expected.json()) == (unknown.status_code, unknown.json()) != (201, None)
    assert expected.status_code == 404


async def test_weak_identification_opens_nothing(house: House) -> None:
    answer = await house.http.post("/registrations", json=start(BERT), headers=house.as_person(AINO, strong=False))
    assert (answer.status_code, answer.json()["code"]) == (403, "intake.not_strongly_identified")


async def test_a_parent_lists_their_own_registrations_only(house: House) -> None:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    own = await house.http.get("/registrations", headers=house.as_person(AINO))
    others = await house.http.get("/registrations", headers=house.as_person(BERT))
    assert [each["registration_id"] for each in own.json()] == [registration]
    assert others.json() == []


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
    url, body = f"/registrations/{registration}/contact", {"language": "fi"}
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
    registration = await both_complete(house)
    house.stage.clock.pass_by(hours=1)
    for person in (AINO, BERT):
        shown = await house.http.get(f"/registrations/{registration}", headers=await house.enters(person, registration))
        assert shown.json()["status"] == "with_the_county"


async def both_complete(house: House) -> str:
    registration = (await house.starts(AINO, BERT)).json()["registration_id"]
    await house.starts(BERT, AINO)
    for person in (AINO, BERT):
        await house.fills_in(registration, await house.enters(person, registration))
        await house.is_screened_and_consents(registration, await house.party_of(person, registration))
    await house.stage.works()
    completed = await house.stage.said_of(RegistrationCompleted)
    assert [str(said.registration_id) for said in completed] == [registration]
    return registration


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


async def test_an_ended_registration_leaves_no_key_and_no_trace(house: House) -> None:
    registration = UUID((await house.starts(AINO, BERT)).json()["registration_id"])
    for days in (15, 5):
        house.stage.clock.pass_by(days=days)
        await house.stage.works()
    assert [said.registration_id for said in await house.stage.said_of(RegistrationPurged)] == [registration]
    assert await house.stage.batches.keyring.live(registration) == 0
    assert await house.stage.state(registration) is None
    assert await house.stage.batches.database.fetchval("select count(*) from claim") == 0


async def test_a_professional_starts_and_enters_for_a_caller(house: House) -> None:
    staff = house.as_staff("act")
    body = {**start(BERT), "person": AINO}
    started = await house.http.post("/assisted/registrations", json=body, headers=staff)
    registration = started.json()["registration_id"]
    entered = await house.http.post(
        f"/assisted/registrations/{registration}/token", json={"person": AINO}, headers=staff
    )
    assert (started.status_code, entered.status_code) == (201, 201)
    assert await house.enters(AINO, registration)


async def test_staff_of_another_county_or_without_the_right_start_for_nobody(house: House) -> None:
    body = {**start(BERT), "person": AINO}
    for staff in (house.as_staff("act", county="pirha"), house.as_staff("life bodies protected")):
        assert (await house.http.post("/assisted/registrations", json=body, headers=staff)).status_code == 403


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"other": {"identity_code": "020291-901A"}}, "/other/identity_code", "intake.identity_code_wrong"),
        ({"other": {"family_name": "Bert"}}, "/other", "intake.person_not_named"),
        ({"children": []}, "/children", "chassis.too_short"),
        ({"children": [{**CHILD, "birth_date": "2019-02-30"}]}, "/children/0/birth_date", "chassis.not_a_date"),
        ({"children": [{**CHILD, "birth_date": "2199-01-01"}]}, "/children/0/birth_date", "intake.date_impossible"),
        (
            {"children": [{**CHILD, "given_names": "\u202eYlva"}]},
            "/children/0/given_names",
            "chassis.forbidden_characters",
        ),
        ({"children": [{**CHILD, "given_names": "Y" * 10_000}]}, "/children/0/given_names", "chassis.too_long"),
        (
            {"children": [{**CHILD, "given_names": "Ylva 🙂"}]},
            "/children/0/given_names",
            "chassis.forbidden_characters",
        ),
        ({"county": "nowhere"}, "/county", "intake.unknown_county"),
        ({"other": AINO}, "/other", "intake.same_person"),
        ({"extra": 1}, "/extra", "chassis.unknown_field"),
        ({"contact": {"language": "fi", "email": "no mail"}}, "/contact/email", "chassis.wrong_form"),
    ],
)
async def test_bad_input_is_named_and_leaves_nothing(
    house: House, change: dict[str, Any], field: str, code: str
) -> None:
    answer = await house.http.post("/registrations", json={**start(BERT), **change}, headers=house.as_person(AINO))
    assert (answer.status_code, answer.json().get("field"), answer.json()["code"]) == (422, field, code)
    count = "select (select count(*) from subject) + (select count(*) from claim) + (select count(*) from outbox)"
    assert await house.stage.batches.database.fetchval(count) == 0
