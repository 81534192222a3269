"""What an operator can do on any room: see what is held, set aside or due, and let it go on, each act with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rinnan_chassis.batch import Batches
from rinnan_chassis.deciding import Refusal
from rinnan_chassis.items import Heard, Item
from rinnan_chassis.reading import item_of
from rinnan_chassis.rows import read_headers


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

    async def release(self, subject: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Let a held subject hear on with what was parked; what was set aside stays set aside, as settled."""
        if not await self.batches.database.fetchval("select held_at from subject where id = $1", subject):
            raise NotHeld
        items = await self.batches.release(subject, pass_over=True)
        await self._note(by, "release", subject, None, why)
        return _told(items)

    async def redrive(self, letter: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Decide on a dead letter again, then let its subject hear on with what was parked, in order."""
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
        items = await (self.batches.decide([item]) if subject is None else self.batches.release(subject, [item]))
        await self._note(by, "redrive", row["subject"], str(letter), why)
        return _told(items)

    async def discard(self, letter: UUID, *, by: str, why: str) -> dict[str, Any]:
        """Settle a dead letter without deciding on it. Its subject stays held until it is released."""
        subject = await self.batches.database.fetchrow(
            """update dead_letter set settled_at = now(), settled_as = 'discarded'
               where id = $1 and settled_at is null returning subject""",
            letter,
        )
        if subject is None:
            raise NoSuchLetter
        await self._note(by, "discard", subject["subject"], str(letter), why)
        return {"settled": str(letter)}

    async def _note(self, by: str, verb: str, subject: UUID | None, thing: str | None, why: str) -> None:
        await self.batches.database.execute(
            "insert into operation (actor, verb, subject, thing, why) values ($1, $2, $3, $4, $5)",
            by,
            verb,
            subject,
            thing,
            why,
        )


def _told(items: Sequence[Item]) -> dict[str, Any]:
    return {"heard": [item.became.value for item in items]}
