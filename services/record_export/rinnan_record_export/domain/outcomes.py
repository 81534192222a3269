"""What a destination did, and what the ledger makes of it. Every late, repeated or reordered answer ends the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, Work
from rinnan_events import Event, Sealed
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.opened import ClientRecord
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    DeliveryState,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_record_export.domain.ledger import KEYED, OVER, WITH_PEOPLE, Delivery, Package
from rinnan_record_export.domain.policy import LOOKS, PRINTED_WITHIN, gap, settled_at, wait
from rinnan_record_export.domain.registration import (
    LOOK,
    Registration,
    assemble,
    call_off,
    change,
    county_now,
    nothing_further,
    paper,
    row_alarm,
)


@dataclass(frozen=True, slots=True)
class Assembled:
    """The record as it goes out with this attempt; None where nobody is left in it. `parties`: whose parts it holds."""

    delivery_id: UUID
    attempt: int
    record: Sealed[ClientRecord] | None
    parties: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class LookDue:
    """The time for a look after an unanswered write."""

    delivery_id: str
    attempt: int
    look: int


@dataclass(frozen=True, slots=True)
class PaperDue:
    """The promise of contact is in danger: paper takes over what has not landed."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class PromiseDue:
    """The promise of contact ends."""

    delivery_id: str


def request(state: Registration | None, fact: Assembled, ctx: Context) -> Decision[Registration] | None:
    """Ask the outside: for a write where none can stand, for a package where it is paper's turn."""
    delivery = state.deliveries.get(fact.delivery_id) if state else None
    if state is None or delivery is None or delivery.attempt + 1 != fact.attempt:
        return None
    if delivery.state in OVER | WITH_PEOPLE | {DeliveryState.CONFLICT}:
        return None
    if fact.record is None:
        return call_off(state, fact.delivery_id, delivery, ctx)
    here = {part.party_id for part in state.wanted_for(delivery).parts if state.takes_part(part)}
    if delivery.state is DeliveryState.PLANNED and not here.issuperset(fact.parties):
        again = assemble(fact.delivery_id, delivery, ctx.now)
        return Decision(works=(replace(again, key=f"{again.key}.without.{len(fact.parties) - len(here)}"),))
    destination = county_now(state, ctx).destination(delivery.destination)
    if destination.capabilities.renders or delivery.is_on_paper or ctx.now >= delivery.paper_at:
        return _ask_paper(state, delivery, fact, fact.record, ctx)
    return _ask_write(state, delivery, fact, fact.record, ctx) if delivery.is_certainly_absent else None


def hear_outcome(state: Registration | None, event: DeliveryOutcome, ctx: Context) -> Decision[Registration] | None:
    """Judge an answer. Confirmed always counts; anything else only where it answers what was asked last.

    Only the delivery's own destination can answer, and the renderer of its package.
    """
    delivery = state.deliveries.get(event.delivery_id) if state else None
    if state is None or delivery is None or not _was_asked(delivery, event.destination):
        return None
    if event.outcome in {Outcome.CONFIRMED, Outcome.ALREADY_THERE}:
        return _it_stands(state, delivery, event, ctx)
    if event.attempt != delivery.attempt:
        return None
    match delivery.state, event.look:
        case DeliveryState.UNKNOWN, int(number) if number == delivery.look:
            return _hear_look(state, delivery, event, ctx)
        case DeliveryState.REQUESTED, None:
            return _hear_answer(state, delivery, event, ctx)
        case _:
            return None


def look(state: Registration | None, fact: LookDue, ctx: Context) -> Decision[Registration] | None:
    """Let the destination be searched."""
    delivery_id = UUID(fact.delivery_id)
    delivery = state.deliveries.get(delivery_id) if state else None
    if (
        state is None
        or delivery is None
        or delivery.state is not DeliveryState.UNKNOWN
        or (delivery.attempt, delivery.look) != (fact.attempt, fact.look)
        or delivery.is_on_paper
    ):
        return None
    return Decision(says=(asks_look(state, delivery_id, delivery, ctx),))


def turn_to_paper(state: Registration | None, fact: PaperDue, ctx: Context) -> Decision[Registration] | None:
    """Have a package made of what has not landed. What may still come to stand is let settle first."""
    delivery_id = UUID(fact.delivery_id)
    delivery = state.deliveries.get(delivery_id) if state else None
    if state is None or delivery is None or ctx.now < delivery.paper_at:
        return None
    if delivery.is_on_paper:
        is_late = delivery.state not in OVER | WITH_PEOPLE | {DeliveryState.CONFLICT}
        return Decision(works=(row_alarm(delivery_id, delivery, "package_late", ctx),)) if is_late else None
    destination = county_now(state, ctx).destination(delivery.destination)
    match delivery.state:
        case DeliveryState.WAITING | DeliveryState.REJECTED:
            ready_at = ctx.now
        case DeliveryState.UNKNOWN:
            ready_at = delivery.settled_at or ctx.now
        case DeliveryState.REQUESTED if not destination.capabilities.renders:
            ready_at = delivery.settled_at or destination.settled_at(delivery.paper_at)
        case DeliveryState.PLANNED:
            return Decision(works=(row_alarm(delivery_id, delivery, "still_planned", ctx),))
        case _:
            return None
    if ready_at > ctx.now:
        later = replace(delivery, paper_at=ready_at)
        return Decision(state=state.with_delivery(delivery_id, later), works=(paper(delivery_id, later),))
    return on_paper(state, delivery_id, delivery, ctx)


def call_for_the_promise(state: Registration | None, fact: PromiseDue, ctx: Context) -> Decision[Registration] | None:
    """Call a person for what is not over when the promise ends, wherever it lies."""
    delivery_id = UUID(fact.delivery_id)
    delivery = state.deliveries.get(delivery_id) if state else None
    if delivery is None or delivery.state in OVER:
        return None
    return Decision(works=(row_alarm(delivery_id, delivery, "promise_passed", ctx),))


def on_paper(
    state: Registration, delivery_id: UUID, delivery: Delivery, ctx: Context, *, look_first: bool | None = None
) -> Decision[Registration]:
    """Have the record assembled once more, for a package. It is late where it is not there within its time."""
    first = not delivery.is_certainly_absent if look_first is None else look_first
    package = Package(county_now(state, ctx).paper_destination(ctx.now).name, first)
    asked = replace(delivery, package=package, tries=0, paper_at=ctx.now + PRINTED_WITHIN)
    works = (assemble(delivery_id, asked, ctx.now), paper(delivery_id, asked))
    return change(state, delivery_id, asked, ctx, works=works)


def asks_look(state: Registration, delivery_id: UUID, delivery: Delivery, ctx: Context) -> DeliveryLookupRequested:
    """The request to look."""
    return DeliveryLookupRequested(
        registration_id=ctx.subject,
        delivery_id=delivery_id,
        county=state.county,
        destination=delivery.destination,
        party_id=delivery.party_id,
        attempt=delivery.attempt,
        look=delivery.look,
    )


def look_due(delivery_id: UUID, delivery: Delivery, due_at: datetime) -> Work:
    """The time of the next look."""
    payload = {"delivery_id": str(delivery_id), "attempt": delivery.attempt, "look": delivery.look}
    return Work(LOOK, f"{delivery_id}.{delivery.attempt}.{delivery.look}", due_at, payload)


def recall(delivery_id: UUID, package: Package, ctx: Context) -> PackageRecalled:
    """Say that a package is not to be keyed in."""
    return PackageRecalled(registration_id=ctx.subject, delivery_id=delivery_id, destination=package.renderer)


def _ask_write(
    state: Registration, delivery: Delivery, fact: Assembled, record: Sealed[ClientRecord], ctx: Context
) -> Decision[Registration]:
    destination = county_now(state, ctx).destination(delivery.destination)
    asked = delivery.moved(
        DeliveryState.REQUESTED,
        "due",
        ctx.now,
        attempt=fact.attempt,
        absents=0,
        settled_at=destination.settled_at(delivery.paper_at),
    )
    said = DeliveryRequested(
        registration_id=ctx.subject,
        delivery_id=fact.delivery_id,
        county=state.county,
        destination=delivery.destination,
        party_id=delivery.party_id,
        attempt=fact.attempt,
        write_by=delivery.paper_at,
        record=record,
    )
    return change(state, fact.delivery_id, asked, ctx, says=(said,))


def _ask_paper(
    state: Registration, delivery: Delivery, fact: Assembled, record: Sealed[ClientRecord], ctx: Context
) -> Decision[Registration]:
    county = county_now(state, ctx)
    destination = county.destination(delivery.destination)
    renderer = destination if destination.capabilities.renders else county.paper_destination(ctx.now)
    package = delivery.package or Package(renderer.name, not delivery.is_certainly_absent)
    is_late = delivery.package is None and ctx.now >= delivery.paper_at
    paper_at = ctx.now + PRINTED_WITHIN if is_late else delivery.paper_at
    asked = delivery.moved(
        DeliveryState.REQUESTED, "paper", ctx.now, attempt=fact.attempt, package=package, paper_at=paper_at
    )
    said = PackageRenderRequested(
        registration_id=ctx.subject,
        delivery_id=fact.delivery_id,
        county=state.county,
        destination=package.renderer,
        party_id=delivery.party_id,
        attempt=fact.attempt,
        look_first=package.look_first,
        record=record,
    )
    works = (paper(fact.delivery_id, asked),) if is_late else ()
    return change(state, fact.delivery_id, asked, ctx, says=(said,), works=works)


def _it_stands(state: Registration, delivery: Delivery, event: DeliveryOutcome, ctx: Context) -> Decision[Registration]:
    """The destination has it. What that means depends on how far people have come with paper meanwhile."""
    doubled = delivery.doubled or (event.effects or 0) > 1
    newly = doubled and not delivery.doubled
    noted = replace(delivery, receipt=event.receipt or delivery.receipt, doubled=doubled)
    reason = "doubled" if newly else event.outcome.value
    alarms = (row_alarm(event.delivery_id, noted, "doubled", ctx),) if newly else ()
    says: tuple[Event, ...] = (recall(event.delivery_id, delivery.package, ctx),) if delivery.package else ()
    match delivery.state:
        case DeliveryState.CONFIRMED | DeliveryState.CONFLICT:
            after = replace(noted, reason=reason if newly else delivery.reason)
            return change(state, event.delivery_id, after, ctx, works=alarms)
        case DeliveryState.RELEASED if delivery.package and delivery.package.recalled_at is None:
            package = replace(delivery.package, recalled_at=ctx.now)
            after = noted.moved(DeliveryState.RELEASED, "confirmed_late", ctx.now, package=package)
            alarms = (*alarms, row_alarm(event.delivery_id, after, "recalled", ctx))
        case DeliveryState.RELEASED:
            return change(state, event.delivery_id, noted, ctx, works=alarms)
        case held if held in KEYED or held is DeliveryState.CANCELLED:
            after = noted.moved(DeliveryState.CONFLICT, f"confirmed_after_{held}", ctx.now)
            alarms = (*alarms, row_alarm(event.delivery_id, after, "conflict", ctx))
            return change(state, event.delivery_id, after, ctx, works=alarms)
        case _:
            after = noted.moved(DeliveryState.CONFIRMED, reason, ctx.now)
            alarms = (*alarms, *nothing_further(event.delivery_id, delivery))
    return change(state, event.delivery_id, after, ctx, says=says, works=alarms)


def _hear_answer(
    state: Registration, delivery: Delivery, event: DeliveryOutcome, ctx: Context
) -> Decision[Registration] | None:
    match event.outcome:
        case Outcome.PACKAGE_RENDERED if delivery.package:
            package = replace(delivery.package, document_ids=event.document_ids, prepared_at=ctx.now)
            prepared = delivery.moved(DeliveryState.PREPARED, event.reason, ctx.now, package=package, tries=0)
            return change(state, event.delivery_id, prepared, ctx)
        case Outcome.REJECTED:
            rejected = delivery.moved(DeliveryState.REJECTED, event.reason, ctx.now)
            works = (row_alarm(event.delivery_id, rejected, "rejected", ctx),)
            return change(state, event.delivery_id, rejected, ctx, works=works)
        case Outcome.UNAVAILABLE:
            tries = delivery.tries + 1
            waiting = delivery.moved(DeliveryState.WAITING, event.reason, ctx.now, tries=tries)
            again = assemble(event.delivery_id, waiting, ctx.now + wait(tries))
            return change(state, event.delivery_id, waiting, ctx, works=(again,))
        case Outcome.UNKNOWN if not delivery.is_on_paper:
            return _unknown(state, delivery, event, ctx)
        case _:
            return None


def _unknown(state: Registration, delivery: Delivery, event: DeliveryOutcome, ctx: Context) -> Decision[Registration]:
    """Nobody can tell: let it settle, then look. Where nothing can be searched, a person looks, with a package."""
    destination = county_now(state, ctx).destination(delivery.destination)
    settled = settled_at(destination, event.settles_at, max(event.happened_at, ctx.now))
    unknown = delivery.moved(
        DeliveryState.UNKNOWN, event.reason, ctx.now, settled_at=settled, look=1, absents=0, tries=0
    )
    if destination.capabilities.searchable:
        return change(state, event.delivery_id, unknown, ctx, works=(look_due(event.delivery_id, unknown, settled),))
    unknown = replace(unknown, paper_at=min(settled, delivery.paper_at))
    return change(state, event.delivery_id, unknown, ctx, works=(paper(event.delivery_id, unknown),))


def _hear_look(
    state: Registration, delivery: Delivery, event: DeliveryOutcome, ctx: Context
) -> Decision[Registration] | None:
    if delivery.is_on_paper or delivery.absents >= LOOKS:
        return None
    destination = county_now(state, ctx).destination(delivery.destination)
    if event.outcome is Outcome.ABSENT:
        looked = replace(delivery, absents=delivery.absents + 1, look=delivery.look + 1, tries=0)
        if looked.absents >= LOOKS:
            again = assemble(event.delivery_id, looked, ctx.now)
            return change(state, event.delivery_id, replace(looked, reason="absent"), ctx, works=(again,))
        due_at = ctx.now + gap(destination)
    else:
        looked = replace(delivery, look=delivery.look + 1, tries=delivery.tries + 1)
        due_at = ctx.now + wait(looked.tries)
    return Decision(
        state=state.with_delivery(event.delivery_id, looked), works=(look_due(event.delivery_id, looked, due_at),)
    )


def _was_asked(delivery: Delivery, destination: str) -> bool:
    return destination == delivery.destination or (
        delivery.package is not None and destination == delivery.package.renderer
    )
