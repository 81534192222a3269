"""What the life of a registration means for asking and reminding: who came, who is done, who left, when it is over."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from rinnan_chassis.deciding import Cancel, Context, Decision
from rinnan_events import Event
from rinnan_events.intake import (
    FormReopened,
    FormSubmitted,
    ParentJoined,
    PartyLeft,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.invitation import InvitationClosed
from rinnan_invitation.domain.asking import SEND_INVITATION
from rinnan_invitation.domain.registration import LiveCode, Party, Registration
from rinnan_invitation.domain.reminding import reminders, unreminded


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
    works = [cancel for party_id in state.parties for cancel in unreminded(state, party_id, ctx)]
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
            *(cancel for party_id in state.parties for cancel in unreminded(state, party_id, ctx)),
        ],
        claims={code.claim: None for _, code in state.live_codes()},
    )


def purge(_state: Registration | None, _event: RegistrationPurged, _: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


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
            *reminders(state, party_id, ctx),
        ],
        claims={dead.claim: None} if dead else {},
    )


def _closed(ctx: Context, party_id: UUID, code: LiveCode) -> InvitationClosed:
    return InvitationClosed(registration_id=ctx.subject, party_id=party_id, invitation_id=code.invitation_id)
