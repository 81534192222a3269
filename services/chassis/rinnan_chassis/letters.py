"""The statements of what was set aside, and of what operators do to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from rinnan_chassis.database import Transaction
from rinnan_chassis.items import Act, Item
from rinnan_chassis.rows import write_headers


async def set_aside(tx: Transaction, letters: Sequence[tuple[UUID, Item, str]]) -> None:
    """Keep messages that could not be decided on, as they came."""
    if letters:
        await tx.execute(
            """insert into dead_letter (id, subject, topic, headers, record_key, body, reason)
               select id, subject, topic, headers::jsonb, key, body, reason
               from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[])
                 as w (id, subject, topic, headers, key, body, reason)
               on conflict (id) do update
               set set_aside_at = now(), reason = excluded.reason, settled_at = null, settled_as = null""",
            [id_ for id_, _, _ in letters],
            [item.subject for _, item, _ in letters],
            [item.heard.topic for _, item, _ in letters if item.heard],
            [write_headers(item.heard.headers) for _, item, _ in letters if item.heard],
            [item.heard.key for _, item, _ in letters if item.heard],
            [item.heard.body for _, item, _ in letters if item.heard],
            [reason for _, _, reason in letters],
        )


async def settle(tx: Transaction, letter: UUID, settled_as: str = "redriven") -> bool:
    """Whether this dead letter still waited; now it is settled."""
    return bool(
        await tx.fetchval(
            """update dead_letter set settled_at = now(), settled_as = $2
               where id = $1 and settled_at is null returning true""",
            letter,
            settled_as,
        )
    )


async def open_letters(tx: Transaction, subject: UUID) -> frozenset[UUID]:
    """The dead letters of a subject that still wait."""
    rows = await tx.fetch("select id from dead_letter where subject = $1 and settled_at is null", subject)
    return frozenset(row["id"] for row in rows)


async def pass_over(tx: Transaction, letters: Collection[UUID]) -> None:
    """Settle what was set aside without deciding on it."""
    if letters:
        await tx.execute(
            """update dead_letter set settled_at = now(), settled_as = 'passed_over'
               where id = any($1::uuid[]) and settled_at is null""",
            list(letters),
        )


async def note(tx: Transaction, act: Act) -> None:
    """Keep who does what, and why, in the transaction that does it."""
    await tx.execute(
        "insert into operation (actor, verb, subject, thing, why) values ($1, $2, $3, $4, $5)",
        act.by,
        act.verb,
        act.subject,
        None if act.thing is None else str(act.thing),
        act.why,
    )
