"""Risk screening as a whole room: HTTP in, events out, on a real PostgreSQL. What B could notice of A is nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc.jwk import KeySet, OKPKey

import rinnan_risk_screening
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, PartyTokenCheck, PartyTokens, Problems, application, untold
from rinnan_events.intake import PartyLeft, RegistrationEnded, RegistrationPurged
from rinnan_events.opened import CareRoute, Route
from rinnan_events.risk_screening import CareRouteSet, ScreeningCompleted
from rinnan_profiles import Profiles
from rinnan_risk_screening.api import routes
from rinnan_risk_screening.app import PROBLEMS, SAYS
from rinnan_risk_screening.handlers import handlers

if TYPE_CHECKING:
    from conftest import Play

ROOT = Path(__file__).parents[3]
DECLINED: dict[str, Any] = {"language": "fi", "declined": True}


@dataclass
class House:
    """The room on stage, its HTTP face, and one parent's token."""

    stage: Stage[Any]
    http: httpx.AsyncClient
    tokens: PartyTokens
    play: Play
    registration: UUID
    party: UUID

    @property
    def path(self) -> str:
        return f"/registrations/{self.registration}/screening"

    @property
    def gravest(self) -> dict[str, Any]:
        return {"language": "fi", "answers": self.play.gravest}

    @property
    def mildest(self) -> dict[str, Any]:
        return {"language": "fi", "answers": self.play.mildest}

    def signed_in(self, party: UUID | None = None) -> dict[str, str]:
        county = self.play.profiles.county("vakehyva")
        token = self.tokens.issue(
            registration_id=self.registration,
            party_id=party or self.party,
            county=county.code,
            deadline=self.stage.clock.now() + timedelta(days=14),
            pins=county.pins().model_dump(),
        )
        return {"Authorization": f"Bearer {token}"}

    async def puts(self, body: Any, party: UUID | None = None) -> httpx.Response:
        return await self.http.put(self.path, json=body, headers=self.signed_in(party))

    async def rests(self, column: str) -> list[str]:
        return [row[0] for row in await self.stage.batches.database.fetch(column)]


@pytest.fixture
async def house(postgres_admin_url: str, profiles: Profiles, play: Play) -> AsyncIterator[House]:
    async with stage_of(
        handlers,
        admin_url=postgres_admin_url,
        room="risk_screening",
        topics=ROOT / "contracts" / "topics.toml",
        reference=profiles,
        outside=profiles,
        says=(ScreeningCompleted, CareRouteSet),
    ) as stage:
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        doors = Doors(parties=PartyTokenCheck(KeySet([key]), stage.clock))
        app = application("screening", "0", [routes(stage.desk, doors, profiles)], Problems.load(PROBLEMS))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://screening") as http:
            yield House(stage, http, PartyTokens(key, stage.clock), play, uuid4(), uuid4())


def test_every_refusal_has_words_in_every_language() -> None:
    assert untold(rinnan_risk_screening, Problems.load(PROBLEMS)) == []


@pytest.mark.parametrize("wrong", ["missing", "unknown_code", "unknown_question"])
def test_everything_that_may_be_wrong_with_an_answer_has_words(wrong: str) -> None:
    assert {"fi", "sv", "en"} <= Problems.load(PROBLEMS).texts[f"risk_screening.{wrong}"].keys()


@pytest.mark.stack
async def test_the_questions_come_in_exactly_the_language_asked_for(house: House) -> None:
    told = (await house.http.get(house.path, params={"language": "sv"}, headers=house.signed_in())).json()
    item = house.play.instrument.items[0]
    assert told["questions"][0]["text"] == item.text.at("sv")
    assert [each["code"] for each in told["questions"][0]["answers"]] == [
        each.code for each in house.play.instrument.responses(item)
    ]


@pytest.mark.stack
async def test_what_an_answer_counts_for_is_not_told(house: House) -> None:
    told = (await house.http.get(house.path, params={"language": "fi"}, headers=house.signed_in())).json()
    assert {key for question in told["questions"] for each in question["answers"] for key in each} == {"code", "text"}


@pytest.mark.stack
async def test_another_language_is_never_put_in_place_of_one_that_nobody_vouches_for(house: House) -> None:
    answer = await house.http.get(house.path, params={"language": "ar"}, headers=house.signed_in())
    assert (answer.status_code, answer.json()["code"]) == (409, "risk_screening.not_in_this_language")
    assert set(answer.json()["told"]["languages"].split()) == {"fi", "sv", "en"}


@pytest.mark.stack
async def test_answering_and_declining_are_answered_alike_to_the_byte(house: House) -> None:
    answers = [await house.puts(body, uuid4()) for body in (house.mildest, house.gravest, DECLINED)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(answer.headers.items()) for answer in answers}) == 1


@pytest.mark.stack
async def test_what_rests_has_one_size_whatever_was_answered(house: House) -> None:
    for body in (house.mildest, house.gravest, DECLINED):
        await house.puts(body, uuid4())
    assert len(set(await house.rests("select length(payload->'answers'->>'jwe') from work"))) == 1


@pytest.mark.stack
async def test_what_is_said_has_one_size_whatever_was_answered(house: House) -> None:
    for body in (house.mildest, house.gravest, DECLINED):
        await house.puts(body, uuid4())
    await house.stage.works()
    sizes = await house.stage.batches.database.fetch(
        "select topic, array_agg(distinct length(body)) from outbox group by 1"
    )
    assert [len(row[1]) for row in sizes] == [1, 1]


@pytest.mark.stack
async def test_both_events_are_said_together_and_the_route_is_sealed(house: House) -> None:
    await house.puts(house.gravest)
    await house.stage.works()
    completed, care = await house.stage.said()
    assert isinstance(completed, ScreeningCompleted)
    assert isinstance(care, CareRouteSet)
    opened = await house.stage.open(care.care, CareRoute, subject=house.registration, party=house.party)
    assert opened.route is Route.URGENT_CONTACT


@pytest.mark.stack
@pytest.mark.parametrize("given", ["mildest", "gravest", "declined", "prefer_not", "cannot_safely"])
async def test_whatever_is_given_is_done_and_said_so_that_nothing_in_it_can_keep_the_gate_shut(
    house: House, given: str
) -> None:
    whole = dict.fromkeys(house.play.mildest, given)
    body = {"mildest": house.mildest, "gravest": house.gravest, "declined": DECLINED}.get(
        given, {"language": "fi", "answers": whole}
    )
    assert (await house.puts(body)).status_code == 202
    await house.stage.works()
    assert [type(said) for said in await house.stage.said()] == [ScreeningCompleted, CareRouteSet]


def test_a_screening_leads_to_two_events_and_to_nothing_outside_the_house() -> None:
    assert set(SAYS) == {ScreeningCompleted, CareRouteSet}
    assert set(handlers.kinds) == {"score"}


@pytest.mark.stack
async def test_what_was_answered_is_nowhere_in_the_clear(house: House) -> None:
    await house.puts({"language": "fi", "answers": house.play.gravest})
    code = next(iter(house.play.gravest.values()))
    for column in ("payload::text from work", "state::text from subject", "answer::text from command"):
        assert not any(code in text for text in await house.rests(f"select {column}"))


@pytest.mark.stack
async def test_answers_are_never_shown_again_and_done_is_the_same_for_all(house: House) -> None:
    pages: set[bytes] = set()
    for body in (house.gravest, DECLINED):
        party = uuid4()
        await house.puts(body, party)
        page = await house.http.get(house.path, params={"language": "fi"}, headers=house.signed_in(party))
        assert page.json()["done"] is True
        pages.add(page.content)
    assert len(pages) == 1


@pytest.mark.stack
async def test_the_other_parent_sees_no_change(house: House) -> None:
    other = house.signed_in(uuid4())
    before = await house.http.get(house.path, params={"language": "fi"}, headers=other)
    await house.puts(house.gravest)
    await house.stage.works()
    after = await house.http.get(house.path, params={"language": "fi"}, headers=other)
    assert (before.content, before.headers) == (after.content, after.headers)


@pytest.mark.stack
async def test_an_answer_that_is_missing_is_named_and_nothing_is_kept(house: House) -> None:
    answers = dict(house.play.mildest)
    missing, _ = answers.popitem()
    answer = await house.puts({"language": "fi", "answers": answers})
    assert (answer.status_code, answer.json()["field"]) == (422, f"/answers/{missing}")
    assert await house.stage.state(house.registration) is None


@pytest.mark.stack
@pytest.mark.parametrize(
    "body",
    [
        {"language": "fi"},
        {"language": "fi", "answers": {}, "declined": True},
        {"language": "fi", "answers": {"made_up": "no"}},
        {"language": "xx", "declined": True},
        {"language": "fi", "declined": "yes"},
        [],
    ],
)
async def test_what_is_neither_an_answer_nor_a_refusal_to_answer_is_refused(house: House, body: Any) -> None:
    assert (await house.puts(body)).status_code in {409, 422}
    assert await house.stage.said() == []


@pytest.mark.stack
async def test_whoever_leaves_before_scoring_is_not_scored(house: House) -> None:
    await house.puts(house.gravest)
    now = house.stage.clock.now()
    await house.stage.batches.keyring.destroy(house.registration, [house.party])
    await house.stage.hears(PartyLeft(registration_id=house.registration, party_id=house.party, left_at=now))
    await house.stage.works()
    assert await house.stage.said() == []
    assert (await house.puts(DECLINED)).status_code == 410


@pytest.mark.stack
async def test_what_was_given_in_time_is_scored_and_said_after_the_ending(house: House) -> None:
    await house.puts(house.gravest)
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationEnded(registration_id=house.registration, ended_at=now))
    await house.stage.works()
    completed, care = await house.stage.said()
    assert isinstance(completed, ScreeningCompleted)
    assert isinstance(care, CareRouteSet)
    assert (await house.puts(DECLINED)).status_code == 410


@pytest.mark.stack
async def test_keys_that_a_purge_destroyed_are_an_answer_and_nobody_is_held(house: House) -> None:
    await house.puts(house.gravest)
    await house.stage.batches.keyring.destroy(house.registration, [house.party, None])
    await house.stage.works()
    assert await house.stage.said() == []
    assert await house.rests("select id::text from subject where held_at is not null") == []
    assert await house.rests("select key from work where state <> 'done'") == []


@pytest.mark.stack
async def test_a_purge_leaves_nothing_to_score(house: House) -> None:
    await house.puts(house.gravest)
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationPurged(registration_id=house.registration, purged_at=now))
    assert await house.rests("select payload::text from work") == []
