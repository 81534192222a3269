"""Invitation on stage, with a real PostgreSQL: its HTTP face, and mailboxes that keep what is handed to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc.jwk import KeySet, OKPKey

from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, PartyTokenCheck, PartyTokens, Problems, application
from rinnan_events import Sealed
from rinnan_events.intake import InvitationWanted, ParentJoined, PartyLeft, RegistrationOpened
from rinnan_events.invitation import (
    Channel,
    CodePresented,
    InvitationClosed,
    InvitationIssued,
    InvitationSent,
    ParentReminded,
)
from rinnan_events.opened import Contact, Identity
from rinnan_invitation.api import routes
from rinnan_invitation.app import PROBLEMS
from rinnan_invitation.channels import Outgoing
from rinnan_invitation.handlers import handlers
from rinnan_invitation.work import Outside

if TYPE_CHECKING:
    from conftest import Play

ROOT = Path(__file__).parents[4]
PEPPER = b"pepper of the stage"
SAYS = (InvitationIssued, InvitationSent, ParentReminded, CodePresented, InvitationClosed)


@dataclass
class Mailbox:
    """A channel that keeps what is handed to it; `troubles` are raised first, one for each message."""

    taken: list[Outgoing] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)

    async def send(self, message: Outgoing) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append(message)

    async def aclose(self) -> None:
        pass


@dataclass
class House:
    """The room on stage and its HTTP face: `one` is here, `other` is awaited."""

    stage: Stage[Any]
    http: httpx.AsyncClient
    tokens: PartyTokens
    play: Play
    mail: Mailbox
    texts: Mailbox
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    deadline: datetime | None = None

    def signed_in(self) -> dict[str, str]:
        token = self.tokens.issue(
            registration_id=self.registration,
            party_id=self.one,
            county=self.play.county.code,
            deadline=self.deadline or self.play.county.deadline(self.stage.clock.now()),
            pins=self.play.county.pins().model_dump(),
        )
        return {"Authorization": f"Bearer {token}"}

    async def begins(self, **contact: Any) -> None:
        county, now = self.play.county, self.stage.clock.now()
        self.deadline = county.deadline(now)
        told = Contact(**{"language": "fi", "email": "other@example.org"} | contact)
        await self.stage.hears(
            RegistrationOpened(
                registration_id=self.registration,
                county=county.code,
                party_ids=(self.one, self.other),
                opened_at=now,
                deadline=county.deadline(now),
                pins=county.pins(),
            ),
        )
        await self.joins(self.one)
        await self.wants(told)
        await self.stage.works()

    async def wants(self, told: Contact) -> None:
        """The one starts, and tells how the other may be reached."""
        event = InvitationWanted(
            registration_id=self.registration,
            party_id=self.other,
            teller_id=self.one,
            contact=Sealed.of(told, party=None),
        )
        await self.stage.hears(event)

    async def joins(self, party: UUID, **contact: Any) -> None:
        own = Contact(
            **{"language": "fi", "email": "one@example.org" if party == self.one else "own@example.org"} | contact
        )
        event = ParentJoined(
            registration_id=self.registration,
            party_id=party,
            joined_at=self.stage.clock.now(),
            identity=Sealed.of(Identity(family_name="Esimerkki"), party=party),
            contact=Sealed.of(own, party=party),
        )
        await self.stage.hears(event)

    async def leaves(self, party: UUID) -> None:
        """Gone, and their keys with them."""
        now = self.stage.clock.now()
        await self.stage.batches.keyring.destroy(self.registration, [party])
        await self.stage.hears(PartyLeft(registration_id=self.registration, party_id=party, left_at=now))

    async def asks_again(self, body: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        path = f"/registrations/{self.registration}/invitation/resend"
        told = {"contact": {"language": "fi", "email": "other@example.org"}}
        return await self.http.post(path, json=told if body is None else body, headers=self.signed_in() | headers)

    async def presents(self, code: str, ticket: str = "a ticket", intention: str = "join") -> httpx.Response:
        return await self.http.post("/joinings", json={"ticket": ticket, "code": code, "intention": intention})

    def code(self) -> str:
        """The code in the newest letter."""
        lines = self.mail.taken[-1].body.splitlines()
        return next(line for line in lines if len(line) == 11 and line[5] == "-")

    async def rests(self, column: str) -> list[str]:
        return [row[0] for row in await self.stage.batches.database.fetch(f"select {column}")]


@pytest.fixture
async def house(postgres_admin_url: str, play: Play) -> AsyncIterator[House]:
    mail, texts = Mailbox(), Mailbox()
    outside = Outside(play.profiles, PEPPER, "https://portal.example.org", {Channel.EMAIL: mail, Channel.SMS: texts})
    async with stage_of(
        handlers,
        admin_url=postgres_admin_url,
        room="invitation",
        topics=ROOT / "contracts" / "topics.toml",
        reference=play.profiles,
        outside=outside,
        says=SAYS,
    ) as stage:
        outside.desk = stage.desk
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        doors = Doors(parties=PartyTokenCheck(KeySet([key]), stage.clock))
        app = application("invitation", "0", [routes(stage.desk, doors, PEPPER)], Problems.load(PROBLEMS))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://invitation") as http:
            yield House(stage, http, PartyTokens(key, stage.clock), play, mail, texts)
