"""What record_export looks up in its own tables beyond one registration at a time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from rinnan_chassis.database import Database
from rinnan_record_export.domain.ledger import OVER, Delivery
from rinnan_record_export.domain.registration import Correction

# The indexes of the migration are over exactly these expressions.
OPEN = (
    "jsonb_path_exists(state, '$.deliveries.* ?"
    ' (@.state != "confirmed" && @.state != "verified" && @.state != "cancelled")\')'
)
CORRECTED = "jsonb_path_exists(state, '$.corrections[*] ? (@.taken_up_at == null)')"

_DELIVERY: TypeAdapter[Delivery] = TypeAdapter(Delivery)
_CORRECTIONS: TypeAdapter[list[Correction]] = TypeAdapter(list[Correction])


async def unsettled(
    database: Database, county: str, states: Collection[str], most: int
) -> list[tuple[UUID, UUID, Delivery]]:
    """A county's deliveries that are not over, the most urgent first; in all states where none is named."""
    rows: list[Any] = await database.fetch(
        f"""select id, d.key, d.value::text as delivery
            from subject, jsonb_each(state->'deliveries') d
            where {OPEN} and state->'opening'->>'county' = $1 and d.value->>'state' <> all($2::text[])
              and (cardinality($3::text[]) = 0 or d.value->>'state' = any($3::text[]))
            order by d.value->>'contact_by', d.key limit $4""",  # noqa: S608 - ours
        county,
        [state.value for state in OVER],
        list(states),
        most,
    )
    return [(row["id"], UUID(row["key"]), _DELIVERY.validate_json(row["delivery"])) for row in rows]


async def corrected(database: Database, county: str) -> list[tuple[UUID, Correction]]:
    """What changed after a county's records went out and nobody has told yet."""
    rows: list[Any] = await database.fetch(
        f"""select id, (state->'corrections')::text as corrections from subject
            where {CORRECTED} and state->'opening'->>'county' = $1 order by id""",  # noqa: S608 - ours
        county,
    )
    return [
        (row["id"], one)
        for row in rows
        for one in _CORRECTIONS.validate_json(row["corrections"])
        if one.taken_up_at is None
    ]
