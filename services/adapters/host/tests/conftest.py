"""A host on stage: its adapter writes to a shelf that does as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from rinnan_chassis.testing import Stage, StageClock, stage_of
from rinnan_events import Sealed
from rinnan_events.adapter import DeliveryOutcome
from rinnan_events.opened import ClientRecord
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_host import app
from rinnan_host.domain import Here
from rinnan_host.handlers import handlers_for
from rinnan_host.port import (
    Absent,
    AlreadyThere,
    Capabilities,
    CheckResult,
    DeliveryKey,
    Document,
    FindResult,
    WriteResult,
    Written,
)
from rinnan_host.samples import a_joint_record, a_single_record
from rinnan_host.work import Outside
from rinnan_profiles import Profiles, load

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@dataclass
class Shelf:
    """An adapter to a shelf in memory. `next_write` and `next_check` are what it answers, or what it raises."""

    renders: bool = False
    next_write: WriteResult | Exception | None = None
    next_check: CheckResult = None
    hangs: bool = False
    writes: list[DeliveryKey] = field(default_factory=list)
    standing: dict[UUID, int] = field(default_factory=dict)
    checks: int = 0
    running: int = 0
    most_at_once: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            transaction=True,
            conditional_create=True,
            searchable=True,
            settle_after=timedelta(minutes=2),
            restricted_place=True,
            parallel=2,
            takes_at_most=timedelta(seconds=0.2),
            renders=self.renders,
        )

    async def check(self) -> CheckResult:
        self.checks += 1
        return self.next_check

    async def write(self, _: ClientRecord, key: DeliveryKey) -> WriteResult:
        self.writes.append(key)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(10 if self.hangs else 0.01)
        self.running -= 1
        if isinstance(self.next_write, Exception):
            raise self.next_write
        if self.next_write is None:
            self.standing[key.delivery] = self.standing.get(key.delivery, 0) + 1
        return self.next_write or Written("Task/1", self.standing[key.delivery])

    async def find(self, key: DeliveryKey) -> FindResult:
        count = self.standing.get(key.delivery, 0)
        return AlreadyThere("Task/1", count) if count else Absent()

    async def aclose(self) -> None:
        """Nothing to let go of."""


class Printer(Shelf):
    """A renderer whose documents say what they were made from."""

    def __init__(self) -> None:
        super().__init__(renders=True)
        self.fails = False

    async def render(
        self, record: ClientRecord, key: DeliveryKey, *, look_first: bool, prepared_at: datetime
    ) -> tuple[Document, ...]:
        if self.fails:
            raise RuntimeError("no fonts")
        cover = Document(
            uuid5(key.delivery, "cover"), "cover.html", "text/html", b"<p>cover</p>", None, protected=False
        )
        parts = [
            Document(
                uuid5(key.delivery, f"annex/{party.party_id}"),
                "annex.pdf",
                "application/pdf",
                f"{party.identity.family_name} {look_first} {prepared_at.isoformat()}".encode() * 400,
                party.party_id,
            )
            for party in record.parties
        ]
        return (cover, *parts)


@dataclass
class House:
    """A host on stage, and the ledger that asks it."""

    stage: Stage[Any]
    shelf: Shelf
    here: Here
    registration: UUID = field(default_factory=uuid4)
    delivery: UUID = field(default_factory=uuid4)

    def about(self, **more: Any) -> dict[str, Any]:
        return {
            "registration_id": self.registration,
            "delivery_id": self.delivery,
            "destination": self.here.destination.name,
            **more,
        }

    def write(self, attempt: int = 1, **more: Any) -> DeliveryRequested:
        party = more.pop("party_id", None)
        record = a_single_record() if party else a_joint_record()
        return DeliveryRequested(
            **self.about(county=self.here.county, party_id=party, attempt=attempt, **more),
            record=Sealed.of(record, party=party),
        )

    def find(self, look: int = 1) -> DeliveryLookupRequested:
        return DeliveryLookupRequested(**self.about(county=self.here.county, party_id=None, attempt=1, look=look))

    def render(self, attempt: int = 1, *, look_first: bool = False) -> PackageRenderRequested:
        return PackageRenderRequested(
            **self.about(county=self.here.county, party_id=None, attempt=attempt),
            look_first=look_first,
            record=Sealed.of(a_joint_record(), party=None),
        )

    def recall(self) -> PackageRecalled:
        return PackageRecalled(**self.about())

    async def answers(self) -> list[DeliveryOutcome]:
        await self.stage.works()
        return await self.stage.said_of(DeliveryOutcome)


Hosts = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def host(postgres_admin_url: str, profiles: Profiles) -> Hosts:
    @asynccontextmanager
    async def host(shelf: Shelf | None = None) -> AsyncIterator[House]:
        shelf, clock = shelf or Shelf(), StageClock()
        county = profiles.county("vakehyva")
        here = Here(county.code, county.destination("vakehyva-paper" if shelf.renders else "vakehyva-cis"))
        async with stage_of(
            handlers_for(here, shelf.capabilities),
            admin_url=postgres_admin_url,
            room=f"adapter_{here.destination.name.replace('-', '_')}",
            topics=ROOT / "contracts" / "topics.toml",
            migrations=app.HERE / "migrations",
            reference=here,
            outside=Outside(here, shelf, clock),
            clock=clock,
            says=app.SAYS,
        ) as stage:
            yield House(stage, shelf, here)

    return host


@pytest.fixture
async def house(host: Hosts) -> AsyncIterator[House]:
    """A host that writes."""
    async with host() as house:
        yield house


@pytest.fixture
async def printing(host: Hosts) -> AsyncIterator[House]:
    """A host that renders."""
    async with host(Printer()) as house:
        yield house
