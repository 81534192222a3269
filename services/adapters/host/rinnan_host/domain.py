"""What a host makes of a request and of what its adapter did: no policy, only a faithful answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, Lost, Work
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_profiles import Destination

WRITE = "write"
FIND = "find"
RENDER = "render"
DISCARD = "discard"

KEPT = timedelta(days=60)
"""How long a package's documents are kept here at most. Their keys are gone earlier, when a registration is purged."""


@dataclass(frozen=True, slots=True)
class Here:
    """The one destination that this host serves."""

    county: str
    destination: Destination


@dataclass(frozen=True, slots=True)
class Nothing:
    """All that a host remembers of a registration between requests."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the adapter did with one request. `begun_at`: for a write that was not answered, when it began."""

    delivery_id: str
    attempt: int
    outcome: Outcome
    reason: str
    look: int | None = None
    effects: int | None = None
    receipt: str | None = None
    document_ids: tuple[UUID, ...] = ()
    begun_at: datetime | None = None


def write(_state: Nothing | None, event: DeliveryRequested, ctx: Context) -> Decision[Nothing]:
    """One write for each attempt: a repeat of the request plans nothing more."""
    payload = {
        "delivery_id": str(event.delivery_id),
        "attempt": event.attempt,
        "party_id": str(event.party_id) if event.party_id else None,
        "write_by": event.write_by.isoformat() if event.write_by else None,
        "record": event.record,
    }
    return Decision(works=(Work(WRITE, f"{event.delivery_id}.{event.attempt}", ctx.now, payload),))


def find(_state: Nothing | None, event: DeliveryLookupRequested, ctx: Context) -> Decision[Nothing]:
    """One look for each number."""
    payload = {
        "delivery_id": str(event.delivery_id),
        "attempt": event.attempt,
        "look": event.look,
        "party_id": str(event.party_id) if event.party_id else None,
    }
    return Decision(works=(Work(FIND, f"{event.delivery_id}.{event.attempt}.{event.look}", ctx.now, payload),))


def render(_state: Nothing | None, event: PackageRenderRequested, ctx: Context) -> Decision[Nothing]:
    """One package for each attempt, dated by the request, so that rendering again gives the same bytes."""
    payload = {
        "delivery_id": str(event.delivery_id),
        "attempt": event.attempt,
        "party_id": str(event.party_id) if event.party_id else None,
        "look_first": event.look_first,
        "asked_at": ctx.accepted_at.isoformat(),
        "record": event.record,
    }
    name = f"{event.delivery_id}.{event.attempt}"
    return Decision(
        works=(
            Work(RENDER, name, ctx.now, payload),
            _discard(event.delivery_id, f"{name}.kept", ctx.accepted_at, ctx.now + KEPT),
        )
    )


def take_back(_state: Nothing | None, event: PackageRecalled, ctx: Context) -> Decision[Nothing]:
    """Nobody reads what was asked for before the recall; what is asked for after it stays."""
    name = f"{event.delivery_id}.{ctx.accepted_at.isoformat()}"
    return Decision(works=(_discard(event.delivery_id, name, ctx.accepted_at, ctx.now),))


def answer(_state: Nothing | None, fact: Answered, ctx: Context) -> Decision[Nothing]:
    """Say what was done, and of an unanswered write when it can no longer take effect."""
    return Decision(says=(_outcome(fact, ctx),))


def lose(_state: Nothing | None, fact: Lost, ctx: Context) -> Decision[Nothing] | None:
    """A worker stopped in the middle of a write. Nobody can tell what it did, and it is never run again."""
    if fact.kind != WRITE:
        return None
    lost = Answered(fact.payload["delivery_id"], fact.payload["attempt"], Outcome.UNKNOWN, "lease_ran_out")
    return Decision(says=(_outcome(lost, ctx),))


def _outcome(fact: Answered, ctx: Context) -> DeliveryOutcome:
    here: Here = ctx.reference
    return DeliveryOutcome(
        registration_id=ctx.subject,
        delivery_id=UUID(fact.delivery_id),
        destination=here.destination.name,
        attempt=fact.attempt,
        look=fact.look,
        outcome=fact.outcome,
        reason=fact.reason,
        effects=fact.effects,
        receipt=fact.receipt,
        document_ids=fact.document_ids,
        settles_at=_settles_at(fact, here, ctx) if fact.outcome is Outcome.UNKNOWN else None,
        happened_at=ctx.now,
    )


def _settles_at(fact: Answered, here: Here, ctx: Context) -> datetime:
    """Counted from the end of the lease, which is longer than anything that the write can still be doing."""
    destination = here.destination
    lease_ended_at = fact.begun_at + destination.lease if fact.begun_at else ctx.now
    return max(lease_ended_at, ctx.now) + destination.settle_after


def _discard(delivery_id: UUID, name: str, asked_by: datetime, due_at: datetime) -> Work:
    return Work(DISCARD, name, due_at, {"delivery_id": str(delivery_id), "asked_by": asked_by.isoformat()})
