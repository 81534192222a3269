"""The statements of one transaction: what is claimed, read and written, each with one statement for the whole batch."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json

from rinnan_chassis.database import Crossed, Transaction
from rinnan_chassis.deciding import Cancel, Claim, Claimed
from rinnan_chassis.folding import Subject
from rinnan_chassis.items import Item, Lease, Once
from rinnan_chassis.jsonb import compact, read_payload, read_state
from rinnan_events import AtRest, Row

log = logging.getLogger(__name__)

NOBODY = UUID(int=0)
"""Whose a note is on a claim that points to no subject."""


class OutboxRow(NamedTuple):
    """An event or a dead letter on its way out."""

    id: UUID
    subject: UUID | None
    topic: str
    key: bytes | None
    headers: str
    body: bytes | None


class WorkRow(NamedTuple):
    """Planned work, its payload already JSON."""

    kind: str
    key: str
    subject: UUID
    due_at: Any
    payload: str


class PartRow(NamedTuple):
    """The token of one sealed part of a subject's state, and whose it is."""

    subject: UUID
    id: UUID
    party: UUID | None
    token: str


async def claim(tx: Transaction, schema: str, kinds: Sequence[str], wanted: Collection[Claim]) -> dict[Claim, Claimed]:
    """Lock the claims, in the order of their kinds, then keys. What nobody holds is claimed by a placeholder."""
    if not wanted:
        return {}
    ordered = sorted(wanted, key=lambda each: (kinds.index(each.kind), each.key))
    names, keys = [each.kind for each in ordered], [each.key for each in ordered]
    rows = await tx.fetch(
        """with placed as (
             insert into claim (kind, key) select * from unnest($1::text[], $2::bytea[])
             on conflict do nothing returning kind, key)
           select kind, key, null::uuid as subject, '{}' as note from placed
           union all
           select * from (
             select c.kind, c.key, c.subject, c.note::text
             from claim c join unnest($1::text[], $2::bytea[]) with ordinality as w (kind, key, place) using (kind, key)
             order by w.place for update of c) as there""",
        names,
        keys,
    )
    if len(rows) != len(ordered):
        raise Crossed
    return {Claim(row["kind"], row["key"]): _claimed(schema, row) for row in rows}


def _claimed(schema: str, row: Any) -> Claimed:
    return Claimed(row["subject"], read_payload(row["note"], AtRest.of(schema, row["subject"] or NOBODY)))


async def subjects(tx: Transaction, schema: str, kind: type[Any], ids: Collection[UUID]) -> dict[UUID, Subject[Any]]:
    """Lock the subjects in the order of their ids. A subject never heard of is claimed by a placeholder, before that.

    What another transaction placed meanwhile, this statement cannot see yet: then it is run again.
    """
    if not ids:
        return {}
    ordered = sorted(ids)
    rows = await tx.fetch(
        """with placed as (
             insert into subject (id) select unnest($1::uuid[]) on conflict do nothing returning id)
           select id, null as state, false as held, false as forgotten from placed
           union all
           select * from (
             select id, state::text, held_at is not null, forgotten_at is not null
             from subject where id = any($1::uuid[]) order by id for update) as there""",
        ordered,
    )
    if len(rows) != len(ordered):
        raise Crossed
    return {row["id"]: _subject(schema, kind, row) for row in rows}


def _subject(schema: str, kind: type[Any], row: Any) -> Subject[Any]:
    """A state that cannot be read any more is the trouble of that one subject."""
    subject = Subject[Any](row["id"], None, row["held"], row["forgotten"])
    if row["state"] is not None:
        try:
            rests = AtRest.of(schema, row["id"])
            subject.state = read_state(kind, row["state"], rests)
            subject.parts = frozenset(rests.rows)
        except ValueError:
            log.exception("state_unreadable", extra={"subject": str(row["id"])})
            subject.unreadable = True
    return subject


async def tokens(tx: Transaction, parts: Collection[Row]) -> dict[Row, str]:
    """The tokens of these sealed parts, which states only name; an empty one where there is none."""
    if not parts:
        return {}
    rows = await tx.fetch(
        """select subject, id, token from part
           join unnest($1::uuid[], $2::uuid[]) as named (subject, id) using (subject, id)""",
        [part.subject for part in parts],
        [part.id for part in parts],
    )
    return dict.fromkeys(parts, "") | {Row(row["subject"], str(row["id"])): row["token"] for row in rows}


async def first_heard(tx: Transaction, identities: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Enter events into the inbox; those that were not in it yet."""
    ordered = sorted(set(identities))
    if not ordered:
        return set()
    rows = await tx.fetch(
        """insert into inbox (source, id) select * from unnest($1::text[], $2::text[])
           on conflict do nothing returning source, id""",
        [source for source, _ in ordered],
        [id_ for _, id_ in ordered],
    )
    return {(row["source"], row["id"]) for row in rows}


async def still_leased(tx: Transaction, leases: Sequence[Lease]) -> set[UUID]:
    """The leases that nobody has taken over."""
    if not leases:
        return set()
    rows = await tx.fetch(
        """select w.id from work w join unnest($1::uuid[], $2::int[]) as l (id, fence) using (id, fence)
           where w.state = 'leased' order by w.id for update of w""",
        [lease.id for lease in leases],
        [lease.fence for lease in leases],
    )
    return {row["id"] for row in rows}


async def answered(tx: Transaction, once: Once) -> tuple[bytes, dict[str, Any]] | None:
    """What an earlier, equal command was answered; None makes this one the first."""
    row = await tx.fetchrow(
        "select fingerprint, answer::text as answer from command where caller = $1 and name = $2 and key = $3",
        once.caller,
        once.name,
        once.key,
    )
    return (row["fingerprint"], from_json(row["answer"])) if row else None


async def remember_answer(tx: Transaction, item: Item) -> None:
    """Keep a command's answer for its repeats. Two at once: the second is run again and finds it."""
    once = item.once
    if once is None:
        return
    kept = await tx.fetchval(
        """insert into command (caller, name, key, id, fingerprint, answer) values ($1, $2, $3, $4, $5, $6::jsonb)
           on conflict do nothing returning true""",
        once.caller,
        once.name,
        once.key,
        once.id,
        once.fingerprint,
        compact(dict(item.answer)),
    )
    if not kept:
        raise Crossed


async def write(
    tx: Transaction,
    states: dict[UUID, str],
    parts: Sequence[PartRow],
    outbox: Sequence[OutboxRow],
    works: Sequence[WorkRow],
) -> None:
    """Write the states that changed, keep their new parts, promise to say these, in this order, and plan or move work.

    One statement for all. The outbox's positions are drawn while the subjects' locks are held.
    """
    if states or outbox or works:
        await tx.execute(
            _WRITE,
            list(states),
            list(states.values()),
            *([row[column] for row in parts] for column in range(4)),
            *([row[column] for row in outbox] for column in range(6)),
            *([row[column] for row in works] for column in range(5)),
        )


async def drop_parts(tx: Transaction, gone: Collection[Row]) -> None:
    """Drop what a state names no longer."""
    if gone:
        await tx.execute(
            """delete from part p using unnest($1::uuid[], $2::uuid[]) as g (subject, id)
               where p.subject = g.subject and p.id = g.id""",
            [part.subject for part in gone],
            [part.id for part in gone],
        )


_WRITE = """
with stated as (
  update subject s set state = w.state::jsonb
  from unnest($1::uuid[], $2::text[]) as w (id, state) where s.id = w.id
), rested as (
  insert into part (subject, id, party, token) select * from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[])
), said as (
  insert into outbox (id, subject, topic, record_key, headers, body)
  select id, subject, topic, key, headers::jsonb, body
  from unnest($7::uuid[], $8::uuid[], $9::text[], $10::bytea[], $11::text[], $12::bytea[])
    with ordinality as w (id, subject, topic, key, headers, body, place) order by place
  on conflict (id) do nothing
)
insert into work (kind, key, subject, due_at, payload)
select kind, key, subject, due_at, payload::jsonb
from unnest($13::text[], $14::text[], $15::uuid[], $16::timestamptz[], $17::text[])
  as w (kind, key, subject, due_at, payload)
on conflict (kind, key) do update
set due_at = excluded.due_at, payload = excluded.payload, attempts = 0
where work.state = 'waiting'
"""


async def hold(tx: Transaction, ids: Collection[UUID]) -> None:
    """Hear nothing further of these subjects."""
    if ids:
        await tx.execute("update subject set held_at = coalesce(held_at, now()) where id = any($1::uuid[])", list(ids))


async def let_go(tx: Transaction, subject: UUID, now: Any, never_again: Collection[str]) -> None:
    """Hear of a subject again, and take up its stuck work: that of the kinds in `never_again` as lost."""
    await tx.execute("update subject set held_at = null where id = $1", subject)
    await tx.execute(
        """update work set attempts = 0, due_at = $2,
             state = case when kind = any($3::text[]) then 'leased' else 'waiting' end,
             lease_until = case when kind = any($3::text[]) then clock_timestamp() end
           where subject = $1 and state = 'stuck'""",
        subject,
        now,
        list(never_again),
    )


async def forget(tx: Transaction, ids: Collection[UUID]) -> None:
    """Leave empty tombstones: no state, no sealed part, no waiting work, no claim, nothing parked or set aside."""
    if not ids:
        return
    gone = sorted(ids)
    await tx.execute(
        "update subject set state = null, held_at = null, forgotten_at = now() where id = any($1::uuid[])", gone
    )
    await tx.execute("delete from part where subject = any($1::uuid[])", gone)
    await tx.execute("delete from claim where subject = any($1::uuid[])", gone)
    await tx.execute("delete from work where subject = any($1::uuid[]) and state in ('waiting', 'done', 'stuck')", gone)
    await tx.execute("delete from parked where subject = any($1::uuid[])", gone)
    await tx.execute("delete from dead_letter where subject = any($1::uuid[])", gone)


async def drop_placeholders(tx: Transaction, ids: Collection[UUID], claims: Collection[Claim]) -> None:
    """Leave no trace of subjects and claims that nothing was decided on."""
    if ids:
        await tx.execute(
            """delete from subject where id = any($1::uuid[])
               and state is null and held_at is null and forgotten_at is null""",
            list(ids),
        )
    if claims:
        await tx.execute(
            """delete from claim c using unnest($1::text[], $2::bytea[]) as w (kind, key)
               where c.kind = w.kind and c.key = w.key and c.subject is null and c.note = '{}'""",
            [each.kind for each in claims],
            [each.key for each in claims],
        )


async def write_claims(tx: Transaction, claims: dict[Claim, Claimed | None], notes: dict[Claim, str]) -> None:
    """Set claims, and let go of those set to None."""
    kept = {each: value for each, value in claims.items() if value is not None}
    gone = [each for each, value in claims.items() if value is None]
    if kept:
        await tx.execute(
            """insert into claim (kind, key, subject, note)
               select kind, key, subject, note::jsonb
               from unnest($1::text[], $2::bytea[], $3::uuid[], $4::text[]) as w (kind, key, subject, note)
               on conflict (kind, key) do update set subject = excluded.subject, note = excluded.note""",
            [each.kind for each in kept],
            [each.key for each in kept],
            [value.subject for value in kept.values()],
            [notes[each] for each in kept],
        )
    if gone:
        await tx.execute(
            """delete from claim c using unnest($1::text[], $2::bytea[]) as w (kind, key)
               where c.kind = w.kind and c.key = w.key""",
            [each.kind for each in gone],
            [each.key for each in gone],
        )


async def cancel(tx: Transaction, works: Sequence[Cancel]) -> None:
    """Drop work that still waits and need not be done any longer."""
    if works:
        await tx.execute(
            """delete from work w using unnest($1::text[], $2::text[]) as c (kind, key)
               where w.kind = c.kind and w.key = c.key and w.state = 'waiting'""",
            [each.kind for each in works],
            [each.key for each in works],
        )


async def finish_works(tx: Transaction, ids: Sequence[UUID], state: str) -> None:
    """Mark leased work as done, with nothing left of what it carried; as stuck, for a person; or as waiting again."""
    if ids:
        await tx.execute(
            """update work set state = $2, lease_until = null,
                      ended_at = case when $2 = 'done' then now() end,
                      payload = case when $2 = 'done' then '{}' else payload end
               where id = any($1::uuid[])""",
            list(ids),
            state,
        )


async def park(tx: Transaction, items: Sequence[Item]) -> None:
    """Keep events of held subjects, in order. What was parked already stays where it is."""
    fresh = [item for item in items if item.parked is None and item.heard is not None]
    if fresh:
        await tx.execute(
            """insert into parked (subject, topic, headers, body)
               select subject, topic, headers::jsonb, body from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
                 with ordinality as w (subject, topic, headers, body, place) order by place""",
            [item.subject for item in fresh],
            [item.heard.topic for item in fresh if item.heard],
            [write_headers(item.heard.headers) for item in fresh if item.heard],
            [item.heard.body for item in fresh if item.heard],
        )


async def unpark(tx: Transaction, positions: Sequence[int]) -> None:
    """Drop what was heard after all."""
    if positions:
        await tx.execute("delete from parked where position = any($1::bigint[])", list(positions))


def write_headers(headers: Sequence[tuple[str, bytes]]) -> str:
    """Headers as JSON. What JSON in the database cannot hold is kept as Base64, marked by a tilde before the name."""
    return compact([_written(name, value or b"") for name, value in headers])


def read_headers(text: str) -> list[tuple[str, bytes]]:
    """The headers that `write_headers` wrote."""
    return [
        (b64decode(name[1:]).decode(), b64decode(value)) if name.startswith("~") else (name, value.encode())
        for name, value in from_json(text)
    ]


def _written(name: str, value: bytes) -> tuple[str, str]:
    if not name.startswith("~") and "\x00" not in name and b"\x00" not in value:
        try:
            return name, value.decode()
        except UnicodeDecodeError:
            pass
    return "~" + b64encode(name.encode()).decode(), b64encode(value).decode()
