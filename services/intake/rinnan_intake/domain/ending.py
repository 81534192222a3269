"""The timetable: the one ending at the deadline, what became of the deliveries, and forgetting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, Work
from rinnan_events.intake import RegistrationEnded, RegistrationPurged
from rinnan_events.record_export import DeliveryMoved, DeliveryState
from rinnan_intake.domain.gate import GateDue, open_the_gate, purge_work
from rinnan_intake.domain.reference import pinned_county
from rinnan_intake.domain.state import Delivery, Doubt, Registration, pair_claims, to_a_person

DESTROY_KEYS = "destroy_keys"
DELIVERED = frozenset({DeliveryState.CONFIRMED, DeliveryState.VERIFIED})
SETTLED = DELIVERED | {DeliveryState.CANCELLED}
LOOKED_AT_AGAIN = timedelta(days=1)
LAST_ANSWERS = timedelta(minutes=1)
"""Forgetting begins so much after the showing ends: rooms' clocks differ a little, and what was asked is answered."""


@dataclass(frozen=True, slots=True)
class ClosingDue:
    """The registration stops being open: a grace after its deadline, or at the full hour after it completed."""


@dataclass(frozen=True, slots=True)
class PurgeDue:
    """The day has come on which a settled registration is forgotten."""


@dataclass(frozen=True, slots=True)
class KeysDestroyed:
    """Keys are gone for good. `everything`: all of the registration's."""

    everything: bool


def close(state: Registration | None, _: ClosingDue, context: Context) -> Decision[Registration] | None:
    """End what has not completed, with the one text there is; the pair may open anew. What is whole completes."""
    if state is None or state.ended_at is not None:
        return None
    if (through := open_the_gate(state, GateDue(), context)) is not None:
        return through
    let_go = dict.fromkeys(pair_claims(state))
    closed = replace(state, pairs=(), begun_by=())
    if state.completed_at is not None:
        return Decision(state=closed, claims=let_go)
    shown_until = pinned_county(state, context).purge_after_ending_at(context.now)
    ended = replace(closed, ended_at=context.now, purge_at=shown_until + LAST_ANSWERS, shown_until=shown_until)
    said = RegistrationEnded(registration_id=context.subject, ended_at=context.now)
    return Decision(state=ended, says=(said,), works=(purge_work(context, ended),), claims=let_go)


def hear_delivery(state: Registration | None, event: DeliveryMoved, context: Context) -> Decision[Registration] | None:
    """Follow the ledger as far as it matters here; once all is settled, the day of forgetting is fixed."""
    if state is None:
        return None
    known = state.deliveries.get(event.delivery_id)
    if known is not None and _matters(known.state) == _matters(event.to_state):
        return None
    moved = replace(
        state,
        deliveries={**state.deliveries, event.delivery_id: Delivery(party_id=event.party_id, state=event.to_state)},
    )
    if moved.is_open or not is_settled(moved) or is_settled(state):
        return Decision(state=moved)
    earliest = (state.shown_until or context.now) + LAST_ANSWERS
    planned = replace(moved, purge_at=max(pinned_county(state, context).purge_at(context.now), earliest))
    return Decision(state=planned, works=(purge_work(context, planned),))


def _matters(delivery: DeliveryState) -> tuple[bool, bool]:
    return delivery in DELIVERED, delivery in SETTLED


def is_settled(state: Registration) -> bool:
    """Whether everything that was to reach the county has: confirmed by its system, or keyed in and verified."""
    owners = {party_id for party_id, party in state.present.items() if party.alone_at is not None}
    if state.is_open and not owners:
        return False
    joint = any(state.takes_part(part) for part in state.completed)
    wanted = {*owners, None} if joint else owners
    reached = {delivery.party_id for delivery in state.deliveries.values() if delivery.state in DELIVERED}
    return wanted <= reached and all(delivery.state in SETTLED for delivery in state.deliveries.values())


def has_arrived(state: Registration, party_id: UUID) -> bool:
    """Whether this parent's own part stands with the county, whatever the other asked for besides.

    One whose consents were taken back does not, also where the record was out before: leaving is then a correction.
    """
    owner = party_id if state.parties[party_id].alone_at is not None else None
    if owner is None and not any(part.party_id == party_id and state.takes_part(part) for part in state.completed):
        return False
    return any(each.party_id == owner and each.state in DELIVERED for each in state.deliveries.values())


def purge(state: Registration | None, _: PurgeDue, context: Context) -> Decision[Registration] | None:
    """Begin to forget: all keys go first. What is not settled, or waits for a person, is looked at again every day.

    It goes to a person, once, when the promise of contact is over; before that it is merely on its way.
    """
    if state is None or state.being_forgotten or state.purge_at is None or context.now < state.purge_at:
        return None
    if is_settled(state) and not state.waits_for_a_person:
        owners: list[str | None] = [*(str(party_id) for party_id in state.parties), None]
        payload = {"parties": owners, "everything": True}
        gone = Work(DESTROY_KEYS, f"{context.subject}.everything", context.now, payload)
        return Decision(state=replace(state, being_forgotten=True), works=(gone,))
    later = replace(state, purge_at=context.now + LOOKED_AT_AGAIN)
    alarms = tuple[Work, ...]()
    known = any(noted.doubt is Doubt.UNSETTLED_AT_PURGE for noted in state.attention)
    if not known and context.now > _promised_by(state, context):
        later, alarms = to_a_person(later, Doubt.UNSETTLED_AT_PURGE, context)
    return Decision(state=later, works=(*alarms, purge_work(context, later)))


def _promised_by(state: Registration, context: Context) -> datetime:
    """The end of the last promise of contact that was made to anybody who is still here."""
    county = pinned_county(state, context)
    alone = (county.contact_by(party.alone_at) for party in state.present.values() if party.alone_at is not None)
    return max([state.contact_by or state.opened_at, *alone])


def forget(state: Registration | None, gone: KeysDestroyed, context: Context) -> Decision[Registration] | None:
    """Forget the registration once all its keys are gone."""
    if state is None or not gone.everything:
        return None
    said = RegistrationPurged(registration_id=context.subject, purged_at=context.now)
    return Decision(says=(said,), forget=True)
