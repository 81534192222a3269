"""All that record_export keeps of one registration, and how a change to its ledger is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from rinnan_chassis.deciding import ByHand, Cancel, Context, Decision, Work
from rinnan_events import Event
from rinnan_events.intake import CompletedPart
from rinnan_events.record_export import DeliveryMoved, DeliveryState
from rinnan_profiles import County, Profiles
from rinnan_record_export.domain.ledger import Delivery
from rinnan_record_export.domain.parts import Opening, Party, Wanted, has_withdrawn, owner

ASSEMBLE = "assemble"
LOOK = "look"
PAPER = "paper"
PROMISE = "promise"
ALARM = "alarm"
PLAN_ANYWAY = "plan_anyway"
NOBODY_LEFT = "nobody_left"


@dataclass(frozen=True, slots=True)
class Correction:
    """Something changed after the record went out: a person tells the destination. `what` is a class of parts.

    `number` counts those of one registration: by the newest, people say which they have seen.
    """

    what: str
    party_id: UUID
    heard_at: datetime
    taken_up_at: datetime | None = None
    taken_up_by: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Registration:
    """Parts by party, the records that are wanted by owner (`none`: both parties'), and the ledger."""

    opening: Opening | None = None
    parties: dict[UUID, Party] = field(default_factory=dict[UUID, Party])
    left: tuple[UUID, ...] = ()
    wanted: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    deliveries: dict[UUID, Delivery] = field(default_factory=dict[UUID, Delivery])
    corrections: tuple[Correction, ...] = ()

    def party(self, party_id: UUID) -> Party:
        """One party's parts, none where nothing was heard of them."""
        return self.parties.get(party_id, Party())

    def with_party(self, party_id: UUID, **changes: Any) -> Registration:
        """The registration with some of one party's parts changed."""
        return replace(self, parties=self.parties | {party_id: replace(self.party(party_id), **changes)})

    def listed(self, party_id: UUID, what: str) -> frozenset[int]:
        """The versions of one part of a party that records are wanted of."""
        parts = (part for wanted in self.wanted.values() for part in wanted.parts if part.party_id == party_id)
        return frozenset(int(getattr(part, what)) for part in parts)

    def with_delivery(self, delivery_id: UUID, delivery: Delivery) -> Registration:
        """The registration with one row of its ledger changed."""
        return replace(self, deliveries=self.deliveries | {delivery_id: delivery})

    def wanted_for(self, delivery: Delivery) -> Wanted:
        """The record that a row of the ledger is about."""
        return self.wanted[owner(delivery.party_id)]

    def takes_part(self, part: CompletedPart) -> bool:
        """Whether a party that the record was completed with is still there and still agrees."""
        return part.party_id not in self.left and not has_withdrawn(self.party(part.party_id), part)

    def all_left(self, wanted: Wanted) -> bool:
        """Whether nobody whom a record was about is there any more. Who took consents back is still there."""
        return all(part.party_id in self.left for part in wanted.parts)

    def with_correction(self, what: str, party_id: UUID, now: datetime) -> Registration:
        """The registration with one correction more, numbered. It takes the place of one like it that still waits."""
        number = max((one.number for one in self.corrections), default=0) + 1
        others = (one for one in self.corrections if one.taken_up_at or (one.what, one.party_id) != (what, party_id))
        return replace(self, corrections=(*others, Correction(what, party_id, now, number=number)))

    @property
    def county(self) -> str:
        """The county's code. Raises: LookupError before the opening was heard."""
        if self.opening is None:
            raise LookupError("no opening")
        return self.opening.county


def county_now(registration: Registration, ctx: Context) -> County:
    """The county as it is today: a delivery goes where its systems are now."""
    profiles: Profiles = ctx.reference
    return profiles.county(registration.county)


def change(
    registration: Registration,
    delivery_id: UUID,
    after: Delivery,
    ctx: Context,
    *,
    says: Iterable[Event] = (),
    works: Iterable[Work | Cancel] = (),
    by_hand: ByHand | None = None,
) -> Decision[Registration]:
    """A decision that changes one row: the row, the move where it moved, and what follows. A person gets an answer."""
    before = registration.deliveries.get(delivery_id)
    moved = before is None or (before.state, before.reason, before.attempt) != (
        after.state,
        after.reason,
        after.attempt,
    )
    move = DeliveryMoved(
        registration_id=ctx.subject,
        delivery_id=delivery_id,
        destination=after.destination,
        party_id=after.party_id,
        from_state=before.state if before else None,
        to_state=after.state,
        reason=after.reason,
        attempt=after.attempt,
        moved_at=ctx.now,
    )
    return Decision(
        state=registration.with_delivery(delivery_id, after),
        says=(*((move,) if moved else ()), *says),
        works=tuple(works),
        answer={"delivery_id": str(delivery_id), "state": after.state.value} if by_hand else None,
        by_hand=by_hand,
    )


def call_off(registration: Registration, delivery_id: UUID, delivery: Delivery, ctx: Context) -> Decision[Registration]:
    """Deliver nothing, because nobody is left in the record. Of parents who are still there, a person is told."""
    off = delivery.moved(DeliveryState.CANCELLED, NOBODY_LEFT, ctx.now)
    works: tuple[Work | Cancel, ...] = nothing_further(delivery_id, delivery)
    if not registration.all_left(registration.wanted_for(delivery)):
        works = (*works, row_alarm(delivery_id, off, NOBODY_LEFT, ctx))
    return change(registration, delivery_id, off, ctx, works=works)


def together(first: Decision[Registration], then: Decision[Registration]) -> Decision[Registration]:
    """Two decisions as one, the second taken on the state that the first left."""
    return replace(then, says=(*first.says, *then.says), works=(*first.works, *then.works))


def assemble(delivery_id: UUID, delivery: Delivery, due_at: datetime) -> Work:
    """The work of assembling the record for the next attempt. It opens seals, so it is no decision."""
    attempt = delivery.attempt + 1
    payload = {"delivery_id": str(delivery_id), "attempt": attempt}
    return Work(ASSEMBLE, f"{delivery_id}.{attempt}", due_at, payload)


def paper(delivery_id: UUID, delivery: Delivery) -> Work:
    """The time at which paper takes over."""
    due = delivery.paper_at
    return Work(PAPER, f"{delivery_id}.{due.isoformat()}", due, {"delivery_id": str(delivery_id)})


def promise(delivery_id: UUID, delivery: Delivery) -> Work:
    """The end of the promise of contact."""
    return Work(PROMISE, str(delivery_id), delivery.contact_by, {"delivery_id": str(delivery_id)})


def alarm(reason: str, ctx: Context, occurrence: str = "") -> Work:
    """Tell the operators, once for each reason and occurrence, that a person must look."""
    return Work(ALARM, f"{ctx.subject}.{reason}.{occurrence}", ctx.now, {"reason": reason})


def row_alarm(delivery_id: UUID, delivery: Delivery, reason: str, ctx: Context) -> Work:
    """The alarm of a row as it stands now: what moves there again rings again."""
    return alarm(reason, ctx, f"{delivery_id}.{delivery.attempt}.{delivery.moved_at.isoformat()}")


def nothing_further(delivery_id: UUID, delivery: Delivery) -> tuple[Cancel, ...]:
    """What need not be done any more once a row is settled."""
    return (
        Cancel(ASSEMBLE, f"{delivery_id}.{delivery.attempt + 1}"),
        Cancel(LOOK, f"{delivery_id}.{delivery.attempt}.{delivery.look}"),
        Cancel(PAPER, f"{delivery_id}.{delivery.paper_at.isoformat()}"),
    )
