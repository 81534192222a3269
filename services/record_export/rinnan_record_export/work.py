"""What record_export does outside a decision: opening the seals of a record, and telling the operators."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rinnan_chassis import metrics
from rinnan_chassis.keyring import KeyName
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.working import Job
from rinnan_events import Sealed
from rinnan_events.intake import CompletedPart
from rinnan_events.opened import CareRoute, Consents, Contact, Identity, OwnForm, Protection
from rinnan_record_export.domain.outcomes import Assembled
from rinnan_record_export.domain.parts import NONE, Form, Party, Wanted, chosen
from rinnan_record_export.domain.record import Opened, client_record
from rinnan_record_export.domain.registration import Registration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Quoted:
    """One party's sealed parts that go into a record."""

    identity: Sealed[Identity] | None
    contact: Sealed[Contact] | None
    protection: Sealed[Protection] | None
    form: Form | None
    consents: Sealed[Consents] | None
    care: Sealed[CareRoute] | None

    @classmethod
    def of(cls, party: Party, part: CompletedPart, wanted: Wanted) -> _Quoted:
        """The versions listed. Where one parent alone listed none, the newest that they have not taken back."""
        form = chosen(party.forms, part.form)
        consent = part.consent if part.consent != NONE else max(party.consents, default=NONE)
        given = chosen(party.consents, consent) if consent > party.withdrawn else None
        care = part.screening if part.screening != NONE else max(party.care, default=NONE)
        return cls(
            identity=wanted.identity or party.identity,
            contact=wanted.contact or (form.contact if form else party.contact),
            protection=party.protection,
            form=form,
            consents=given,
            care=chosen(party.care, care),
        )

    def all(self) -> list[Sealed[Any]]:
        """Everything that is to be opened."""
        own = self.form.own if self.form else None
        parts = (self.identity, self.contact, self.protection, own, self.consents, self.care)
        return [part for part in parts if part is not None]


async def assemble(job: Job, _: None) -> Assembled | None:
    """Put the record together from exactly the versions wanted. A party whose keys are gone is not in it."""
    state: Registration | None = await job.state()
    delivery_id, attempt = UUID(job.payload["delivery_id"]), int(job.payload["attempt"])
    delivery = state.deliveries.get(delivery_id) if state else None
    if state is None or state.opening is None or delivery is None or delivery.attempt + 1 != attempt:
        return None
    wanted = state.wanted_for(delivery)
    quoted = {
        part.party_id: _Quoted.of(state.party(part.party_id), part, wanted)
        for part in wanted.parts
        if state.takes_part(part)
    }
    bindings = [sealed.binding for each in quoted.values() for sealed in each.all() if sealed.binding]
    await job.keyring.keys({KeyName(one.subject, one.party, one.group) for one in bindings}, mint=False)
    parts = [part for party_id, each in quoted.items() if (part := await _opened(job, party_id, each))]
    record = client_record(job.subject, state.opening, wanted, delivery, parts) if parts else None
    return Assembled(
        delivery_id=delivery_id,
        attempt=attempt,
        record=Sealed.of(record, party=delivery.party_id) if record else None,
        parties=tuple(part.party_id for part in parts),
    )


async def _opened(job: Job, party_id: UUID, quoted: _Quoted) -> Opened | None:
    if quoted.identity is None or quoted.contact is None or quoted.protection is None:
        raise LookupError("a record was planned that is not whole")
    form = quoted.form
    try:
        return Opened(
            party_id=party_id,
            identity=await job.open(quoted.identity, Identity, party=party_id),
            contact=await job.open(quoted.contact, Contact, party=party_id),
            protection=await job.open(quoted.protection, Protection, party=party_id),
            own=await job.open(form.own, OwnForm, party=party_id) if form else None,
            submitted_at=form.submitted_at if form else None,
            consents=await job.open(quoted.consents, Consents, party=party_id) if quoted.consents else None,
            care=await job.open(quoted.care, CareRoute, party=party_id) if quoted.care else None,
        )
    except KeyDestroyed:
        return None


async def alarm(job: Job, _: None) -> None:
    """Tell the operators that a registration waits for a person."""
    reason = str(job.payload["reason"]).partition(".")[0]
    metrics.alarms.labels(reason).inc()
    log.error("goes_to_a_person", extra={"subject": str(job.subject), "reason": reason})
