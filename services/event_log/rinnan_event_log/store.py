"""The log's tables: entries in their chain, anchors, and who looked at what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from rinnan_chassis.database import Database, Transaction
from rinnan_event_log.domain.chain import Break, Link, begins_well, chained, ends_well, follow
from rinnan_event_log.domain.entry import Entry, Kept, Read

PAGE = 2_000
_COLUMNS = """position, previous_hash, chain_hash, topic, "partition", "offset", source, id, type, subject, said_at,
              heard_at, causation, traceparent, body_digest, clear::text as clear, body"""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain at some time, to be kept elsewhere."""

    link: Link
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over the whole chain found. `broken` is the first break, None where the log is as it was written.

    What stood up to `begin` was forgotten; the first entry that is kept was heard at `begins_at`.
    """

    begin: Link
    begins_at: datetime | None
    head: Link
    broken: Break | None


async def append(database: Database, entries: Sequence[Entry]) -> int:
    """Append what was not heard before; how many. The head's row lock makes the appenders of all instances one."""
    async with database.acquire() as tx, tx.transaction():
        head = await tx.fetchrow("select position, chain_hash from chain for update")
        marks = [entry.mark for entry in entries]
        known = await tx.fetch("select mark from entry where mark = any($1::bytea[])", marks)
        seen = {row["mark"] for row in known}
        fresh: dict[bytes, Entry] = {}
        for mark, entry in zip(marks, entries, strict=True):
            if mark not in seen:
                fresh.setdefault(mark, entry)
        if not fresh:
            return 0
        kept = chained(Link(head["position"], head["chain_hash"]), list(fresh.values()))
        await _insert(tx, kept, list(fresh))
        await tx.execute("update chain set position = $1, chain_hash = $2", kept[-1].position, kept[-1].chain_hash)
        return len(kept)


async def _insert(tx: Transaction, kept: Sequence[Kept], marks: Sequence[bytes]) -> None:
    entries = [row.entry for row in kept]
    await tx.execute(
        """insert into entry (position, previous_hash, chain_hash, mark, topic, "partition", "offset", source, id, type,
                              subject, said_at, heard_at, causation, traceparent, body_digest, clear, body)
           select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::int[],
                                $7::bigint[], $8::text[], $9::text[], $10::text[], $11::uuid[],
                                $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[],
                                $16::bytea[], $17::json[], $18::bytea[])""",
        [row.position for row in kept],
        [row.previous_hash for row in kept],
        [row.chain_hash for row in kept],
        marks,
        [entry.topic for entry in entries],
        [entry.partition for entry in entries],
        [entry.offset for entry in entries],
        [entry.source for entry in entries],
        [entry.id for entry in entries],
        [entry.type for entry in entries],
        [entry.subject for entry in entries],
        [entry.said_at for entry in entries],
        [entry.heard_at for entry in entries],
        [entry.causation for entry in entries],
        [entry.traceparent for entry in entries],
        [entry.body_digest for entry in entries],
        [entry.clear for entry in entries],
        [entry.body for entry in entries],
    )


async def life(database: Database, subject: UUID) -> list[Read]:
    """Everything that was heard of a registration, as it was heard."""
    rows = await database.fetch(f"select {_COLUMNS} from entry where subject = $1 order by position", subject)  # noqa: S608 - ours
    return [Read(row["position"], _entry(row), orjson.loads(row["clear"])) for row in rows]


async def verify(database: Database, elsewhere: Sequence[Link] = (), *, kept_since: datetime) -> Verified:
    """Walk the whole chain, in one snapshot, beside the log's own anchors and those that were kept `elsewhere`.

    Nothing that was heard since `kept_since` may be forgotten. Anchors of what was rightly forgotten are passed over.
    """
    async with database.acquire() as tx, tx.transaction():
        await tx.execute("set transaction isolation level repeatable read, read only")
        row = await tx.fetchrow(
            """select begins_after, begins_with, position, chain_hash,
                      coalesce((select max(position) from entry), begins_after) as highest,
                      (select heard_at from entry where position = begins_after + 1) as begins_at from chain"""
        )
        begin, head = Link(row["begins_after"], row["begins_with"]), Link(row["position"], row["chain_hash"])
        broken = begins_well(begin, row["begins_at"], kept_since)
        if broken is None:
            own = await tx.fetch("select position, chain_hash from anchor")
            anchors = [Link(each["position"], each["chain_hash"]) for each in own]
            anchors += [each for each in elsewhere if each.position >= begin.position]
            broken = await _walk(tx, begin, head, row["highest"], anchors)
        return Verified(begin, row["begins_at"], head, broken)


async def _walk(tx: Transaction, begin: Link, head: Link, highest: int, anchors: Sequence[Link]) -> Break | None:
    last: Link | Break = begin
    async for page in _pages(tx, begin.position, head.position):
        last = follow(last, page, anchors)
        if isinstance(last, Break):
            return last
        await asyncio.sleep(0)
    return ends_well(begin, last, head, highest, anchors)


async def _pages(tx: Transaction, after: int, to: int) -> AsyncIterator[list[Kept]]:
    while True:
        rows = await tx.fetch(
            f"select {_COLUMNS} from entry where position > $1 and position <= $2 order by position limit {PAGE}",  # noqa: S608 - ours
            after,
            to,
        )
        if not rows:
            return
        yield [Kept(row["position"], row["previous_hash"], row["chain_hash"], _entry(row)) for row in rows]
        after = rows[-1]["position"]


def _entry(row: Any) -> Entry:
    return Entry(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        source=row["source"],
        id=row["id"],
        type=row["type"],
        subject=row["subject"],
        said_at=row["said_at"],
        heard_at=row["heard_at"],
        causation=row["causation"],
        traceparent=row["traceparent"],
        body_digest=row["body_digest"],
        clear=row["clear"],
        body=row["body"],
    )


async def anchor(database: Database, now: datetime, since: datetime) -> Anchor | None:
    """Make the head an anchor, where it has moved and no anchor was made after `since`."""
    row = await database.fetchrow(
        """insert into anchor (position, chain_hash, made_at)
           select position, chain_hash, $1 from chain
           where position > begins_after and not exists (select from anchor where made_at > $2)
           on conflict do nothing returning position, chain_hash""",
        now,
        since,
    )
    return Anchor(Link(row["position"], row["chain_hash"]), now) if row else None


async def anchors(database: Database, most: int) -> list[Anchor]:
    """The newest anchors, newest first."""
    rows = await database.fetch(
        "select position, chain_hash, made_at from anchor order by position desc limit $1", most
    )
    return [Anchor(Link(row["position"], row["chain_hash"]), row["made_at"]) for row in rows]


async def drop_bodies(database: Database, topic: str, heard_before: datetime, most: int) -> int:
    """Let go of sealed bodies that their topic keeps no longer. The chain holds their digests and stays whole."""
    return await database.fetchval(
        """with old as (select position from entry where topic = $1 and heard_at < $2 and body is not null
                        order by heard_at limit $3),
                dropped as (update entry e set body = null from old where e.position = old.position returning 1)
           select count(*) from dropped""",
        topic,
        heard_before,
        most,
    )


async def drop_entries(database: Database, before: datetime) -> int:
    """Forget what is older than the log keeps: up to an anchor, which the rest of the chain then begins with.

    The entry after that anchor is older too: so a log that begins with a younger one was cut off by somebody else.
    """
    async with database.acquire() as tx, tx.transaction():
        row = await tx.fetchrow(
            """select a.position, a.chain_hash from anchor a, chain c
               where a.position > c.begins_after
                 and exists (select from entry where position = a.position + 1 and heard_at < $1)
               order by a.position desc limit 1""",
            before,
        )
        if row is None:
            return 0
        await tx.execute("update chain set begins_after = $1, begins_with = $2", row["position"], row["chain_hash"])
        await tx.execute("delete from anchor where position < $1", row["position"])
        dropped = await tx.execute("delete from entry where position <= $1", row["position"])
        return int(dropped.rpartition(" ")[2])


async def note_look(database: Database, actor: str, what: str, subject: UUID | None, at: datetime) -> None:
    """Write down who looked at what, before it is shown."""
    await database.execute(
        "insert into look (actor, what, subject, at) values ($1, $2, $3, $4)", actor, what, subject, at
    )


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at a life, or at who had looked."""

    actor: str
    what: str
    at: datetime


async def looks(database: Database, subject: UUID, most: int) -> list[Look]:
    """Who looked at what of one registration, newest first."""
    rows = await database.fetch(
        "select actor, what, at from look where subject = $1 order by id desc limit $2", subject, most
    )
    return [Look(row["actor"], row["what"], row["at"]) for row in rows]
