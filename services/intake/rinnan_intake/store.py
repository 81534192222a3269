"""What intake looks up in its own tables beyond one subject at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from rinnan_chassis.database import Database
from rinnan_chassis.jsonb import read_payload, read_state
from rinnan_events import AtRest
from rinnan_intake.domain.joining import Ticket, ticket_claim
from rinnan_intake.domain.leaving import TAKE_IN
from rinnan_intake.domain.state import Person, Registration

SCHEMA = "intake"
# The index of the migration is over exactly this expression.
PERSONS = "jsonb_path_query_array(state, '$.parties.*.person.*')"
HERE = f"""
select id, state::text as state from subject
where {PERSONS} ?| $1::text[]
  and jsonb_path_exists(
    state,
    '$.parties.* ? (@.joined_at != null && @.left_at == null && @.person.* == $known[*])',
    jsonb_build_object('known', $1::text[]))
  and coalesce((state ->> 'shown_until')::timestamptz > $2, true)
order by id"""  # noqa: S608 - ours
IN_DOUBT = "jsonb_path_exists(state, '$.attention[*] ? (@.settled_at == null)')"


async def here(database: Database, person: Person, now: datetime) -> AsyncIterator[tuple[UUID, Registration]]:
    """Every registration that is shown and in which a hash of this person stands as joined and not left.

    What the other alone said of them, or keeps beyond the showing, is not read: it would take its time.
    """
    for row in await database.fetch(HERE, list(person.hashes), now):
        yield row["id"], read_state(Registration, row["state"], AtRest.of(SCHEMA, row["id"]))


async def ticket(database: Database, sha256: str) -> Ticket | None:
    """A joining ticket by its SHA-256 in hexadecimal."""
    claim = ticket_claim(sha256)
    row = await database.fetchrow(
        "select subject, note::text as note from claim where kind = $1 and key = $2 and subject is not null",
        claim.kind,
        claim.key,
    )
    return Ticket.noted(read_payload(row["note"], AtRest.of(SCHEMA, row["subject"]))) if row else None


async def waits_to_be_taken_in(database: Database, ticket_id: UUID) -> bool:
    """Whether a party's own parts still rest under this ticket's key alone."""
    return await database.fetchval(
        "select exists (select from work where kind = $1 and key = $2 and state <> 'done')",
        TAKE_IN,
        str(ticket_id),
    )


async def in_doubt(database: Database) -> list[tuple[UUID, Registration]]:
    """The registrations that wait for a person."""
    rows: list[Any] = await database.fetch(
        f"select id, state::text as state from subject where {IN_DOUBT} order by id"  # noqa: S608 - ours
    )
    return [(row["id"], read_state(Registration, row["state"], AtRest.of(SCHEMA, row["id"]))) for row in rows]
