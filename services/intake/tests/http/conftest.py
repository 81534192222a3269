"""Intake's HTTP API on stage, with a real PostgreSQL, and its callers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey

from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, Issuers, PartyTokenCheck, PartyTokens, Problems, application, issuers_of
from rinnan_events import Sealed
from rinnan_events.consent import ConsentGiven
from rinnan_events.intake import InvitationWanted
from rinnan_events.invitation import CodePresented, Intention
from rinnan_events.opened import Consents
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_intake import app as intake_app
from rinnan_intake.api import routes
from rinnan_intake.handlers import handlers
from rinnan_intake.persons import Persons

if TYPE_CHECKING:
    from rinnan_intake.domain.state import Registration
    from rinnan_profiles import Profiles

ROOT = Path(__file__).parents[4]
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

    @staticmethod
    def start(other: dict[str, str]) -> dict[str, Any]:
        return {
            "county": "lapha",
            "children": [CHILD],
            "contact": {"language": "fi", "email": "aino@example.org"},
            "other": other,
            "other_contact": {"language": "sv", "email": "other@example.org"},
        }

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

    def as_staff(self, rights: str, county: str = "lapha", sub: str = "s-17") -> dict[str, str]:
        return self._signed(STAFF_ISSUER, "rinnan-staff", {"sub": sub, "county": county, "rights": rights})

    def _signed(self, issuer: str, audience: str, claims: dict[str, Any]) -> dict[str, str]:
        now = int(self.stage.clock.now().timestamp())
        whole = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 600, **claims}
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, whole, self.key, algorithms=["ES256"])
        return {"Authorization": f"Bearer {token}"}

    async def starts(self, person: dict[str, str], other: dict[str, str], **more: Any) -> httpx.Response:
        return await self.http.post(
            "/registrations", json=self.start(other), headers={**self.as_person(person), **more}
        )

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

    async def is_screened_and_consents(self, registration: str, party: UUID, at: datetime | None = None) -> None:
        now = at or self.stage.clock.now()
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

    async def takes_ticket(self, person: dict[str, str], **claims: Any) -> str:
        body = {"county": "lapha", "contact": {"language": "ar", "email": "bert@example.org"}}
        answer = await self.http.post("/tickets", json=body, headers=self.as_person(person, **claims))
        assert answer.status_code == 201, answer.text
        return answer.json()["ticket"]

    async def reads(self, person: dict[str, str], ticket: str) -> httpx.Response:
        return await self.http.post("/tickets/lookup", json={"ticket": ticket}, headers=self.as_person(person))

    async def presents(self, registration: str, ticket: str, intention: Intention = Intention.JOIN) -> None:
        wanted = (await self.stage.said_of(InvitationWanted))[0]
        await self.stage.hears(
            CodePresented(
                registration_id=UUID(registration),
                party_id=wanted.party_id,
                invitation_id=uuid4(),
                ticket=hashlib.sha256(ticket.encode()).hexdigest(),
                intention=intention,
                presented_at=self.stage.clock.now(),
            )
        )

    async def both_complete(self, *, gate_is_due: bool = True) -> str:
        """Both complete. Where the gate is not due, what looks at it is gone, as while the registration is held."""
        registration = (await self.starts(AINO, BERT)).json()["registration_id"]
        await self.starts(BERT, AINO)
        for person in (AINO, BERT):
            await self.is_screened_and_consents(registration, await self.party_of(person, registration))
            await self.fills_in(registration, await self.enters(person, registration))
        if not gate_is_due:
            await self.stage.batches.database.execute("delete from work where kind = 'gate'")
        await self.stage.works()
        return registration


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
        {"kind": "staff", "issuer": STAFF_ISSUER, "audience": "rinnan-staff", "counties": ["*"], **common},
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
