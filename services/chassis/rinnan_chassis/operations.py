"""What an operator can do on any room: see what is held, set aside or due, and let it go on, each act with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rinnan_chassis.batch import Batches
from rinnan_chassis.deciding import Refusal
from rinnan_chassis.items import Act, Heard, Item
from rinnan_chassis.reading import item_of
from rinnan_chassis.rows import note, open_letters, read_headers


class NotHeld(Refusal):
    """Nothing of this subject is held here."""

    code = "chassis.not_held"
    status = 404


class NoSuchLetter(Refusal):
    """There is no such dead letter that still waits."""

    code = "chassis.no_such_letter"
    status = 404


@dataclass(frozen=True, slots=True)
class Operations:
    """The operator's verbs. Nothing here shows a body."""

    batches: Batches[Any]

    async def held(self) -> list[dict[str, Any]]:
        """Subjects that hear nothing further, oldest first, with what waits for them."""
        rows = await self.batches.database.fetch(
            """select s.id as subject, s.held_at,
                      (select count(*) from parked p where p.subject = s.id) as parked,
                      (select count(*) from dead_letter d
                       where d.subject = s.id and d.settled_at is null) as dead_letters,
                      (select count(*) from work w where w.subject = s.id and w.state = 'stuck') as stuck
               from subject s where s.held_at is not null order by s.held_at"""
        )
        return [dict(row) for row in rows]

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Messages that were set aside and still wait, oldest first: ids, types and times."""
        rows = await self.batches.database.fetch(
            """select id, subject, topic, reason, set_aside_at, headers::text as headers
               from dead_letter where settled_at is null order by set_aside_at, id"""
        )
        letters = [dict(row) for row in rows]
        for letter in letters:
            headers = dict(read_headers(letter.pop("headers")))
            letter["type"] = headers.get("ce_type", b"").decode("utf-8", "replace")[:100] or None
        return letters

    async def work(self) -> dict[str, Any]:
        """How much work waits, is due, runs or is stuck, by kind, and since when the oldest is due."""
        rows = await self.batches.database.fetch(
            """select kind, state, count(*) as count, count(*) filter (where due_at <= $1) as due,
                      min(due_at) filter (where state = 'waiting' and due_at <= $1) as oldest_due
               from work where state <> 'done' group by kind, state order by kind, state""",
            self.batches.clock.now(),
        )
        return {"kinds": [dict(row) for row in rows]}

    async def acts(self, on: UUID) -> list[dict[str, Any]]:
        """What operators did to a subject or to a letter, and why, oldest first."""
        rows = await self.batches.database.fetch(
            """select actor as by, verb, subject, thing, why, done_at from operation
               where subject = $1 or thing = $2 order by id""",
            on,
            str(on),
        )
        return [{**row, "letter": UUID(thing) if (thing := row["thing"]) else None} for row in map(dict, rows)]

    async def release(self, subject: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Let a held subject hear on with what was parked; what was set aside stays set aside, as settled.

        Raises: NotHeld; NotAsSeen when, under the lock, something else is set aside than when this began.
        """
        async with self.batches.database.acquire() as connection:
            if not await connection.fetchval("select held_at from subject where id = $1", subject):
                raise NotHeld
            seen = await open_letters(connection, subject)
        return _told(await self.batches.release(subject, Act(by, "release", subject, None, why), seen))

    async def redrive(self, letter: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Decide on a dead letter again, then let its subject hear on with what was parked, in order.

        Raises: NoSuchLetter; NotAsSeen when, under the lock, it waits no more or another waits besides.
        """
        row = await self.batches.database.fetchrow(
            """select id, subject, topic, headers::text as headers, record_key, body
               from dead_letter where id = $1 and settled_at is null""",
            letter,
        )
        if row is None:
            raise NoSuchLetter
        heard = Heard(row["topic"], read_headers(row["headers"]), row["record_key"], row["body"])
        item = item_of(self.batches.handlers, heard, f"letter|{letter}")
        if item is None:
            raise NoSuchLetter
        item.letter = letter
        subject: UUID | None = row["subject"]
        act = Act(by, "redrive", subject, letter, why)
        if subject is not None:
            return _told(await self.batches.release(subject, act, [letter], [item]))
        async with self.batches.database.acquire() as connection:
            await note(connection, act)
        return _told(await self.batches.decide([item]))

    async def discard(self, letter: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Settle a dead letter without deciding on it. Its subject stays held until it is released."""
        async with self.batches.database.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                """update dead_letter set settled_at = now(), settled_as = 'discarded'
                   where id = $1 and settled_at is null returning subject""",
                letter,
            )
            if row is None:
                raise NoSuchLetter
            await note(connection, Act(by, "discard", row["subject"], letter, why))
        return {"settled": str(letter)}


def _told(items: Sequence[Item]) -> dict[str, Any]:
    return {"heard": [item.became.value for item in items]}
