"""A database of registrations that wait for their last submission: one played, the others loaded like it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from rinnan_chassis.wrapping import load_wrapping_keys
from rinnan_event_log.domain.chain import Link
from rinnan_local.families import Family, load_families
from rinnan_local.parents import Parent
from rinnan_local.player import Installation, until
from rinnan_local.stack import Stack
from tests.load.people import People
from tests.load.template import ENTRY, Copies, Template, batches

FAMILY = "at-the-same-time"
TOGETHER = 2_000
"""Registrations that are loaded in one transaction."""
BITE = 100
QUIET_SECONDS = 2.0
CHAINED = ["position", "previous_hash", "chain_hash", "mark", "body_digest", *ENTRY]

WHAT_CHANGES = """
select (select count(*) from event_log.entry) as entries, (select count(*) from record_export.inbox) as heard,
  (select count(*) from intake.inbox) as gate, (select count(*) from invitation.work where state = 'done') as sent,
  (select count(*) from intake.work where state = 'done') as done
"""
OPENED = """
select state->>'county' as county, (state->>'deadline')::timestamptz as deadline, (state->'pins')::text as pins
from intake.subject where id = $1
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """What every one of the registrations was opened with."""

    county: str
    deadline: datetime
    pins: Mapping[str, str]


class Loading:
    """The registrations of one running stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._template: Template | None = None
        self._number = 0
        self.played = (UUID(int=0), UUID(int=0))
        self.opened: Opened | None = None

    @property
    def loaded(self) -> int:
        """How many registrations were loaded so far."""
        return self._number

    @property
    def database_url(self) -> str:
        """The database of all rooms, for its owner. Secret: never shown."""
        return f"{self._stack.admin_url.rpartition('/')[0]}/rinnan"

    async def connect(self) -> asyncpg.Connection:
        """A connection to the database of all rooms, as its owner."""
        return await asyncpg.connect(self.database_url)

    async def begin(self) -> None:
        """Play one registration through the public APIs, all but the last submission, and learn what it leaves."""
        family = next(each for each in load_families() if each.id == FAMILY)
        self.played = await _played(Installation.of(self._stack), family)
        database = await self.connect()
        try:
            await self._until_all_is_heard(database)
            wrapping_keys = load_wrapping_keys(self._stack.folder.secrets / "all.wrapping_keys.json")
            self._template = await Template.read(database, wrapping_keys, People(family))
            row = await _row(database, OPENED, self.played[0])
            self.opened = Opened(row["county"], row["deadline"], json.loads(row["pins"]))
        finally:
            await database.close()

    async def load(self, count: int) -> list[tuple[UUID, UUID]]:
        """Load so many more; each as (registration, the party who has not given their form in)."""
        if self._template is None:
            await self.begin()
        ready: list[tuple[UUID, UUID]] = []
        database = await self.connect()
        try:
            for numbers in batches(range(self._number, self._number + count), TOGETHER):
                ready += await self._write(database, numbers)
            self._number += count
            await database.execute("analyze")
            await database.execute("checkpoint")
        finally:
            await database.close()
        return ready

    async def _write(self, database: asyncpg.Connection, numbers: range) -> list[tuple[UUID, UUID]]:
        """One transaction; the log's appender waits for it. The next bite is made while one is written."""
        ready: list[tuple[UUID, UUID]] = []
        async with database.transaction():
            row = await _row(database, "select position, chain_hash from event_log.chain for update")
            head = Link(row["position"], row["chain_hash"])
            bites = list(batches(numbers, BITE))
            coming = self._made(bites[0], head)
            for bite in (*bites[1:], None):
                copies, head = await coming
                if bite is not None:
                    coming = self._made(bite, head)
                await self._copy(database, copies)
                ready += copies.ready
            await database.execute(
                "update event_log.chain set position = $1, chain_hash = $2", head.position, head.hash
            )
        return ready

    def _made(self, numbers: range, head: Link) -> asyncio.Task[tuple[Copies, Link]]:
        template = self._template
        if template is None:
            raise RuntimeError("nothing was played")
        making = asyncio.to_thread(lambda: asyncio.run(template.copies(numbers, head, played=self.played)))
        return asyncio.create_task(making)

    async def _copy(self, database: asyncpg.Connection, copies: Copies) -> None:
        columns: dict[str, list[str]] = {
            **(self._template.columns if self._template else {}),
            "event_log.entry": CHAINED,
        }
        for name, rows in copies.tables.items():
            schema, table = name.split(".")
            await database.copy_records_to_table(table, schema_name=schema, records=rows, columns=columns[name])

    async def _until_all_is_heard(self, database: asyncpg.Connection) -> None:
        seen: tuple[Any, ...] = ()
        quiet_since = time.monotonic()

        async def quiet() -> bool:
            nonlocal seen, quiet_since
            now = tuple(await _row(database, WHAT_CHANGES))
            if now != seen:
                seen, quiet_since = now, time.monotonic()
            return time.monotonic() - quiet_since > QUIET_SECONDS

        await until(quiet, "that all is heard")


async def _row(database: asyncpg.Connection, query: str, *arguments: object) -> asyncpg.Record:
    """The one row of a query that always finds one."""
    found = await database.fetchrow(query, *arguments)
    assert found
    return found


async def _played(installation: Installation, family: Family) -> tuple[UUID, UUID]:
    one, other = (Parent(installation, family, who) for who in family.parents)
    async with one, other:
        await one.start()
        await one.complete()
        await other.join()
        await asyncio.gather(other.fill_form(), other.screen(), other.consent())
        if other.registration_id is None or other.party_id is None:
            raise RuntimeError("nobody joined")
        return other.registration_id, other.party_id
