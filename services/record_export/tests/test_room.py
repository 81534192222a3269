"""Record export as a whole room on a real PostgreSQL: what it hears becomes a sealed record, and staff do the rest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

import rinnan_record_export
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, Issuers, Problems, application, issuers_of, untold
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.intake import RegistrationPurged
from rinnan_events.opened import ClientRecord, Scope
from rinnan_events.record_export import DeliveryMoved, DeliveryRequested, PackageRenderRequested
from rinnan_record_export import app
from rinnan_record_export.api import routes
from rinnan_record_export.domain.parts import KEPT
from rinnan_record_export.handlers import handlers

if TYPE_CHECKING:
    from conftest import Play

ROOT = Path(__file__).parents[3]
TOPICS = ROOT / "contracts" / "topics.toml"
ISSUER = "https://sign-in.invalid/staff"


@dataclass
class House:
    """The room on stage, and its staff."""

    stage: Stage[Any]
    http: httpx.AsyncClient
    key: ECKey

    def signed_in(self, who: str = "aino", county: str = "vakehyva", rights: str = "life act") -> dict[str, str]:
        now = int(self.stage.clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": "rinnan-staff",
            "iat": now,
            "exp": now + 600,
            "sub": who,
            "county": county,
            "rights": rights,
        }
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key, algorithms=["ES256"])
        return {"Authorization": f"Bearer {token}"}

    async def completes(self, play: Play) -> None:
        self.stage.clock.move(play.now)
        await self.stage.hears(*play.everything(), batch=True)
        await self.stage.works()

    async def answers(self, asked: DeliveryRequested | PackageRenderRequested, outcome: Outcome, **more: Any) -> None:
        answer = DeliveryOutcome(
            registration_id=asked.registration_id,
            delivery_id=asked.delivery_id,
            destination=asked.destination,
            attempt=asked.attempt,
            outcome=outcome,
            reason=outcome.value,
            happened_at=self.stage.clock.now(),
            **more,
        )
        await self.stage.hears(answer)

    async def acts(self, asked: Any, act: str, who: str, body: dict[str, Any] | None = None) -> httpx.Response:
        path = f"/registrations/{asked.registration_id}/deliveries/{asked.delivery_id}/{act}"
        return await self.http.post(path, json=body, headers=self.signed_in(who, "lapha"))


@pytest.fixture
async def house(postgres_admin_url: str, profiles: Any, tmp_path: Path) -> AsyncIterator[House]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    told = [
        {"kind": "staff", "issuer": ISSUER, "audience": "rinnan-staff", "counties": ["*"], "jwks_file": "keys.json"}
    ]
    (tmp_path / "issuers.json").write_text(json.dumps(told))
    async with (
        stage_of(
            handlers,
            admin_url=postgres_admin_url,
            room="record_export",
            topics=TOPICS,
            migrations=app.HERE / "migrations",
            reference=profiles,
            says=app.SAYS,
        ) as stage,
        httpx.AsyncClient() as issuer_client,
    ):
        doors = Doors(issuers=Issuers(issuers_of(tmp_path / "issuers.json"), stage.clock, issuer_client))
        problems = Problems.load(app.HERE / "problems.toml")
        web = application("record_export", "0", routes(stage.desk, doors), problems)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://record_export") as http:
            yield House(stage, http, key)


def test_every_refusal_has_words_in_every_language() -> None:
    assert untold(rinnan_record_export, Problems.load(app.HERE / "problems.toml")) == []


@pytest.mark.stack
async def test_a_completed_registration_is_asked_for_as_one_sealed_record(house: House, play: Play) -> None:
    await house.completes(play)
    (asked,) = await house.stage.said_of(DeliveryRequested)
    record = await house.stage.open(asked.record, ClientRecord, subject=play.registration, party=None)
    assert record.scope is Scope.JOINT
    assert [party.party_id for party in record.parties] == sorted((play.one, play.other))
    assert len(record.children) == 2
    assert all(party.children == tuple(child.child_id for child in record.children) for party in record.parties)


@pytest.mark.stack
async def test_the_two_parents_swapped_make_the_same_record(house: House, play: Play, a_play: Any) -> None:
    await house.completes(play)
    (asked,) = await house.stage.said_of(DeliveryRequested)
    record = await house.stage.open(asked.record, ClientRecord, subject=play.registration, party=None)
    assert record.parties[0].model_copy(update={"party_id": None}) == record.parties[1].model_copy(
        update={"party_id": None}
    )


@pytest.mark.stack
async def test_one_who_asks_alone_is_sealed_under_their_own_key(house: House, play: Play) -> None:
    house.stage.clock.move(play.now)
    await house.stage.hears(play.opened(), *play.parts(play.one), play.asks_alone(play.one, 1))
    house.stage.clock.pass_by(minutes=2)
    await house.stage.works()
    (asked,) = await house.stage.said_of(DeliveryRequested)
    record = await house.stage.open(asked.record, ClientRecord, subject=play.registration, party=play.one)
    assert (record.scope, [party.party_id for party in record.parties]) == (Scope.SINGLE, [play.one])
    assert record.parties[0].consents is not None


@pytest.mark.stack
async def test_a_party_whose_keys_are_gone_is_not_in_the_record(house: House, play: Play) -> None:
    house.stage.clock.move(play.now)
    await house.stage.hears(*play.everything())
    await house.stage.batches.keyring.destroy(play.registration, [play.one])
    await house.stage.works()
    (asked,) = await house.stage.said_of(DeliveryRequested)
    record = await house.stage.open(asked.record, ClientRecord, subject=play.registration, party=None)
    assert [party.party_id for party in record.parties] == [play.other]


@pytest.mark.stack
async def test_who_gave_consents_ever_so_often_before_the_list_was_heard_is_in_the_record_with_theirs(
    house: House, play: Play
) -> None:
    house.stage.clock.move(play.now)
    again = [play.parts(play.one, version)[4] for version in range(2, 2 + 2 * KEPT)]
    await house.stage.hears(*play.everything()[:-1], *again, play.completed(), batch=True)
    await house.stage.works()
    (asked,) = await house.stage.said_of(DeliveryRequested)
    record = await house.stage.open(asked.record, ClientRecord, subject=play.registration, party=None)
    assert [party.consents is not None for party in record.parties] == [True, True]
    parts = await house.stage.batches.database.fetchval("select count(*) from part")
    assert parts <= 2 * (len(play.parts(play.one)) + 1) + KEPT


@pytest.mark.stack
async def test_no_move_says_anything_but_ids_classes_and_times(house: House, play: Play) -> None:
    await house.completes(play)
    moves = await house.stage.said_of(DeliveryMoved)
    assert [move.to_state.value for move in moves] == ["planned", "requested"]
    assert not any("Nieminen" in move.model_dump_json() for move in moves)


@pytest.mark.stack
async def test_a_package_goes_through_two_members_of_staff(house: House, a_play: Any) -> None:
    play = a_play(county="lapha")
    await house.completes(play)
    (asked,) = await house.stage.said_of(PackageRenderRequested)
    await house.answers(asked, Outcome.PACKAGE_RENDERED, document_ids=(play.one,))
    listed = (await house.http.get("/deliveries", headers=house.signed_in(county="lapha"))).json()
    assert [(each["state"], each["package"]["documents"]) for each in listed] == [("prepared", [str(play.one)])]
    assert (await house.acts(asked, "release", "aino")).json()["state"] == "released"
    assert (await house.acts(asked, "keyed-in", "aino")).json()["state"] == "keyed_in"
    refused = await house.acts(asked, "verified", "aino")
    assert (refused.status_code, refused.json()["code"]) == (409, "record_export.same_person")
    assert (await house.acts(asked, "verified", "elli")).json()["state"] == "verified"
    assert (await house.http.get("/deliveries", headers=house.signed_in(county="lapha"))).json() == []


@pytest.mark.stack
async def test_a_deviation_says_why_by_a_class(house: House, a_play: Any) -> None:
    play = a_play(county="lapha")
    await house.completes(play)
    (asked,) = await house.stage.said_of(PackageRenderRequested)
    await house.answers(asked, Outcome.PACKAGE_RENDERED)
    assert (await house.acts(asked, "not-keyed-in", "aino")).status_code == 422
    assert (await house.acts(asked, "not-keyed-in", "aino", {"why": "lost"})).json()["state"] == "waiting"
    await house.stage.works()
    first, second = await house.stage.said_of(PackageRenderRequested)
    assert (first.look_first, second.look_first) == (False, True)
    (kept,) = await house.stage.operations.acts(asked.registration_id)
    assert (kept["by"], kept["verb"], kept["why"]) == (f"{ISSUER}#aino", "not_keyed_in", "lost")
    assert await house.stage.operations.acts(asked.delivery_id) == [kept]


@pytest.mark.stack
@pytest.mark.parametrize("rights", ["bodies protected act", ""])
async def test_looking_at_the_ledger_needs_the_right_to_see_life(house: House, rights: str) -> None:
    assert (await house.http.get("/deliveries", headers=house.signed_in(rights=rights))).status_code == 403


@pytest.mark.stack
async def test_staff_of_another_county_see_nothing_and_do_nothing(house: House, play: Play) -> None:
    await house.completes(play)
    (asked,) = await house.stage.said_of(DeliveryRequested)
    other = house.signed_in(county="lapha")
    assert (await house.http.get("/deliveries", headers=other)).json() == []
    path = f"/registrations/{play.registration}/deliveries"
    assert (await house.http.get(path, headers=other)).status_code == 404
    assert (await house.acts(asked, "release", "aino")).status_code == 404


@pytest.mark.stack
async def test_a_correction_is_listed_until_it_is_taken_up(house: House, play: Play) -> None:
    await house.completes(play)
    await house.stage.hears(play.left(play.one))
    staff = house.signed_in()
    (listed,) = (await house.http.get("/corrections", headers=staff)).json()
    assert listed["what"] == "departure"
    path = f"/registrations/{play.registration}/corrections/taken-up"
    told = {"why": "told_the_destination", "seen": listed["number"]}
    await house.stage.hears(play.withdrew(play.other))
    refused = await house.http.post(path, json=told, headers=staff)
    assert (refused.status_code, refused.json()["code"]) == (409, "record_export.not_as_seen")
    newest = max(each["number"] for each in (await house.http.get("/corrections", headers=staff)).json())
    assert (await house.http.post(path, json={**told, "seen": newest}, headers=staff)).json() == {"corrections": 2}
    assert (await house.http.get("/corrections", headers=staff)).json() == []


@pytest.mark.stack
async def test_a_purge_leaves_nothing(house: House, play: Play) -> None:
    await house.completes(play)
    gone = RegistrationPurged(registration_id=play.registration, purged_at=house.stage.clock.now())
    await house.stage.hears(gone)
    assert await house.stage.state(play.registration) is None
