"""How a registration ended, read from what staff are told: its life, and where its deliveries stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rinnan_local.families import Outcome

Told = Mapping[str, Any]
SUBMITTED, ENDED = "intake.form_submitted.v1", "intake.registration_ended.v1"
PURGED = "intake.registration_purged.v1"
BY_SYSTEM, ON_PAPER = "confirmed", "verified"
NOTHING_MORE = frozenset({BY_SYSTEM, ON_PAPER, "cancelled"})


@dataclass(frozen=True, slots=True)
class Settled:
    """The one end of a registration.

    `receipt` is the system's own reference, on paper the delivery's id. The seconds are those that the stack's clock
    showed; None where nobody gave anything in.
    """

    registration: str
    county: str
    adapter: str | None
    outcome: Outcome
    receipt: str | None
    documents: tuple[str, ...]
    events: int
    seconds_from_last_submission_to_outcome: float | None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def settled(
    life: Told, deliveries: Sequence[Told], adapters: Mapping[str, str], documents: Sequence[str] = ()
) -> Settled | None:
    """The end that this registration came to; None while anything of it is on its way.

    `adapters` tells the adapter of each destination. Raises ValueError where the same record stands more than once.
    """
    if any(delivery["state"] not in NOTHING_MORE for delivery in deliveries):
        return None
    standing = [delivery for delivery in deliveries if delivery["state"] != "cancelled"]
    whose = [delivery["party_id"] for delivery in standing]
    if len(set(whose)) < len(whose) or any(delivery["doubled"] for delivery in standing):
        raise ValueError("a record stands more than once")
    ended = [datetime.fromisoformat(event["at"]) for event in life["events"] if event["type"] == ENDED]
    joint = next((delivery for delivery in standing if delivery["party_id"] is None), None)
    shown = joint or (standing[0] if standing and ended else None)
    if shown is None and (not ended or standing):
        return None
    outcome = Outcome.ENDED if shown is None else Outcome.SINGLE_CONTACT if joint is None else _of(joint)
    return Settled(
        registration=life["registration_id"],
        county=life["county"],
        adapter=adapters[shown["destination"]] if shown else None,
        outcome=outcome,
        receipt=(shown["receipt"] or shown["delivery_id"]) if shown else None,
        documents=tuple(documents),
        events=len(life["events"]),
        seconds_from_last_submission_to_outcome=_seconds(
            life, shown["party_id"] if shown else None, datetime.fromisoformat(shown["moved_at"]) if shown else ended[0]
        ),
    )


def _of(delivery: Told) -> Outcome:
    return Outcome.CONFIRMED if delivery["state"] == BY_SYSTEM else Outcome.VERIFIED_ON_PAPER


def _seconds(life: Told, party_id: str | None, until: datetime) -> float | None:
    given_in = [
        datetime.fromisoformat(event["at"])
        for event in life["events"]
        if event["type"] == SUBMITTED and party_id in {None, event["party_id"]}
    ]
    return round((until - max(given_in)).total_seconds(), 3) if given_in else None
