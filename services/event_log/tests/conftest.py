"""Records as Kafka brings them to the log, and the log on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.structs import ConsumerRecord

from rinnan_chassis.envelope import Envelope, source_of, wire
from rinnan_chassis.testing import Stage, stage_of
from rinnan_event_log.app import HERE
from rinnan_event_log.domain.telling import Sentences
from rinnan_event_log.handlers import Nothing, handlers
from rinnan_event_log.recording import Recording
from rinnan_events import Event, Sealed, sealed_fields
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.intake import (
    CompletedPart,
    FormSubmitted,
    ParentJoined,
    Pins,
    RegistrationCompleted,
    RegistrationOpened,
)
from rinnan_events.record_export import DeliveryMoved, DeliveryRequested, DeliveryState

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SEAL = "eyJhbGciOiJkaXIifQ..CANARY.CANARY.CANARY"


@dataclass
class Neighbours:
    """Everybody who speaks about one registration, minute by minute."""

    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    delivery: UUID = field(default_factory=uuid4)
    now: datetime = MORNING
    offset: int = 0

    def record(
        self,
        event: Event,
        *,
        event_id: str | None = None,
        causation: str | None = None,
        topic: str | None = None,
        more: tuple[tuple[str, bytes], ...] = (),
        **headers: bytes | None,
    ) -> ConsumerRecord[Any, Any]:
        """The record of an event that is said now; a header given as None is missing."""
        self.now += timedelta(minutes=1)
        source = source_of(event.type.partition(".")[0])
        envelope = Envelope(event_id or str(uuid4()), source, event.type, event.subject, self.now, causation)
        pairs = {**dict(envelope.headers()), **headers}
        tokens = {name: SEAL for name, _ in sealed_fields(type(event))}
        kept = [(name, value) for name, value in pairs.items() if value is not None]
        return self.raw(wire(event, tokens), [*kept, *more], topic or event.topic)

    def raw(
        self, body: bytes | None, headers: list[tuple[str, bytes]], topic: str = "intake.registration.v1"
    ) -> ConsumerRecord[Any, Any]:
        self.offset += 1
        return ConsumerRecord(
            topic=topic,
            partition=3,
            offset=self.offset,
            timestamp=0,
            timestamp_type=0,
            key=str(self.registration).encode(),
            value=body,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=-1,
            headers=tuple(headers),
        )

    def opened(self) -> RegistrationOpened:
        return RegistrationOpened(
            registration_id=self.registration,
            county="lapha",
            party_ids=(self.one, self.other),
            opened_at=self.now,
            deadline=self.now + timedelta(days=14),
            pins=Pins(profile="1", form="1", catalogue="1", texts="1", instrument="1"),
        )

    def joined(self) -> ParentJoined:
        return ParentJoined(
            registration_id=self.registration,
            party_id=self.one,
            joined_at=self.now,
            identity=Sealed(SEAL),
            contact=Sealed(SEAL),
        )

    def submitted(self, version: int = 1) -> FormSubmitted:
        return FormSubmitted(
            registration_id=self.registration,
            party_id=self.one,
            version=version,
            submitted_at=self.now,
            own=Sealed(SEAL),
            contact=Sealed(SEAL),
        )

    def completed(self) -> RegistrationCompleted:
        parts = tuple(CompletedPart(party_id=each, form=1, consent=1, screening=1) for each in (self.one, self.other))
        return RegistrationCompleted(
            registration_id=self.registration,
            completed_at=self.now,
            contact_by=self.now + timedelta(days=5),
            parts=parts,
        )

    def moved(self, to: DeliveryState, before: DeliveryState | None = None) -> DeliveryMoved:
        return DeliveryMoved(
            registration_id=self.registration,
            delivery_id=self.delivery,
            destination="lapha-paper",
            party_id=None,
            from_state=before,
            to_state=to,
            reason="first_try",
            attempt=1,
            moved_at=self.now,
        )

    def requested(self) -> DeliveryRequested:
        return DeliveryRequested(
            registration_id=self.registration,
            delivery_id=self.delivery,
            county="lapha",
            destination="lapha-paper",
            party_id=None,
            attempt=1,
            record=Sealed(SEAL),
        )

    def outcome(self) -> DeliveryOutcome:
        return DeliveryOutcome(
            registration_id=self.registration,
            delivery_id=self.delivery,
            destination="lapha-paper",
            attempt=1,
            outcome=Outcome.CONFIRMED,
            reason="created",
            happened_at=self.now,
        )


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture(scope="session")
def sentences() -> Sentences:
    return Sentences.load(HERE / "sentences.toml")


@dataclass
class Log:
    """The log on stage."""

    stage: Stage[Nothing]
    recording: Recording

    async def hears(self, *records: ConsumerRecord[Any, Any]) -> None:
        await self.recording.hear(records)

    async def does(self, statement: str, *arguments: Any) -> None:
        """What somebody with the database's password could do to the log."""
        await self.stage.batches.database.execute(statement, *arguments)

    async def count(self, table: str = "entry") -> int:
        return await self.stage.batches.database.fetchval(f"select count(*) from {table}")  # noqa: S608 - a test's own


@pytest.fixture
async def log(postgres_admin_url: str) -> AsyncIterator[Log]:
    async with stage_of(
        handlers,
        admin_url=postgres_admin_url,
        room="event_log",
        topics=ROOT / "contracts" / "topics.toml",
        migrations=HERE / "migrations",
    ) as stage:
        yield Log(stage, Recording(stage.batches))
