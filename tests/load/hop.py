"""The hop: what a room really does with one event. Hear, claim, decide, seal, write, relay; one sealed part each."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from rinnan_chassis.batch import Batches
from rinnan_chassis.clock import SystemClock
from rinnan_chassis.database import connect, migrate
from rinnan_chassis.deciding import Context, Decision
from rinnan_chassis.envelope import Envelope, Headers, source_of, wire
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.hearing import Deciding, Ear
from rinnan_chassis.keyring import Keyring
from rinnan_chassis.relay import Relay
from rinnan_chassis.seals import SealPass
from rinnan_chassis.topics import Topics
from rinnan_events import Group, Sealed
from rinnan_events.consent import ConsentGiven
from rinnan_events.intake import FormSubmitted
from rinnan_events.opened import Consents, Contact, OwnForm
from tests.load.load import Load, now, subjects

TOPICS = Path(__file__).parents[2] / "contracts" / "topics.toml"
ROOM = "consent"
_SENT = "select count(*) from outbox where sent_at is not null"


@dataclass(frozen=True, slots=True)
class Case:
    """A small state such as a room keeps."""

    submitted: dict[str, int]
    heard_at: str


def note(case: Case | None, event: FormSubmitted, context: Context) -> Decision[Case]:
    """Remember the version, and say one event with one sealed part of about 1 kB."""
    case = case or Case({}, "")
    submitted = case.submitted | {str(event.party_id): event.version}
    consents = Consents(
        text_version="bench.1", language="fi", given={f"q{place}": True for place in range(40)}, given_at=context.now
    )
    said = ConsentGiven(
        registration_id=event.registration_id,
        party_id=event.party_id,
        version=event.version,
        given_at=context.now,
        consents=Sealed.of(consents, party=event.party_id),
    )
    return Decision(replace(case, submitted=submitted, heard_at=context.now.isoformat()), says=[said])


def handlers() -> Handlers[Case]:
    """The one decider of the bench."""
    table = Handlers(Case)
    table.hears(FormSubmitted, note)
    return table


def hears_on(batches: Batches[Case], topic: str) -> None:
    """Let the room hear its event on a topic of this run's own."""
    table = batches.handlers.heard
    table |= {name: replace(hearing, topic=topic) for name, hearing in table.items()}


@asynccontextmanager
async def room(load: Load) -> AsyncGenerator[Batches[Case]]:
    """A room with a fresh schema and a keyring of its own in the database of the bench."""
    connection = await asyncpg.connect(load.database_url)
    for schema in (ROOM, "keyring"):
        await connection.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
    await connection.execute(files("rinnan_chassis").joinpath("keyring.sql").read_text("utf-8"))
    await connection.close()
    await migrate(load.database_url, ROOM)
    database = await connect(load.database_url, ROOM)
    keyring = await Keyring.connect(load.database_url, {group: os.urandom(32) for group in Group})
    try:
        yield Batches(ROOM, ROOM, ROOM, handlers(), database, keyring, Topics.load(TOPICS), SystemClock(), None)
    finally:
        await database.close()
        await keyring.close()


async def messages(load: Load, keyring: Keyring) -> list[tuple[UUID, Headers, bytes]]:
    """Events as intake says them, each with one sealed form of forty answers."""
    ids = subjects(load)
    parties = {subject: uuid4() for subject in ids}
    form = OwnForm(language="fi", services=("agreement",), children=(), answers={f"q{n}": ("yes",) for n in range(40)})
    events: list[FormSubmitted] = [
        FormSubmitted(
            registration_id=ids[number % len(ids)],
            party_id=parties[ids[number % len(ids)]],
            version=number,
            submitted_at=now(),
            own=Sealed.of(form, party=parties[ids[number % len(ids)]]),
            contact=Sealed.of(Contact(language="fi"), party=parties[ids[number % len(ids)]]),
        )
        for number in range(load.events)
    ]
    learning = SealPass({}, "bench")
    for event in events:
        learning.said(event, uuid4())
    names = list(learning.wanted)
    keys = {}
    for start in range(0, len(names), 1000):
        keys |= await keyring.keys(names[start : start + 1000], mint=True)
    told: list[tuple[UUID, Headers, bytes]] = []
    for event in events:
        event_id = uuid4()
        envelope = Envelope(str(event_id), source_of("intake"), event.type, event.registration_id, now())
        told.append(
            (event.registration_id, envelope.headers(), wire(event, SealPass(keys, "bench").said(event, event_id)))
        )
    return told


async def hop(load: Load, batches: Batches[Case], heard: str) -> float:
    """Seconds from the first batch to the last event published and marked."""
    kafka = {"bootstrap_servers": load.kafka_servers}
    hears_on(batches, heard)
    timed = _Timed(batches)
    ear = Ear(timed, f"hop-{uuid4()}", kafka, [heard])
    relay = Relay(batches.schema, batches.database, kafka)
    batches.after_commit = lambda _: relay.woken.set()
    running = [asyncio.create_task(relay.run()), asyncio.create_task(ear.run())]
    while await batches.database.fetchval(_SENT) < load.events:  # noqa: ASYNC110 - the table is what tells
        await asyncio.sleep(0.05)
    elapsed = time.perf_counter() - timed.started
    ear.stop()
    relay.stop()
    await asyncio.gather(*running)
    return elapsed


class _Timed(Deciding):
    started = 0.0

    async def hear(self, records: object) -> None:
        self.started = self.started or time.perf_counter()
        await super().hear(records)  # type: ignore[arg-type]  # passes on what the ear gives
