"""What touches the outside: making codes, sending letters and reminders, and looking up a code that was presented."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rinnan_chassis.deciding import Claim, Claimed, Refusal, Unavailable
from rinnan_chassis.desk import Desk
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.working import Job
from rinnan_events import Sealed
from rinnan_events import invitation as said
from rinnan_events.invitation import Intention
from rinnan_events.opened import Contact
from rinnan_invitation import channels, codes
from rinnan_invitation.channels import Outgoing, PerhapsSent, Undeliverable
from rinnan_invitation.domain.asking import CodeMade, MessageSent
from rinnan_invitation.domain.contacts import is_same
from rinnan_invitation.domain.joining import PresentCode
from rinnan_invitation.domain.registration import InvitationCode, Registration, claim_of
from rinnan_invitation.domain.reminding import Reminded
from rinnan_invitation.errors import NoLiveCode
from rinnan_profiles import Profiles

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outside:
    """What work may touch. `ways` are the channels that are open; `desk` is where a presented code is decided on."""

    profiles: Profiles
    pepper: bytes
    portal: str
    ways: Mapping[said.Channel, channels.Channel]
    desk: Desk[Registration] | None = None

    async def aclose(self) -> None:
        """Let go of what the channels hold open."""
        for way in self.ways.values():
            await way.aclose()


async def make_code(job: Job, outside: Outside) -> CodeMade:
    """A fresh code for a letter."""
    code = codes.new_code()
    return CodeMade(
        party_id=UUID(job.payload["party_id"]),
        teller_id=UUID(job.payload["teller_id"]),
        invitation_id=UUID(job.payload["invitation_id"]),
        key=codes.key_of(code, outside.pepper),
        code=Sealed.of(InvitationCode(code=code), party=None),
        contact=job.payload["contact"],
    )


async def send_invitation(job: Job, outside: Outside) -> MessageSent | None:
    """The letter with the code, at least once: what perhaps left is sent again under the same message id."""
    if job.now > datetime.fromisoformat(job.payload["expires_at"]):
        return None
    try:
        code = await job.open(job.payload["code"], InvitationCode, party=None)
        channel = await _send(job, outside, "invitation", job.payload["invitation_id"], codes.written(code.code))
    except PerhapsSent:
        raise Unavailable("perhaps_sent") from None
    except KeyDestroyed:
        return None
    party_id, invitation_id = UUID(job.payload["party_id"]), UUID(job.payload["invitation_id"])
    return MessageSent(party_id, invitation_id, channel) if channel else None


async def remind(job: Job, outside: Outside) -> Reminded | None:
    """A reminder, at most once: what perhaps left is never sent again."""
    party_id = UUID(job.payload["party_id"])
    if job.now > datetime.fromisoformat(job.payload["deadline"]):
        return None
    try:
        channel = await _send(job, outside, "reminder", job.payload["message_id"], "")
    except KeyDestroyed:
        return None
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the reminder may have left, and must not leave again
        if not isinstance(error, PerhapsSent):
            log.warning("reminder_failed", extra={"subject": str(job.subject), "fault": type(error).__name__})
        return Reminded(party_id, perhaps=True)
    return Reminded(party_id, perhaps=False) if channel else None


async def look_up_code(job: Job, outside: Outside) -> None:
    """Find whose code was presented, if anybody's, and let that be decided on. Nobody waits for this."""
    if outside.desk is None:
        raise Unavailable("no_desk")
    claim = claim_of(job.payload["code_key"])
    command = PresentCode(
        code_key=job.payload["code_key"],
        ticket=job.payload["ticket"],
        intention=Intention(job.payload["intention"]),
        presented_at=datetime.fromisoformat(job.payload["presented_at"]),
    )
    try:
        await outside.desk.decide(
            command, claims=(claim,), resolve=_registration_of(claim), caller="joining", key=str(job.subject)
        )
    except Refusal:
        return


def _registration_of(claim: Claim) -> Any:
    def resolve(claimed: Mapping[Claim, Claimed]) -> UUID:
        registration = claimed[claim].subject
        if registration is None:
            raise NoLiveCode
        return registration

    return resolve


async def _send(job: Job, outside: Outside, kind: str, message_id: str, code: str) -> said.Channel | None:
    """Write the county's neutral message in the reader's language, and hand it over by the first way that takes it."""
    payload = job.payload
    teller = UUID(payload["teller_id"]) if payload["teller_id"] else None
    contact = await job.open(payload["contact"], Contact, party=None if teller else UUID(payload["party_id"]))
    their_own = await _given_beside(job, teller) if teller else []
    county = outside.profiles.pinned_county(payload["county"], payload["profile"])
    for channel, to in ((said.Channel.EMAIL, contact.email), (said.Channel.SMS, contact.phone)):
        way = outside.ways.get(channel)
        if way is None or not to:
            continue
        if any(is_same(channel, to, own) for own in their_own):
            return None
        message = county.message(
            kind,
            channel,
            (contact.language,),
            address=outside.portal,
            deadline=datetime.fromisoformat(payload["deadline"]),
            code=code,
        )
        try:
            await way.send(Outgoing(message_id, to, message.subject, message.body, job.now))
        except Undeliverable:
            log.warning("undeliverable", extra={"subject": str(job.subject), "kind": channel.value})
        else:
            return channel
    return None


async def _given_beside(job: Job, teller: UUID) -> list[Contact]:
    """The contacts that whoever is here beside the teller gave of themself.

    Where one of them is told, nothing is sent: its owner must not see that the teller acted after they began; and the
    teller, who cannot read there, misses nothing.
    """
    state: Registration | None = await job.state()
    given: list[Contact] = []
    for party_id, party in state.parties.items() if state else ():
        if party_id == teller or not party.is_here:
            continue
        with suppress(KeyDestroyed):
            given += [await job.open(own, Contact, party=party_id) for own in party.own]
    return given
