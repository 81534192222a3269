"""What intake does outside a decision: alarms, destroying keys, and what came with a ticket."""

from __future__ import annotations

import logging
from uuid import UUID

from rinnan_chassis import metrics
from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.working import Job
from rinnan_events import Sealed
from rinnan_events.opened import Contact, Identity, Protection
from rinnan_intake import store
from rinnan_intake.domain.ending import KeysDestroyed
from rinnan_intake.domain.joining import ForgetTicket, TakenIn

log = logging.getLogger(__name__)


async def alarm(job: Job, _: None) -> None:
    """Tell the operators that a registration waits for a person."""
    reason = str(job.payload["doubt"])
    metrics.alarms.labels(reason).inc()
    log.error("goes_to_a_person", extra={"subject": str(job.subject), "reason": reason})


async def destroy_keys(job: Job, _: None) -> KeysDestroyed:
    """Destroy every key of the owners named, minted or not; it may be repeated."""
    owners: list[str | None] = job.payload["parties"]
    await job.destroy_keys([UUID(owner) if owner else None for owner in owners])
    return KeysDestroyed(everything=bool(job.payload.get("everything", False)))


async def forget_ticket(job: Job, _: None) -> ForgetTicket:
    """A ticket's time has long been up; but a registration that is held takes in what came with it only later."""
    if await store.waits_to_be_taken_in(job.database, job.subject):
        raise Unavailable("not_taken_in")
    return ForgetTicket(ticket=job.payload["ticket"])


async def take_in(job: Job, _: None) -> TakenIn | None:
    """Open what came with a ticket under the ticket's key, to be sealed under the party's own."""
    party_id, ticket_id = UUID(job.payload["party_id"]), UUID(job.payload["ticket_id"])
    try:
        identity = await job.open(job.payload["identity"], Identity, party=None, subject=ticket_id)
        contact = await job.open(job.payload["contact"], Contact, party=None, subject=ticket_id)
        protection = await job.open(job.payload["protection"], Protection, party=None, subject=ticket_id)
    except KeyDestroyed:
        return None
    return TakenIn(
        party_id=party_id,
        ticket_id=ticket_id,
        identity=Sealed.of(identity, party=party_id),
        contact=Sealed.of(contact, party=party_id),
        protection=Sealed.of(protection, party=party_id),
    )
