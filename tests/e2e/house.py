"""All rooms with their whole HTTP APIs, each on a stage of its own, and everybody who may knock at a door."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey

from rinnan_chassis.operations import Operations
from rinnan_chassis.room import Room
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.testing.clock import StageClock
from rinnan_chassis.web import Doors, Issuers, PartyTokenCheck, PartyTokens, Problems, application, issuers_of
from rinnan_chassis.web import operations_routes as operations
from rinnan_contracts.rooms import wired
from rinnan_events.intake import RegistrationOpened

ROOT = Path(__file__).parents[2]
COUNTY = "lapha"
PARENTS, STAFF = "https://sign-in.invalid/parents", "https://sign-in.invalid/staff"
AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "code": "020291-901E"}
CHILD = {"family_name": "Öhman-Šaari", "given_names": "Ylva", "birth_date": "2019-05-06"}
START: Mapping[str, Any] = {
    "county": COUNTY,
    "children": [CHILD],
    "contact": {"language": "fi", "email": "aino@example.org"},
    "other": {"identity_code": BERT["code"]},
    "other_contact": {"language": "sv", "email": "other@example.org"},
}


@dataclass(frozen=True, slots=True)
class OnStage:
    """One room that can be asked over HTTP; `document` is the OpenAPI of exactly what answers."""

    stage: Stage[Any]
    app: FastAPI
    http: httpx.AsyncClient

    @property
    def document(self) -> dict[str, Any]:
        return self.app.openapi()

    async def rows(self) -> dict[str, int]:
        """How many rows every table of the room holds: what was stored, and what was said."""
        database = self.stage.batches.database
        tables = await database.fetch(
            "select table_name from information_schema.tables where table_schema = current_schema() order by 1"
        )
        names = [row["table_name"] for row in tables]
        return {name: await database.fetchval(f'select count(*) from "{name}"') for name in names}  # noqa: S608 - ours


@dataclass(slots=True)
class House:
    """The rooms by name, and the tokens of whoever knocks."""

    clock: StageClock
    key: ECKey
    party_key: OKPKey
    rooms: dict[str, OnStage] = field(default_factory=dict[str, OnStage])
    registration: UUID = field(default_factory=uuid4)
    party: UUID = field(default_factory=uuid4)
    pins: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_person(self, person: Mapping[str, str] = AINO, /, **more: Any) -> dict[str, str]:
        names = {"given_name": person["given_names"], "family_name": person["family_name"], "code": person["code"]}
        return self.signed(PARENTS, "rinnan", {"sub": person["code"], "acr": "strong", **names, **more})

    def as_staff(self, rights: str = "life bodies protected act", /, **more: Any) -> dict[str, str]:
        return self.signed(STAFF, "rinnan-staff", {"sub": "s-17", "county": COUNTY, "rights": rights, **more})

    def as_party(self, **more: Any) -> dict[str, str]:
        told: dict[str, Any] = {"registration_id": self.registration, "party_id": self.party, "county": COUNTY}
        told |= {"pins": self.pins, "deadline": self.clock.now() + timedelta(days=14), **more}
        return bearer(PartyTokens(self.party_key, self.clock).issue(**told))

    def signed(self, issuer: str, audience: str, claims: Mapping[str, Any], key: ECKey | None = None) -> dict[str, str]:
        now, used = int(self.clock.now().timestamp()), key or self.key
        whole = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 600, **claims}
        return bearer(jwt.encode({"alg": "ES256", "kid": self.key.kid}, whole, used, algorithms=["ES256"]))

    def token_for(self, operation: Mapping[str, Any]) -> dict[str, str]:
        """A valid token of the kind that the OpenAPI document asks for."""
        schemes = {name for wanted in operation.get("security", ()) for name in wanted}
        kinds = {"party": self.as_party, "person": self.as_person, "staff": self.as_staff}
        return next((kinds[name]() for name in schemes), {})

    def operations(self) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
        """Room, method, path and description of all that can be asked; what all rooms share is told once."""
        for name, room in self.rooms.items():
            for path, methods in room.document["paths"].items():
                if path.startswith("/operations") and name != "intake":
                    continue
                for method, operation in methods.items():
                    yield name, method.upper(), path, operation


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def house_of(postgres_admin_url: str, folder: Path) -> AsyncGenerator[House]:
    """Everything, with one registration that a parent has started, and nothing else."""
    key, party_key = ECKey.generate_key("P-256", auto_kid=True), OKPKey.generate_key("Ed25519", auto_kid=True)
    house = House(StageClock(), key, party_key)
    public = KeySet([OKPKey.import_key(party_key.as_dict(private=False))])
    async with AsyncExitStack() as entered:
        client = await entered.enter_async_context(httpx.AsyncClient())
        issuers = Issuers(issuers_of(_issuers(folder, key)), house.clock, client)
        doors = Doors(parties=PartyTokenCheck(public, house.clock), issuers=issuers)
        for each in wired(ROOT, party_key):
            for room in each.rooms:
                house.rooms[room.name] = await _on_stage(entered, room, doors, postgres_admin_url, house.clock)
        await _begin(house)
        yield house


async def _on_stage(
    entered: AsyncExitStack, room: Room[Any], doors: Doors, admin_url: str, clock: StageClock
) -> OnStage:
    stage = await entered.enter_async_context(
        stage_of(
            room.handlers,
            admin_url=admin_url,
            room=room.name,
            topics=room.settings.topics_file,
            migrations=room.migrations,
            reference=room.reference,
            outside=room.outside,
            says=room.says,
            clock=clock,
        )
    )
    routers = [operations(Operations(stage.batches, room.owner_of), doors), *room.routes(stage.desk, doors)]
    app = application(f"Rinnan {room.name}", room.version, routers, Problems.load(*filter(None, [room.problems])))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{room.name}.invalid")
    return OnStage(stage, app, await entered.enter_async_context(http))


async def _begin(house: House) -> None:
    """One parent starts, and the room that staff ask about deliveries has heard of it."""
    intake = house.rooms["intake"]
    started = await intake.http.post("/registrations", json=START, headers=house.as_person())
    house.registration = UUID(started.json()["registration_id"])
    token = await intake.http.post(f"/registrations/{house.registration}/token", headers=house.as_person())
    house.party = UUID(token.json()["party_id"])
    state = await intake.stage.state(house.registration)
    assert state
    house.pins = state.pins.model_dump()
    await house.rooms["record_export"].stage.hears(*await intake.stage.said_of(RegistrationOpened))


def _issuers(folder: Path, key: ECKey) -> Path:
    (folder / "keys.json").write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    told: list[dict[str, Any]] = [
        {"kind": "parent", "issuer": PARENTS, "audience": "rinnan", "strong_acr": ["strong"]},
        {"kind": "staff", "issuer": STAFF, "audience": "rinnan-staff", "counties": ["*"]},
    ]
    told[0]["claims"] = {"identity_code": "code"}
    file = folder / "issuers.json"
    file.write_text(json.dumps([{**each, "jwks_file": "keys.json"} for each in told]))
    return file
