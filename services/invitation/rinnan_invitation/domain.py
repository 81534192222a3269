"""Asking and reminding the parents, and recognising a code. Pure: messages and codes are made by due work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from rinnan_chassis.deciding import Cancel, Claimed, Context, Decision, Lost, Work
from rinnan_events import Event, Sealed
from rinnan_events.intake import (
    FormReopened,
    FormSubmitted,
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.invitation import (
    Channel,
    CodePresented,
    Intention,
    InvitationClosed,
    InvitationIssued,
    InvitationSent,
    ParentReminded,
)
from rinnan_events.opened import Contact
from rinnan_invitation.errors import AskedTooOften, Closed, NoLiveCode, NotOpen
from rinnan_invitation.registration import InvitationCode, LiveCode, Party, Registration
from rinnan_profiles import County, Profiles
from rinnan_profiles.calendar import at_hour

MAKE_CODE, SEND_INVITATION, REMIND = "make_code", "send_invitation", "remind"

DECENT_HOURS = range(8, 20)
"""The hours of the county's clock in which an invitation may leave."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """A parent wants the other to be asked once more, perhaps at a corrected contact of the other's."""

    party_id: UUID
    contact: Sealed[Contact] | None = None


@dataclass(frozen=True, slots=True)
class PresentCode:
    """Somebody with a joining ticket typed a code; `presented_at` is when that was stored."""

    code_key: str
    ticket: str
    intention: Intention
    presented_at: datetime


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


@dataclass(frozen=True, slots=True)
class Reminded:
    """A reminder left, or perhaps it did; it is not repeated."""

    party_id: UUID
    perhaps: bool


def note_the_opening(
    state: Registration | None, event: RegistrationOpened, _: Context
) -> Decision[Registration] | None:
    """Know both parties, under the county and deadline that are pinned."""
    state = state or Registration()
    if state.over:
        return None
    parties = {party_id: state.of(party_id) for party_id in event.party_ids} | state.parties
    return Decision(
        replace(state, county=event.county, profile=event.pins.profile, deadline=event.deadline, parties=parties)
    )


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
    asked = (*asker.asked_since(ctx.now - timedelta(days=1)), ctx.now)
    awaited = state.awaited_beside(command.party_id)
    contact = command.contact if command.contact is None or command.contact.party == awaited else None
    return Decision(state.having(command.party_id, replace(asker, asked=asked)), works=[_making(ctx, awaited, contact)])


def issue(state: Registration | None, result: CodeMade, ctx: Context) -> Decision[Registration] | None:
    """Let the fresh code live, and the earlier one die; send it, and remind as the county says."""
    if state is None or state.over or result.party_id is None or state.deadline is None:
        return None
    party = state.of(result.party_id)
    contact = result.contact or party.contact
    if not party.awaited or contact is None or ctx.now > state.deadline:
        return None
    county = _county(state, ctx)
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
        works=[*earlier, sending, *_reminders(state, result.party_id, ctx)],
        claims={
            **({party.code.claim: None} if party.code else {}),
            code.claim: Claimed(ctx.subject),
        },
    )


def present_code(state: Registration | None, command: PresentCode, ctx: Context) -> Decision[Registration]:
    """Say that a live code was presented; whether its holder is the one who was asked, only intake knows.

    A stranger does not use a code up, but tries are counted: too many of them and the code is dead.
    """
    found = state.holder_of(command.code_key) if state and not state.over else None
    if state is None or found is None:
        raise NoLiveCode
    party_id, party, code = found
    if command.presented_at > code.expires_at or code.presented >= _county(state, ctx).code_tries:
        raise NoLiveCode
    said = CodePresented(
        registration_id=ctx.subject,
        party_id=party_id,
        invitation_id=code.invitation_id,
        ticket=command.ticket,
        intention=command.intention,
        presented_at=command.presented_at,
    )
    tried = replace(party, code=replace(code, presented=code.presented + 1))
    return Decision(state.having(party_id, tried), says=[said])


def welcome(state: Registration | None, event: ParentJoined, ctx: Context) -> Decision[Registration] | None:
    """A parent is here: the code is used up, and reminders are about the parent's own form from now on."""
    state = state or Registration()
    party = state.of(event.party_id)
    if state.over or party.left:
        return None
    return _changed(state, event.party_id, replace(party, joined=True, contact=event.contact), ctx)


def note_the_submission(
    state: Registration | None, event: FormSubmitted, ctx: Context
) -> Decision[Registration] | None:
    """A parent's own form is in: nothing is left to remind of."""
    state = state or Registration()
    party = state.of(event.party_id)
    if state.over or party.left:
        return None
    submitted = replace(party, joined=True, submitted=True, contact=event.contact)
    return _changed(state, event.party_id, submitted, ctx)


def note_the_reopening(state: Registration | None, event: FormReopened, ctx: Context) -> Decision[Registration] | None:
    """A parent took the form back: what was not reminded of yet, may be again."""
    state = state or Registration()
    party = state.of(event.party_id)
    if state.over or party.left:
        return None
    return _changed(state, event.party_id, replace(party, submitted=False), ctx)


def leave_alone(
    state: Registration | None, event: SingleContactRequested, ctx: Context
) -> Decision[Registration] | None:
    """A parent who asked to be contacted alone is not reminded; what the other gets goes on as planned."""
    state = state or Registration()
    party = state.of(event.party_id)
    if state.over or party.left:
        return None
    return _changed(state, event.party_id, replace(party, alone=True), ctx)


def forget_the_leaver(state: Registration | None, event: PartyLeft, ctx: Context) -> Decision[Registration] | None:
    """Keep nothing of a party who left but that they are gone; what the other gets goes on as planned."""
    state = state or Registration()
    if state.over or state.of(event.party_id).left:
        return None
    return _changed(state, event.party_id, Party(left=True, code=state.of(event.party_id).code), ctx)


def rest(state: Registration | None, _event: RegistrationCompleted, ctx: Context) -> Decision[Registration] | None:
    """Nobody is reminded any more. All else stays as it was: nobody may tell from us when the gate opened."""
    state = state or Registration()
    if state.over or state.completed:
        return None
    works = [cancel for party_id in state.parties for cancel in _unreminded(state, ctx, party_id)]
    return Decision(replace(state, completed=True), works=works)


def close(state: Registration | None, _event: RegistrationEnded, ctx: Context) -> Decision[Registration] | None:
    """Nobody is asked or reminded any more: nothing is kept but that it is over."""
    state = state or Registration()
    if state.over:
        return None
    return Decision(
        Registration(over=True),
        says=[_closed(ctx, party_id, code) for party_id, code in state.live_codes()],
        works=[
            *(Cancel(SEND_INVITATION, str(code.invitation_id)) for _, code in state.live_codes()),
            *(cancel for party_id in state.parties for cancel in _unreminded(state, ctx, party_id)),
        ],
        claims={code.claim: None for _, code in state.live_codes()},
    )


def purge(_state: Registration | None, _event: RegistrationPurged, _: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


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


def note_the_reminder(state: Registration | None, result: Reminded, ctx: Context) -> Decision[Registration] | None:
    """Say that a reminder left, or perhaps left."""
    if state is None or state.over or state.of(result.party_id).left:
        return None
    said = ParentReminded(registration_id=ctx.subject, party_id=result.party_id, perhaps=result.perhaps)
    return Decision(says=[said])


def note_the_perhaps(state: Registration | None, result: Lost, ctx: Context) -> Decision[Registration] | None:
    """A sender stopped in the middle of a reminder: perhaps it left. It is shown, and never repeated."""
    return note_the_reminder(state, Reminded(UUID(result.payload["party_id"]), perhaps=True), ctx)


def _changed(state: Registration, party_id: UUID, party: Party, ctx: Context) -> Decision[Registration]:
    """A party changed: whoever is not awaited has no live code, and reminders follow the party's own acts."""
    code = party.code
    says: list[Event] = []
    if code is not None and not party.awaited:
        says.append(_closed(ctx, party_id, code))
        party = replace(party, code=None)
    state = state.having(party_id, party)
    dead = code if party.code is None else None
    return Decision(
        state,
        says=says,
        works=[
            *([Cancel(SEND_INVITATION, str(dead.invitation_id))] if dead else []),
            *_reminders(state, party_id, ctx),
        ],
        claims={dead.claim: None} if dead else {},
    )


def _reminders(state: Registration, party_id: UUID, ctx: Context) -> Sequence[Work | Cancel]:
    """The reminders still ahead of a party, each once per stage; none where nothing is left to do."""
    party, deadline = state.of(party_id), state.deadline
    if deadline is None or state.completed or not party.to_be_reminded:
        return _unreminded(state, ctx, party_id)
    return [
        Work(
            REMIND,
            f"{party_id}.{stage}",
            moment,
            {
                "party_id": str(party_id),
                "message_id": str(uuid5(party_id, f"reminder {stage}")),
                "county": state.county,
                "profile": state.profile,
                "deadline": deadline.isoformat(),
                "contact": party.contact,
            },
        )
        for stage, moment in enumerate(_county(state, ctx).reminders_at(deadline))
        if moment > ctx.now
    ]


def _unreminded(state: Registration, ctx: Context, party_id: UUID) -> list[Work | Cancel]:
    if state.deadline is None:
        return []
    stages = range(len(_county(state, ctx).reminders_at(state.deadline)))
    return [Cancel(REMIND, f"{party_id}.{stage}") for stage in stages]


def _making(ctx: Context, party_id: UUID | None, contact: Sealed[Contact] | None) -> Work:
    invitation_id = str(ctx.new_id())
    return Work(
        MAKE_CODE,
        invitation_id,
        ctx.now,
        {"party_id": str(party_id) if party_id else None, "invitation_id": invitation_id, "contact": contact},
    )


def _closed(ctx: Context, party_id: UUID, code: LiveCode) -> InvitationClosed:
    return InvitationClosed(registration_id=ctx.subject, party_id=party_id, invitation_id=code.invitation_id)


def _county(state: Registration, ctx: Context) -> County:
    profiles: Profiles = ctx.reference
    return profiles.pinned_county(state.county, state.profile)


def _decent(moment: datetime, county: County) -> datetime:
    """The moment itself by day; by night the next morning, by the county's clock."""
    hour = moment.astimezone(ZoneInfo(county.timezone)).hour
    if hour in DECENT_HOURS:
        return moment
    day = county.day(moment)
    morning = day if hour < DECENT_HOURS.start else day + timedelta(days=1)
    return at_hour(morning, DECENT_HOURS.start, county.timezone)
