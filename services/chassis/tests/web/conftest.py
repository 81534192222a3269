from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from joserfc.jwk import KeySet, OKPKey

from rinnan_chassis.deciding import Refusal, Unavailable
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.web import (
    Body,
    Doors,
    Key,
    Line,
    Name,
    PartyToken,
    PartyTokenCheck,
    PartyTokens,
    Problems,
    Seen,
    application,
    etag,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
REGISTRATION = UUID("6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11")
PARTY = UUID("0d9a3a41-5f06-4b8c-8f52-7f7c0c1b6a01")


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.shown = MONDAY

    def now(self) -> datetime:
        return self.shown


class Colour(StrEnum):
    RED = "red"


class Child(Body):
    given_names: Name
    born: date


class Part(Body):
    given_names: Name
    note: Line = "-"
    born: date
    colour: Colour = Colour.RED
    reachable: bool = True
    children: tuple[Child, ...] = ()
    id: UUID | None = None


class NotNow(Refusal):
    code = "room.not_now"


def routes(doors: Doors) -> APIRouter:
    router = APIRouter()

    @router.post("/parts")
    async def write_a_part(part: Part) -> dict[str, Any]:
        return {"given_names": part.given_names, "children": len(part.children)}

    @router.put("/registrations/{registration_id}/part")
    async def write_my_part(
        *,
        registration_id: UUID,
        part: Part,
        response: Response,
        party: Annotated[PartyToken, Depends(doors.party)],
        key: Key,
        version: Seen,
    ) -> dict[str, Any]:
        response.headers.update(etag((version or 0) + 1))
        return {"party": str(party.party_id), "key": key, "name": part.given_names}

    @router.get("/registrations/{registration_id}")
    async def read_mine(registration_id: UUID, party: Annotated[PartyToken, Depends(doors.party)]) -> dict[str, Any]:
        return {"registration": str(registration_id), "county": party.county, "act": party.act}

    @router.get("/fails/{how}")
    async def fails(how: str) -> None:
        raise {
            "refusal": NotNow("/part/day", most=3),
            "destroyed": KeyDestroyed(),
            "away": ConnectionRefusedError("database at secret-host"),
            "unavailable": Unavailable("mail_away"),
            "bug": KeyError("a secret value"),
        }[how]

    return router


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def signing_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": "spring"})


@pytest.fixture
def tokens(signing_key: OKPKey, clock: HandClock) -> PartyTokens:
    return PartyTokens(signing_key, clock)


@pytest.fixture
def check(signing_key: OKPKey, clock: HandClock) -> PartyTokenCheck:
    return PartyTokenCheck(KeySet([OKPKey.import_key(signing_key.as_dict(private=False))]), clock)


@pytest.fixture
def a_token(tokens: PartyTokens) -> str:
    return tokens.issue(
        registration_id=REGISTRATION,
        party_id=PARTY,
        county="90",
        deadline=MONDAY + timedelta(days=14),
        pins={"form": "1"},
    )


@pytest.fixture
def problems(tmp_path_factory: pytest.TempPathFactory) -> Problems:
    texts = tmp_path_factory.mktemp("room") / "problems.toml"
    texts.write_text('["room.not_now"]\nfi = "Ei nyt."\nsv = "Inte nu."\nen = "Not now."\n', encoding="utf-8")
    return Problems.load(texts)


@pytest.fixture
def app(check: PartyTokenCheck, problems: Problems) -> FastAPI:
    return application("A room", "1.0.0", [routes(Doors(parties=check))], problems)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room") as client:
        yield client
