"""Asking the other parent, at a contact that may be the asker's own: so whatever the other did, the same is sent.

Every start and every asking again leads to one letter to the contact told in it, and to the reminders that follow it.
Where nobody is awaited the letter looks the same, and its code is one that was never issued.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from rinnan_chassis.deciding import Claimed, Context, Decision, Work
from rinnan_events import Sealed
from rinnan_events.intake import InvitationWanted
from rinnan_events.invitation import Channel, InvitationIssued, InvitationSent
from rinnan_events.opened import Contact
from rinnan_invitation.domain.registration import InvitationCode, LiveCode, Registration, pinned_county
from rinnan_invitation.domain.reminding import told_reminders
from rinnan_invitation.errors import AskedEnough, AskedTooOften, Closed, NotOpen
from rinnan_profiles import County
from rinnan_profiles.calendar import at_hour

MAKE_CODE, SEND_INVITATION = "make_code", "send_invitation"

DECENT_HOURS = range(8, 20)
"""The hours of the county's clock in which an invitation may leave."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """A parent wants the other to be asked once more, at this contact of the other's."""

    party_id: UUID
    contact: Sealed[Contact]


@dataclass(frozen=True, slots=True)
class CodeMade:
    """A fresh code exists for a letter to `party_id`, at the contact that `teller_id` told."""

    party_id: UUID
    teller_id: UUID
    invitation_id: UUID
    key: str
    code: Sealed[InvitationCode]
    contact: Sealed[Contact]


@dataclass(frozen=True, slots=True)
class MessageSent:
    """An invitation left, at least once."""

    party_id: UUID
    invitation_id: UUID
    channel: Channel


def ask(state: Registration | None, event: InvitationWanted, ctx: Context) -> Decision[Registration] | None:
    """A parent started: have a code made; the letter and the reminders follow with it, as often as one may ask."""
    state = state or Registration()
    if state.over:
        return None
    state = state.having(event.party_id, replace(state.of(event.party_id), wanted=True))
    teller = state.of(event.teller_id).having_asked(event.asked - 1)
    may = teller.may_ask_today(ctx.accepted_at) and teller.may_ask_at_all
    return Decision(
        state.having(event.teller_id, teller.asking(ctx.accepted_at) if may else teller),
        works=[_making(ctx, event.party_id, event.teller_id, event.contact)] if may else [],
    )


def ask_again(state: Registration | None, command: AskAgain, ctx: Context) -> Decision[Registration]:
    """Have a fresh code made for another letter. Whether it is refused depends on the asker's own acts alone."""
    other = state.beside(command.party_id) if state else None
    if state is None or other is None or state.over or state.deadline is None or ctx.now > state.deadline:
        raise NotOpen
    asker = state.of(command.party_id)
    if asker.left:
        raise Closed
    if not asker.joined:
        raise NotOpen
    if not asker.may_ask_at_all:
        raise AskedEnough
    if not asker.may_ask_today(ctx.now):
        raise AskedTooOften
    return Decision(
        state.having(command.party_id, asker.asking(ctx.now)),
        works=[_making(ctx, other, command.party_id, command.contact)],
    )


def issue(state: Registration | None, result: CodeMade, ctx: Context) -> Decision[Registration] | None:
    """Send the letter, and remind as the county says. Where its reader is awaited, the code lives, beside earlier ones.

    Nothing that is planned here is taken back when the other joins, declines or leaves.
    """
    if state is None or state.over or state.deadline is None or ctx.now > state.deadline:
        return None
    county = pinned_county(state, ctx)
    code = LiveCode(result.invitation_id, result.key, county.code_expires_at(ctx.now, state.deadline))
    sending = Work(
        SEND_INVITATION,
        str(code.invitation_id),
        _decent(ctx.now, county),
        {
            "party_id": str(result.party_id),
            "teller_id": str(result.teller_id),
            "invitation_id": str(code.invitation_id),
            "expires_at": code.expires_at.isoformat(),
            "county": state.county,
            "profile": state.profile,
            "deadline": state.deadline.isoformat(),
            "contact": result.contact,
            "code": result.code,
        },
    )
    works = [sending, *told_reminders(state, result.party_id, result.teller_id, result.contact, ctx)]
    party = state.of(result.party_id)
    if not party.awaited:
        return Decision(works=works)
    said = InvitationIssued(
        registration_id=ctx.subject,
        party_id=result.party_id,
        invitation_id=code.invitation_id,
        expires_at=code.expires_at,
    )
    return Decision(
        state.having(result.party_id, replace(party, codes=(*party.codes, code))),
        says=[said],
        works=works,
        claims={code.claim: Claimed(ctx.subject)},
    )


def note_the_invitation_sent(
    state: Registration | None, result: MessageSent, ctx: Context
) -> Decision[Registration] | None:
    """Say that the letter left."""
    if state is None or state.over:
        return None
    said = InvitationSent(
        registration_id=ctx.subject,
        party_id=result.party_id,
        invitation_id=result.invitation_id,
        channel=result.channel,
    )
    return Decision(says=[said])


def _making(ctx: Context, party_id: UUID, teller_id: UUID, contact: Sealed[Contact]) -> Work:
    invitation_id = str(ctx.new_id())
    payload = {
        "party_id": str(party_id),
        "teller_id": str(teller_id),
        "invitation_id": invitation_id,
        "contact": contact,
    }
    return Work(MAKE_CODE, invitation_id, ctx.now, payload)


def _decent(moment: datetime, county: County) -> datetime:
    """The moment itself by day; by night the next morning, by the county's clock."""
    hour = moment.astimezone(ZoneInfo(county.timezone)).hour
    if hour in DECENT_HOURS:
        return moment
    day = county.day(moment)
    morning = day if hour < DECENT_HOURS.start else day + timedelta(days=1)
    return at_hour(morning, DECENT_HOURS.start, county.timezone)
