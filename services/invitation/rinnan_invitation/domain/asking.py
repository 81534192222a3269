"""Asking a parent who is not here yet, and asking again without telling the asker anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from rinnan_chassis.deciding import Cancel, Claimed, Context, Decision, Work
from rinnan_events import Sealed
from rinnan_events.intake import InvitationWanted
from rinnan_events.invitation import Channel, InvitationIssued, InvitationSent
from rinnan_events.opened import Contact
from rinnan_invitation.domain.registration import (
    ASKED_AGAIN_IN_ALL,
    InvitationCode,
    LiveCode,
    Registration,
    pinned_county,
)
from rinnan_invitation.domain.reminding import reminders
from rinnan_invitation.errors import AskedEnough, AskedTooOften, Closed, NotOpen
from rinnan_profiles import County
from rinnan_profiles.calendar import at_hour

MAKE_CODE, SEND_INVITATION = "make_code", "send_invitation"

DECENT_HOURS = range(8, 20)
"""The hours of the county's clock in which an invitation may leave."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """A parent wants the other to be asked once more, perhaps at a corrected contact of the other's."""

    party_id: UUID
    contact: Sealed[Contact] | None = None


@dataclass(frozen=True, slots=True)
class CodeMade:
    """A fresh code exists for a party. `party_id` None: nobody was awaited when it was asked for."""

    party_id: UUID | None
    invitation_id: UUID
    key: str
    code: Sealed[InvitationCode] | None
    contact: Sealed[Contact] | None


@dataclass(frozen=True, slots=True)
class MessageSent:
    """An invitation left, at least once."""

    party_id: UUID
    invitation_id: UUID
    channel: Channel


def ask(state: Registration | None, event: InvitationWanted, ctx: Context) -> Decision[Registration] | None:
    """Have a code made for a parent who is not here yet; the letter and the reminders follow with it."""
    state = state or Registration()
    party = state.of(event.party_id)
    if state.over or party.joined or party.left:
        return None
    wanted = replace(party, wanted=True, contact=event.contact)
    return Decision(state.having(event.party_id, wanted), works=[_making(ctx, event.party_id, None)])


def ask_again(state: Registration | None, command: AskAgain, ctx: Context) -> Decision[Registration]:
    """Have a fresh code made for whoever is awaited.

    The same work is planned where nobody is: neither the answer nor its time tells the asker whether the other is here.
    """
    if state is None or state.over or state.deadline is None or ctx.now > state.deadline:
        raise NotOpen
    asker = state.of(command.party_id)
    if asker.left:
        raise Closed
    if not asker.may_ask_again(ctx.now):
        raise AskedTooOften
    if asker.asked_in_all >= ASKED_AGAIN_IN_ALL:
        raise AskedEnough
    asked = (*asker.asked_since(ctx.now - timedelta(days=1)), ctx.now)
    awaited = state.awaited_beside(command.party_id)
    contact = command.contact if command.contact is None or command.contact.party == awaited else None
    return Decision(
        state.having(command.party_id, replace(asker, asked=asked, asked_in_all=asker.asked_in_all + 1)),
        works=[_making(ctx, awaited, contact)],
    )


def issue(state: Registration | None, result: CodeMade, ctx: Context) -> Decision[Registration] | None:
    """Let the fresh code live, and the earlier one die; send it, and remind as the county says."""
    if state is None or state.over or result.party_id is None or state.deadline is None:
        return None
    party = state.of(result.party_id)
    contact = result.contact or party.contact
    if not party.awaited or contact is None or ctx.now > state.deadline:
        return None
    county = pinned_county(state, ctx)
    code = LiveCode(result.invitation_id, result.key, county.code_expires_at(ctx.now, state.deadline))
    issued = replace(party, contact=contact, code=code)
    sending = Work(
        SEND_INVITATION,
        str(code.invitation_id),
        _decent(ctx.now, county),
        {
            "party_id": str(result.party_id),
            "invitation_id": str(code.invitation_id),
            "expires_at": code.expires_at.isoformat(),
            "county": state.county,
            "profile": state.profile,
            "deadline": state.deadline.isoformat(),
            "contact": contact,
            "code": result.code,
        },
    )
    said = InvitationIssued(
        registration_id=ctx.subject,
        party_id=result.party_id,
        invitation_id=code.invitation_id,
        expires_at=code.expires_at,
    )
    state = state.having(result.party_id, issued)
    earlier = [Cancel(SEND_INVITATION, str(party.code.invitation_id))] if party.code else []
    return Decision(
        state,
        says=[said],
        works=[*earlier, sending, *reminders(state, result.party_id, ctx)],
        claims={
            **({party.code.claim: None} if party.code else {}),
            code.claim: Claimed(ctx.subject),
        },
    )


def note_the_invitation_sent(
    state: Registration | None, result: MessageSent, ctx: Context
) -> Decision[Registration] | None:
    """Say that the letter left."""
    if state is None or state.over or state.of(result.party_id).left:
        return None
    said = InvitationSent(
        registration_id=ctx.subject,
        party_id=result.party_id,
        invitation_id=result.invitation_id,
        channel=result.channel,
    )
    return Decision(says=[said])


def _making(ctx: Context, party_id: UUID | None, contact: Sealed[Contact] | None) -> Work:
    invitation_id = str(ctx.new_id())
    return Work(
        MAKE_CODE,
        invitation_id,
        ctx.now,
        {"party_id": str(party_id) if party_id else None, "invitation_id": invitation_id, "contact": contact},
    )


def _decent(moment: datetime, county: County) -> datetime:
    """The moment itself by day; by night the next morning, by the county's clock."""
    hour = moment.astimezone(ZoneInfo(county.timezone)).hour
    if hour in DECENT_HOURS:
        return moment
    day = county.day(moment)
    morning = day if hour < DECENT_HOURS.start else day + timedelta(days=1)
    return at_hour(morning, DECENT_HOURS.start, county.timezone)
