import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from rinnan_chassis.deciding import Refusal
from rinnan_chassis.web import Doors, Issuers, Problems, application, issuers_of, operations_routes

SUBJECT = UUID("6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11")
LETTER = UUID("0d9a3a41-5f06-4b8c-8f52-7f7c0c1b6a01")
WHY = {"reason": "fault_mended"}
LOOKS = ["/operations/held", "/operations/dead-letters", "/operations/work", f"/operations/acts/{LETTER}"]
ACTS = [
    f"/operations/held/{SUBJECT}/release",
    f"/operations/dead-letters/{LETTER}/redrive",
    f"/operations/dead-letters/{LETTER}/discard",
]

Bearer = Callable[..., dict[str, str]]


class NotHeld(Refusal):
    code = "chassis.not_held"
    status = 404


class Room:
    """A room with one held subject and one dead letter, which remembers who changed what and why."""

    def __init__(self) -> None:
        self.done: list[tuple[str, UUID, str, str]] = []
        self.asked: list[Collection[str | None]] = []
        self.is_held = True

    async def held(self, *, within: Collection[str | None]) -> Sequence[Mapping[str, Any]]:
        self.asked.append(within)
        return [{"subject": SUBJECT, "held_at": "2026-03-02T09:00:00Z", "parked": 2, "dead_letters": 1, "stuck": 0}]

    async def acts(self, on: UUID, *, within: Collection[str | None]) -> Sequence[Mapping[str, Any]]:
        self.asked.append(within)
        done = {
            "by": "https://staff.example#staff-7",
            "verb": "discard",
            "subject": SUBJECT,
            "thing": on,
            "why": "old",
        }
        return [{**done, "done_at": "2026-03-02T09:00:00Z"}]

    async def dead_letters(self, *, within: Collection[str | None]) -> Sequence[Mapping[str, Any]]:
        self.asked.append(within)
        return [
            {
                "id": LETTER,
                "subject": SUBJECT,
                "topic": "room.thing.v1",
                "type": "room.thing_happened.v1",
                "reason": "KeyError",
                "set_aside_at": "2026-03-02T09:00:00Z",
                "body": "a secret body",
            }
        ]

    async def work(self) -> Mapping[str, Any]:
        return {"kinds": [{"kind": "send", "state": "waiting", "count": 3, "due": 1, "oldest_due": None}]}

    async def release(self, subject: UUID, *, by: str, why: str, within: Collection[str | None]) -> Mapping[str, Any]:
        self.asked.append(within)
        if not self.is_held:
            raise NotHeld
        self.done.append(("release", subject, by, why))
        return {"heard": ["decided"]}

    async def redrive(self, letter: UUID, *, by: str, why: str, within: Collection[str | None]) -> Mapping[str, Any]:
        self.asked.append(within)
        self.done.append(("redrive", letter, by, why))
        return {"heard": ["decided"]}

    async def discard(self, letter: UUID, *, by: str, why: str, within: Collection[str | None]) -> Mapping[str, Any]:
        self.asked.append(within)
        self.done.append(("discard", letter, by, why))
        return {"settled": str(letter)}


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture(scope="module")
def county_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "county"})


@pytest.fixture
def bearer(county_key: ECKey, clock: Any) -> Bearer:
    def of(*rights: str) -> dict[str, str]:
        now = int(clock.now().timestamp())
        claims = {"iss": "https://staff.example", "aud": "rinnan", "sub": "staff-7", "iat": now, "exp": now + 60}
        told = {**claims, "county": "90", "rights": list(rights)}
        return {"Authorization": f"Bearer {jwt.encode({'alg': 'ES256', 'kid': 'county'}, told, county_key)}"}

    return of


@pytest.fixture
async def client(
    room: Room, clock: Any, county_key: ECKey, tmp_path: Path, problems: Problems
) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [county_key.as_dict(private=False)]}))
    issuer = {"kind": "staff", "issuer": "https://staff.example", "audience": "rinnan", "counties": ["*"]}
    issuer["jwks_file"] = "keys.json"
    (tmp_path / "issuers.json").write_text(json.dumps([issuer]))
    async with httpx.AsyncClient() as outside:
        doors = Doors(issuers=Issuers(issuers_of(tmp_path / "issuers.json"), clock, outside))
        app = application("A room", "1", [operations_routes(room, doors)], problems)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room") as client:
            yield client


async def test_an_operator_sees_what_is_held_set_aside_and_due(client: httpx.AsyncClient, bearer: Bearer) -> None:
    held, letters, work, acts = [(await client.get(path, headers=bearer("life"))).json() for path in LOOKS]
    assert (held[0]["subject"], held[0]["parked"]) == (str(SUBJECT), 2)
    assert (letters[0]["id"], letters[0]["type"]) == (str(LETTER), "room.thing_happened.v1")
    assert work["kinds"][0]["due"] == 1
    assert (acts[0]["verb"], acts[0]["thing"], acts[0]["why"]) == ("discard", str(LETTER), "old")


async def test_a_dead_letters_body_is_never_shown(client: httpx.AsyncClient, bearer: Bearer) -> None:
    answer = await client.get("/operations/dead-letters", headers=bearer("life", "bodies", "protected", "act"))
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ACTS)
async def test_a_change_is_made_with_who_and_why(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, path: str
) -> None:
    answer = await client.post(path, json=WHY, headers=bearer("life", "act"))
    assert answer.status_code == 200
    ((verb, _, by, why),) = room.done
    assert path.endswith(verb)
    assert (by, why) == ("https://staff.example#staff-7", WHY["reason"])


@pytest.mark.parametrize("path", LOOKS)
@pytest.mark.parametrize(("rights", "status"), [(["life"], 200), (["act", "bodies", "protected"], 403), (None, 401)])
async def test_looking_asks_for_the_right_to_see_life(
    client: httpx.AsyncClient, bearer: Bearer, path: str, rights: list[str] | None, status: int
) -> None:
    answer = await client.get(path, headers={} if rights is None else bearer(*rights))
    assert answer.status_code == status


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("rights", [["life"], ["act"], ["life", "bodies", "protected"]])
async def test_changing_asks_for_the_right_to_act_besides(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, path: str, rights: list[str]
) -> None:
    assert (await client.post(path, json=WHY, headers=bearer(*rights))).status_code == 403
    assert room.done == []


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("why", [{}, {"reason": ""}, {"reason": "Aino phoned"}, {"reason": ["fault_mended"]}])
async def test_nothing_changes_without_a_reason_that_is_a_class(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, path: str, why: dict[str, object]
) -> None:
    answer = await client.post(path, json=why, headers=bearer("life", "act"))
    assert (answer.status_code, answer.json()["field"]) == (422, "/reason")
    assert room.done == []


@pytest.mark.parametrize("path", ACTS)
async def test_a_ticket_is_kept_beside_the_reason(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, path: str
) -> None:
    answer = await client.post(path, json={"reason": "see_ticket", "ticket": "ICT-4711"}, headers=bearer("life", "act"))
    assert answer.status_code == 200
    assert [why for *_, why in room.done] == ["see_ticket ICT-4711"]


@pytest.mark.parametrize("ticket", [None, "", "Aino", "ICT-4711 Aino", "ICT-280290900", "ict-1", "ICT-1\n"])
async def test_a_ticket_is_a_reference_and_nothing_else(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, ticket: str | None
) -> None:
    why = {"reason": "see_ticket", "ticket": ticket}
    answer = await client.post(ACTS[0], json=why, headers=bearer("life", "act"))
    assert (answer.status_code, answer.json()["field"]) == (422, "/ticket")
    assert room.done == []


async def test_what_is_not_held_cannot_be_released(client: httpx.AsyncClient, bearer: Bearer, room: Room) -> None:
    room.is_held = False
    answer = await client.post(ACTS[0], json=WHY, headers=bearer("life", "act"))
    assert (answer.status_code, answer.json()["code"]) == (404, "chassis.not_held")


@pytest.mark.parametrize(
    ("more", "within"), [([], {"90"}), (["bodies", "protected"], {"90"}), (["operate"], {"90", None})]
)
async def test_staff_are_shown_their_own_county_and_what_has_none_to_operators_of_the_installation_alone(
    client: httpx.AsyncClient, bearer: Bearer, room: Room, more: list[str], within: set[str | None]
) -> None:
    headers = bearer("life", "act", *more)
    for path in LOOKS:
        await client.get(path, headers=headers)
    for path in ACTS:
        await client.post(path, json=WHY, headers=headers)
    assert room.asked == [within] * 6


async def test_every_look_and_act_is_logged_without_its_reason(
    client: httpx.AsyncClient, bearer: Bearer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rinnan_chassis.web.operations")
    for path in LOOKS:
        await client.get(path, headers=bearer("life"))
    for path in ACTS:
        await client.post(path, json=WHY, headers=bearer("life", "act"))
    told = [vars(record) for record in caplog.records if record.name == "rinnan_chassis.web.operations"]
    assert [each["verb"] for each in told] == ["held", "dead_letters", "work", "acts", "release", "redrive", "discard"]
    assert {each["by"] for each in told} == {"staff-7"}
    assert WHY["reason"] not in repr(told)


@pytest.mark.parametrize("path", ["/operations/held/1/release", "/operations/dead-letters/280290-9001/redrive"])
async def test_an_id_that_cannot_be_one_is_not_found(client: httpx.AsyncClient, bearer: Bearer, path: str) -> None:
    answer = await client.post(path, json=WHY, headers=bearer("life", "act"))
    assert (answer.status_code, answer.json()["code"]) == (404, "chassis.not_found")
    assert "9001" not in answer.text
