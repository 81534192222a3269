"""The log as a room: what staff may ask of it, and what it may hear."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

import rinnan_event_log
from rinnan_chassis.topics import Topics
from rinnan_chassis.web import Doors, Issuers, Problems, application, issuers_of, untold
from rinnan_event_log.api import routes
from rinnan_event_log.app import HERE, SAYS, room
from rinnan_event_log.settings import Settings
from rinnan_events.record_export import DeliveryState

if TYPE_CHECKING:
    from conftest import Log, Neighbours

    from rinnan_event_log.domain.telling import Sentences

ROOT = Path(__file__).parents[3]
ISSUER = "https://sign-in.invalid/staff"


@dataclass
class House:
    log: Log
    http: httpx.AsyncClient
    key: ECKey

    async def get(self, path: str, *, rights: str = "life", county: str = "lapha", language: str = "en") -> Any:
        now = int(self.log.stage.clock.now().astimezone(UTC).timestamp())
        claims = {"iss": ISSUER, "aud": "rinnan", "iat": now, "exp": now + 600, "sub": "s-17"}
        claims |= {"county": county, "rights": rights}
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key, algorithms=["ES256"])
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def house(log: Log, sentences: Sentences, tmp_path: Path) -> AsyncIterator[House]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    issuer = {"kind": "staff", "issuer": ISSUER, "audience": "rinnan", "counties": ["*"], "jwks_file": "keys.json"}
    (tmp_path / "issuers.json").write_text(json.dumps([issuer]))
    async with httpx.AsyncClient() as issuer_client:
        doors = Doors(issuers=Issuers(issuers_of(tmp_path / "issuers.json"), log.stage.clock, issuer_client))
        router = routes(log.stage.desk, doors, sentences, timedelta(days=4383))
        web = application("Rinnan event_log", "0.1.0", [router], Problems.load(HERE / "problems.toml"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://log") as http:
            yield House(log, http, key)


@pytest.mark.stack
async def test_a_life_is_told_over_http(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(
        neighbours.record(neighbours.opened()),
        neighbours.record(neighbours.joined()),
        neighbours.record(neighbours.moved(DeliveryState.PLANNED)),
        neighbours.record(neighbours.requested()),
        neighbours.record(neighbours.outcome()),
    )
    answer = await house.get(f"/registrations/{neighbours.registration}/life")
    told = answer.json()
    assert answer.status_code == 200
    assert [each["speaker"] for each in told["events"]] == [
        "intake",
        "intake",
        "record_export",
        "record_export",
        "adapter",
    ]
    assert told["events"][0]["sentence"] == "The registration was opened (lapha)."
    assert told["deliveries"][0]["state"] == "planned"
    assert "CANARY" not in answer.text


@pytest.mark.stack
async def test_a_life_is_told_in_the_language_that_was_asked_for(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(neighbours.record(neighbours.opened()))
    answer = await house.get(f"/registrations/{neighbours.registration}/life", language="sv, en;q=0.5")
    assert answer.headers["Content-Language"] == "sv"
    assert answer.json()["events"][0]["sentence"] == "Anmälan öppnades (lapha)."


@pytest.mark.stack
async def test_another_countys_registration_is_as_unknown_as_none(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(neighbours.record(neighbours.opened()))
    foreign = await house.get(f"/registrations/{neighbours.registration}/life", county="pirha")
    none = await house.get(f"/registrations/{neighbours.one}/life")
    assert (foreign.status_code, foreign.content) == (none.status_code, none.content)
    assert none.json()["code"] == "event_log.unknown_registration"


@pytest.mark.stack
@pytest.mark.parametrize("what", ["life", "looks"])
@pytest.mark.parametrize(
    ("rights", "status"), [("life", 404), ("life act bodies protected", 404), ("life operate", 200)]
)
async def test_a_registration_of_no_known_county_is_there_for_an_operator_of_the_installation_alone(
    house: House, neighbours: Neighbours, what: str, rights: str, status: int
) -> None:
    await house.log.hears(neighbours.record(neighbours.joined()))
    answer = await house.get(f"/registrations/{neighbours.registration}/{what}", rights=rights)
    assert answer.status_code == status


@pytest.mark.stack
@pytest.mark.parametrize(
    "path",
    [
        "/registrations/6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11/life",
        "/registrations/6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11/looks",
        "/verification",
        "/anchors",
    ],
)
async def test_without_the_right_to_see_lives_nothing_is_shown(house: House, path: str) -> None:
    assert (await house.get(path, rights="bodies protected act")).status_code == 403
    assert await house.log.count("look") == 0


@pytest.mark.stack
async def test_every_look_is_written_down(house: House, neighbours: Neighbours) -> None:
    for path in (f"/registrations/{neighbours.registration}/life", "/verification", "/anchors"):
        await house.get(path)
    rows = await house.log.stage.batches.database.fetch("select actor, what, subject from look order by id")
    assert [tuple(row) for row in rows] == [
        (f"{ISSUER}#s-17", "life", neighbours.registration),
        (f"{ISSUER}#s-17", "verification", None),
        (f"{ISSUER}#s-17", "anchors", None),
    ]


@pytest.mark.stack
async def test_staff_of_the_county_can_read_who_looked_at_a_registration(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(neighbours.record(neighbours.opened()))
    await house.get(f"/registrations/{neighbours.registration}/life")
    told = await house.get(f"/registrations/{neighbours.registration}/looks")
    assert [(each["actor"], each["what"]) for each in told.json()] == [
        (f"{ISSUER}#s-17", "looks"),
        (f"{ISSUER}#s-17", "life"),
    ]
    foreign = await house.get(f"/registrations/{neighbours.registration}/looks", county="pirha")
    none = await house.get(f"/registrations/{neighbours.one}/looks")
    assert (foreign.status_code, foreign.content) == (none.status_code, none.content)
    assert none.status_code == 404


@pytest.mark.stack
async def test_the_verification_names_where_the_log_was_edited(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(*(neighbours.record(neighbours.submitted(version)) for version in range(3)))
    assert (await house.get("/verification")).json()["whole"] is True
    await house.log.does("update entry set clear = '{}' where position = 2")
    told = (await house.get("/verification")).json()
    assert (told["whole"], told["broken_at"], told["fault"]) == (False, 2, "edited")


@pytest.mark.stack
async def test_an_anchor_that_was_kept_elsewhere_is_compared(house: House, neighbours: Neighbours) -> None:
    await house.log.hears(neighbours.record(neighbours.submitted()))
    good = (await house.get("/verification")).json()["hash"]
    assert (await house.get(f"/verification?anchor=1:{good}")).json()["whole"] is True
    told = (await house.get(f"/verification?anchor=1:{'0' * 64}")).json()
    assert (told["whole"], told["fault"]) == (False, "other_than_an_anchor")
    told = (await house.get(f"/verification?anchor=1:{'0' * 64}&anchor=1:{good}")).json()
    assert (told["whole"], told["fault"]) == (False, "other_than_an_anchor")
    assert (await house.get(f"/verification?anchor=1:{good}&anchor=nonsense")).status_code == 422


@pytest.mark.stack
async def test_the_verification_tells_where_the_log_begins(house: House, neighbours: Neighbours) -> None:
    heard_at = house.log.stage.clock.now()
    await house.log.hears(*(neighbours.record(neighbours.submitted(version)) for version in range(3)))
    link = await house.log.stage.batches.database.fetchval("select chain_hash from entry where position = 1")
    told = (await house.get("/verification")).json()
    assert (told["begins_after"], told["begins_with"], told["entries"]) == (0, "0" * 64, 3)
    assert datetime.fromisoformat(told["begins_at"]) == heard_at
    await house.log.does("delete from entry where position = 1")
    await house.log.does("update chain set begins_after = 1, begins_with = $1", link)
    told = (await house.get(f"/verification?anchor={told['position']}:{told['hash']}")).json()
    assert (told["whole"], told["broken_at"], told["fault"]) == (False, 1, "begins_too_late")
    assert (told["begins_after"], told["begins_with"], told["entries"]) == (1, link.hex(), 2)


def test_every_problem_can_be_read() -> None:
    assert untold(rinnan_event_log, Problems.load(HERE / "problems.toml")) == []


def test_it_hears_every_topic_but_its_own_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    topics_file = ROOT / "contracts" / "topics.toml"
    monkeypatch.setenv("RINNAN_DATABASE_URL", "postgresql://event_log@127.0.0.1/rinnan")
    monkeypatch.setenv("RINNAN_KAFKA_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("RINNAN_TOPICS_FILE", str(topics_file))
    monkeypatch.setenv("RINNAN_HTTP_PORT", "0")
    monkeypatch.setenv("RINNAN_HEALTH_PORT", "0")
    wired, topics = room(Settings.read()), Topics.load(topics_file)
    topics.check(wired.name, speaks=SAYS, hears=wired.topics, opens=wired.opens)
    assert wired.topics == set(topics.topics) - {"event_log.dead_letter.v1"}
    assert wired.opens == frozenset()
