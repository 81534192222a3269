"""Consent as a whole room: HTTP in, events out, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc.jwk import KeySet, OKPKey

import rinnan_consent
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, PartyTokenCheck, PartyTokens, Problems, application, untold
from rinnan_consent.api import routes
from rinnan_consent.app import PROBLEMS
from rinnan_consent.handlers import handlers
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import PartyLeft, RegistrationCompleted, RegistrationPurged
from rinnan_events.opened import Consents
from rinnan_profiles import Profiles

ROOT = Path(__file__).parents[3]


@dataclass
class House:
    """The room on stage, its HTTP face, and one parent's token."""

    stage: Stage[Any]
    http: httpx.AsyncClient
    tokens: PartyTokens
    profiles: Profiles
    registration: UUID
    party: UUID

    @property
    def path(self) -> str:
        return f"/registrations/{self.registration}/consents"

    def signed_in(self, party: UUID | None = None) -> dict[str, str]:
        county = self.profiles.county("vakehyva")
        token = self.tokens.issue(
            registration_id=self.registration,
            party_id=party or self.party,
            county=county.code,
            deadline=self.stage.clock.now() + timedelta(days=14),
            pins=county.pins().model_dump(),
        )
        return {"Authorization": f"Bearer {token}"}

    def all_given(self, **but: bool) -> dict[str, Any]:
        texts = self.profiles.texts(self.profiles.county("vakehyva").texts)
        return {"language": "sv", "given": {each.id: True for each in texts.consents} | but}

    async def gives(self, seen: int = 0, **more: Any) -> httpx.Response:
        headers = self.signed_in() | {"If-Match": f'"{seen}"'} | more.pop("headers", {})
        return await self.http.put(self.path, json=more.pop("json", self.all_given()), headers=headers)


@pytest.fixture
async def house(postgres_admin_url: str, profiles: Profiles) -> AsyncIterator[House]:
    async with stage_of(
        handlers,
        admin_url=postgres_admin_url,
        room="consent",
        topics=ROOT / "contracts" / "topics.toml",
        reference=profiles,
        says=(ConsentGiven, ConsentWithdrawn),
    ) as stage:
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        doors = Doors(parties=PartyTokenCheck(KeySet([key]), stage.clock))
        app = application("consent", "0", [routes(stage.desk, doors, profiles)], Problems.load(PROBLEMS))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://consent") as http:
            yield House(stage, http, PartyTokens(key, stage.clock), profiles, uuid4(), uuid4())


def test_every_refusal_has_words_in_every_language() -> None:
    assert untold(rinnan_consent, Problems.load(PROBLEMS)) == []


@pytest.mark.parametrize("wrong", ["missing", "not_given", "unknown_question"])
def test_everything_that_may_be_wrong_with_an_answer_has_words(wrong: str) -> None:
    assert {"fi", "sv", "en"} <= Problems.load(PROBLEMS).texts[f"consent.{wrong}"].keys()


@pytest.mark.stack
async def test_a_parent_reads_the_pinned_texts_in_the_language_asked_for(house: House) -> None:
    answer = await house.http.get(house.path, params={"language": "sv"}, headers=house.signed_in())
    told = answer.json()
    assert (told["standing"], told["version"], told["given"]) == ("unanswered", 0, None)
    assert {each["language"] for each in told["consents"]} == {"sv"}
    assert answer.headers["ETag"] == '"0"'


@pytest.mark.stack
async def test_what_is_given_is_said_sealed_for_those_who_may_open_it(house: House) -> None:
    assert (await house.gives()).json() == {"standing": "given", "version": 1}
    (said,) = await house.stage.said_of(ConsentGiven)
    opened = await house.stage.open(said.consents, Consents, subject=house.registration, party=house.party)
    assert (opened.language, set(opened.given.values())) == ("sv", {True})


@pytest.mark.stack
async def test_a_parent_sees_what_they_gave_and_the_other_sees_nothing_of_it(house: House) -> None:
    await house.gives()
    own = await house.http.get(house.path, headers=house.signed_in())
    others = await house.http.get(house.path, headers=house.signed_in(uuid4()))
    assert set(own.json()["given"].values()) == {True}
    assert (others.json()["given"], others.json()["version"], others.headers["ETag"]) == (None, 0, '"0"')


@pytest.mark.stack
async def test_a_mandatory_consent_that_is_not_given_is_named_and_nothing_is_said(house: House) -> None:
    texts = house.profiles.texts(house.profiles.county("vakehyva").texts)
    mandatory = next(each.id for each in texts.consents if each.mandatory)
    answer = await house.gives(json=house.all_given(**{mandatory: False}))
    assert (answer.status_code, answer.json()["field"]) == (422, f"/given/{mandatory}")
    assert await house.stage.said() == []
    assert await house.stage.state(house.registration) is None


@pytest.mark.stack
async def test_giving_without_saying_what_was_read_is_refused(house: House) -> None:
    answer = await house.http.put(house.path, json=house.all_given(), headers=house.signed_in())
    assert (answer.status_code, answer.json()["field"]) == (428, "If-Match")


@pytest.mark.stack
async def test_a_second_device_is_told_that_something_changed(house: House) -> None:
    await house.gives()
    assert (await house.gives(seen=0)).status_code == 412


@pytest.mark.stack
async def test_a_repeat_under_the_same_key_gets_the_same_answer_and_is_said_once(house: House) -> None:
    first = await house.gives(headers={"Idempotency-Key": "k"})
    again = await house.gives(headers={"Idempotency-Key": "k"})
    assert (first.json(), first.headers["ETag"]) == (again.json(), again.headers["ETag"])
    assert len(await house.stage.said_of(ConsentGiven)) == 1


@pytest.mark.stack
async def test_a_withdrawal_is_said(house: House) -> None:
    await house.gives()
    answer = await house.http.post(f"{house.path}/withdrawal", headers=house.signed_in())
    assert answer.json() == {"standing": "withdrawn", "version": 1}
    assert [said.version for said in await house.stage.said_of(ConsentWithdrawn)] == [1]


@pytest.mark.stack
@pytest.mark.parametrize("gate", ["before the withdrawal", "after the withdrawal", "never"])
async def test_who_withdrew_reads_it_on_their_own_page_whenever_the_gate_opened(house: House, gate: str) -> None:
    await house.gives()
    now = house.stage.clock.now()
    opened = RegistrationCompleted(registration_id=house.registration, completed_at=now, contact_by=now, parts=())
    if gate == "before the withdrawal":
        await house.stage.hears(opened)
    await house.http.post(f"{house.path}/withdrawal", headers=house.signed_in())
    if gate == "after the withdrawal":
        await house.stage.hears(opened)
    house.stage.clock.pass_by(hours=2)
    page = (await house.http.get(house.path, headers=house.signed_in())).json()
    assert (page["standing"], page["given"], page["version"]) == ("withdrawn", None, 1)
    assert len(await house.stage.said_of(ConsentWithdrawn)) == 1


@pytest.mark.stack
async def test_another_registration_does_not_exist_for_a_token(house: House) -> None:
    answer = await house.http.get(f"/registrations/{uuid4()}/consents", headers=house.signed_in())
    assert answer.status_code == 404


@pytest.mark.stack
@pytest.mark.parametrize("given", [{"ok": 1}, {"ok": "yes"}, [], "all", {"x" * 10_000: True}])
async def test_a_body_that_is_none_is_refused_and_not_repeated(house: House, given: Any) -> None:
    answer = await house.gives(json={"language": "fi", "given": given})
    assert answer.status_code == 422
    assert "x" * 100 not in answer.text


@pytest.mark.stack
async def test_who_left_is_told_that_it_is_over(house: House) -> None:
    await house.gives()
    now = house.stage.clock.now()
    await house.stage.hears(PartyLeft(registration_id=house.registration, party_id=house.party, left_at=now))
    assert (await house.http.get(house.path, headers=house.signed_in())).status_code == 410
    assert (await house.gives(seen=1)).status_code == 410


@pytest.mark.stack
async def test_a_purged_registration_is_gone(house: House) -> None:
    await house.gives()
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationPurged(registration_id=house.registration, purged_at=now))
    assert await house.stage.state(house.registration) is None
    assert (await house.gives(seen=1)).status_code == 410
