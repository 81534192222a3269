"""What an operator can do on any room: see what is held, set aside or due, and let it go on, each act with a reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rinnan_chassis.batch import Batches
from rinnan_chassis.database import Database, Transaction
from rinnan_chassis.deciding import Refusal
from rinnan_chassis.items import Act, Heard, Item
from rinnan_chassis.jsonb import read_state
from rinnan_chassis.letters import note, open_letters, settle
from rinnan_chassis.reading import item_of
from rinnan_chassis.rows import read_headers
from rinnan_events import AtRest

OwnerOf = Callable[[Any], str | None]
"""The owner of a subject, by the room's state of it (None where it has none yet); None where the room cannot know."""

Within = Collection[str | None]
"""The owners whose subjects are there for whoever asks; None stands for those of no known owner."""


class NotHeld(Refusal):
    """Nothing of this subject is held here."""

    code = "chassis.not_held"
    status = 404


class NoSuchLetter(Refusal):
    """There is no such dead letter that still waits."""

    code = "chassis.no_such_letter"
    status = 404


def nobody_knows(_state: Any) -> None:
    """The owner of a subject in a room that hears of none."""


@dataclass(frozen=True, slots=True)
class Operations:
    """The operator's verbs. Nothing here shows a body.

    Each is limited to `within`: the owners whose subjects are there for whoever asks, None among them for subjects
    of no known owner and for what has no readable subject. Everything else is as if it were not there.
    """

    batches: Batches[Any]
    owner_of: OwnerOf = nobody_knows

    async def held(self, *, within: Within | None = None) -> list[dict[str, Any]]:
        """Subjects that hear nothing further, oldest first, with what waits for them."""
        rows = await self.batches.database.fetch(
            """select s.id as subject, s.held_at, s.state::text as state,
                      (select count(*) from parked p where p.subject = s.id) as parked,
                      (select count(*) from dead_letter d
                       where d.subject = s.id and d.settled_at is null) as dead_letters,
                      (select count(*) from work w where w.subject = s.id and w.state = 'stuck') as stuck
               from subject s where s.held_at is not null order by s.held_at"""
        )
        return self._within(within, rows)

    async def dead_letters(self, *, within: Within | None = None) -> list[dict[str, Any]]:
        """Messages that were set aside and still wait, oldest first: ids, types and times."""
        rows = await self.batches.database.fetch(
            """select d.id, d.subject, topic, reason, set_aside_at, headers::text as headers, s.state::text as state
               from dead_letter d left join subject s on s.id = d.subject
               where settled_at is null order by set_aside_at, d.id"""
        )
        letters = self._within(within, rows)
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

    async def acts(self, on: UUID, *, within: Within | None = None) -> list[dict[str, Any]]:
        """What people did to a subject or to a thing of it, such as a letter, and why, oldest first."""
        rows = await self.batches.database.fetch(
            """select actor as by, verb, subject, thing, why, done_at, s.state::text as state
               from operation o left join subject s on s.id = o.subject
               where o.subject = $1 or o.thing = $2 order by o.id""",
            on,
            str(on),
        )
        acts = self._within(within, rows)
        return [{**act, "thing": UUID(thing) if (thing := act["thing"]) else None} for act in acts]

    async def release(self, subject: UUID, *, by: str, why: str, within: Within | None = None) -> dict[str, Any]:
        """Let a held subject hear on with what was parked; what was set aside stays set aside, as settled.

        Raises: NotHeld; NotAsSeen when, under the lock, something else is set aside than when this began.
        """
        async with self.batches.database.acquire() as connection:
            held = await connection.fetch(
                "select id as subject, state::text as state from subject where id = $1 and held_at is not null", subject
            )
            if not self._within(within, held):
                raise NotHeld
            seen = await open_letters(connection, subject)
        return _told(await self.batches.release(subject, Act(by, "release", subject, None, why), seen))

    async def redrive(self, letter: UUID, *, by: str, why: str, within: Within | None = None) -> dict[str, Any]:
        """Decide on a dead letter again, then let its subject hear on with what was parked, in order.

        Raises: NoSuchLetter; NotAsSeen when, under the lock, it waits no more or another waits besides.
        """
        row = await self._letter(self.batches.database, letter, within)
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

    async def discard(self, letter: UUID, *, by: str, why: str, within: Within | None = None) -> dict[str, Any]:
        """Settle a dead letter without deciding on it. Its subject stays held until it is released."""
        async with self.batches.database.acquire() as connection, connection.transaction():
            row = await self._letter(connection, letter, within)
            if not await settle(connection, letter, "discarded"):
                raise NoSuchLetter
            await note(connection, Act(by, "discard", row["subject"], letter, why))
        return {"settled": str(letter)}

    async def _letter(self, database: Database | Transaction, letter: UUID, within: Within | None) -> dict[str, Any]:
        """A dead letter that still waits, as it came. Raises: NoSuchLetter."""
        rows = await database.fetch(
            """select d.subject, topic, headers::text as headers, record_key, body, s.state::text as state
               from dead_letter d left join subject s on s.id = d.subject where d.id = $1 and settled_at is null""",
            letter,
        )
        for row in self._within(within, rows):
            return row
        raise NoSuchLetter

    def _within(self, within: Within | None, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """The rows whose subjects are of these owners, without the states that told."""
        told = [dict(row) for row in rows]
        states = [row.pop("state") for row in told]
        if within is None:
            return told
        return [row for row, state in zip(told, states, strict=True) if self._owner(row["subject"], state) in within]

    def _owner(self, subject: UUID | None, state: str | None) -> str | None:
        if subject is None:
            return None
        try:
            rests = AtRest.of(self.batches.schema, subject)
            return self.owner_of(None if state is None else read_state(self.batches.handlers.state, state, rests))
        except Exception:  # noqa: BLE001 - a state that cannot be read tells no owner
            return None


def _told(items: Sequence[Item]) -> dict[str, Any]:
    return {"heard": [item.became.value for item in items]}
