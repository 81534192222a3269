"""A stage: one room on a real PostgreSQL, without Kafka. Neighbours are played by their published events."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid4

import asyncpg

from rinnan_chassis.batch import Batches
from rinnan_chassis.database import Database, connect, migrate
from rinnan_chassis.desk import Desk
from rinnan_chassis.envelope import Envelope, Headers, opened, read, source_of, wire
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.items import Heard, Item
from rinnan_chassis.keyring import Keyring
from rinnan_chassis.operations import Operations
from rinnan_chassis.reading import item_of
from rinnan_chassis.rows import read_headers
from rinnan_chassis.seals import SealPass
from rinnan_chassis.testing.clock import StageClock
from rinnan_chassis.topics import Topics
from rinnan_chassis.working import Worker, read_whole
from rinnan_events import Event, Group, Opened, Sealed

S = TypeVar("S")
E = TypeVar("E", bound=Event)
O = TypeVar("O", bound=Opened)  # noqa: E741 - an opened part


@dataclass(slots=True)
class Stage(Generic[S]):
    """One room on stage. `keyring` holds every wrapping key, as no room does, so that a test can look under seals."""

    batches: Batches[S]
    desk: Desk[S]
    operations: Operations
    clock: StageClock
    outside: Any
    classes: dict[str, type[Event]]
    seen: int = 0
    _said: list[Event] = field(default_factory=list[Event])

    async def hears(self, *events: Event, batch: bool = False) -> Sequence[Item]:
        """Let neighbours say these events; one by one, or all in one batch. Fresh ids each time they are said."""
        items = [await self.item(event) for event in events]
        if batch:
            await self.batches.decide(items)
        else:
            for item in items:
                await self.batches.decide([item])
        return items

    async def item(self, event: Event, event_id: str | None = None) -> Item:
        """The item of a neighbour's event, sealed as it would be on the wire."""
        headers, body = await self.on_the_wire(event, event_id)
        heard = Heard(event.topic, headers, str(event.subject).encode(), body)
        item = item_of(self.batches.handlers, heard, "stage")
        if item is None:
            raise LookupError(f"{self.batches.schema} does not hear {event.type}")
        return item

    async def on_the_wire(self, event: Event, event_id: str | None = None) -> tuple[Headers, bytes]:
        """The headers and the sealed body of a neighbour's event."""
        chosen = UUID(event_id) if event_id else uuid4()
        learning = SealPass({}, "stage", guests=True)
        learning.said(event, chosen)
        keys = await self.batches.keyring.keys(learning.wanted, mint=True)
        keys |= await self.batches.keyring.keys(learning.read, mint=False)
        hearing = self.batches.handlers.heard.get(event.type)
        process = f"/{hearing.process(event)}" if hearing and hearing.process else ""
        source = source_of(event.type.partition(".")[0]) + process
        envelope = Envelope(str(chosen), source, event.type, event.subject, self.clock.now())
        return envelope.headers(), wire(event, SealPass(keys, "stage", guests=True).said(event, chosen))

    async def said(self) -> list[Event]:
        """Everything the room said so far, in order, read as a neighbour would read it."""
        rows = await self.batches.database.fetch(
            "select position, headers::text as headers, body from outbox where position > $1 order by position",
            self.seen,
        )
        for row in rows:
            self.seen = row["position"]
            envelope = read(read_headers(row["headers"]))
            if envelope.type in self.classes and ".dead_letter." not in envelope.type:
                self._said.append(opened(self.classes[envelope.type], envelope, row["body"]))
        return list(self._said)

    async def said_of(self, event: type[E]) -> list[E]:
        """What the room said of one kind."""
        return [each for each in await self.said() if isinstance(each, event)]

    async def state(self, subject: UUID) -> S | None:
        """What the room knows of a subject."""
        return await read_whole(self.batches, subject)

    async def open(self, part: Sealed[O], model: type[O], *, subject: UUID, party: UUID | None) -> O:
        """What lies under a seal."""
        return await self.desk.open(part, model, subject=subject, party=party)

    async def works(self, *, rounds: int = 10) -> int:
        """Let due work be done until nothing is due by the stage's clock; how many pieces were done."""
        done = 0
        for _ in range(rounds):
            before = await self._ended()
            if not await self._due():
                return done
            worker = Worker(self.batches, self.outside)
            running = asyncio.create_task(worker.run())
            for _ in range(200):
                await asyncio.sleep(0.01)
                if not await self._due():
                    break
            worker.stop()
            await running
            done += await self._ended() - before
        return done

    async def _due(self) -> int:
        return await self.batches.database.fetchval(
            """select count(*) from work w where (state = 'leased' or (state = 'waiting' and due_at <= $1))
               and not exists (select from subject s where s.id = w.subject and s.held_at is not null)""",
            self.clock.now(),
        )

    async def _ended(self) -> int:
        return await self.batches.database.fetchval("select count(*) from work where state = 'done'")


@asynccontextmanager
async def stage_of(
    handlers: Handlers[S],
    *,
    admin_url: str,
    room: str,
    topics: Path,
    migrations: Path | None = None,
    reference: Any = None,
    outside: Any = None,
    says: Sequence[type[Event]] = (),
    clock: StageClock | None = None,
) -> AsyncGenerator[Stage[S]]:
    """Put a room on stage in a database of its own, which nobody else has until it is left."""
    built = _Built(admin_url, room, migrations)
    url = await _database(built)
    database: Database = await connect(url, room)
    keyring = await Keyring.connect(url, {group: os.urandom(32) for group in Group})
    used = clock or StageClock()
    loaded = Topics.load(topics)
    batches = Batches(room, room, room, handlers, database, keyring, loaded, used, reference)
    classes = {event.type: event for event in says}
    try:
        yield Stage(batches, Desk(batches, b"stage"), Operations(batches), used, outside, classes)
    finally:
        await database.close()
        await keyring.close()
        _idle[built].append(url)


class _Built(NamedTuple):
    """What makes one stage's database as good as another's."""

    admin_url: str
    room: str
    migrations: Path | None


_idle: defaultdict[_Built, list[str]] = defaultdict(list)
"""Databases whose stage was left. Making one takes longer than most tests."""
_emptying: dict[_Built, str] = {}


async def _database(built: _Built) -> str:
    """The address of a database with the room's tables as its migrations leave them: an idle one, or a new one."""
    while _idle[built]:
        url = _idle[built].pop()
        with suppress(OSError, asyncpg.PostgresError):
            await _execute(url, _ALONE, _emptying[built])
            return url
    url = f"{built.admin_url.rsplit('/', 1)[0]}/stage_{uuid4().hex}"
    keyring_tables = files("rinnan_chassis").joinpath("keyring.sql").read_text("utf-8")
    await _execute(built.admin_url, f"create database {url.rsplit('/', 1)[1]}")
    await _execute(url, f"create schema keyring; create schema {built.room}", keyring_tables)
    await migrate(url, built.room, [built.migrations] if built.migrations else [])
    _emptying[built] = await _keep_what_is_there(url)
    return url


async def _keep_what_is_there(url: str) -> str:
    """Copy what the migrations wrote; the statements that put every table back to it."""
    statements = ["set lock_timeout = '5s'", "set session_replication_role = replica"]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create schema kept")
        for row in await connection.fetch(_TABLES):
            table, copy = row["name"], f'kept."{row["name"]}"'
            statements.append(f"delete from {table}")  # noqa: S608 - a table of our own
            if await connection.fetchval(f"select exists (select from {table})"):  # noqa: S608 - as above
                await connection.execute(f"create table {copy} as table {table}")
                statements.append(f"insert into {table} overriding system value table {copy}")
    finally:
        await connection.close()
    return "; ".join(statements)


@atexit.register
def _drop_idle() -> None:
    """Leave nothing on a server that goes on; one that was started for the run is gone by now."""
    for built, urls in _idle.items():
        for url in urls:
            with suppress(OSError, asyncpg.PostgresError):
                asyncio.run(_execute(built.admin_url, f"drop database {url.rsplit('/', 1)[1]} with (force)"))


_ALONE = """select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()"""
_TABLES = """select format('%I.%I', schemaname, tablename) as name from pg_tables
             where schemaname not in ('pg_catalog', 'information_schema', 'kept')"""


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
