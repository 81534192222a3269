"""What the life of a registration means for asking and reminding: who came, who is done, who left, when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
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
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_invitation.domain.registration import LiveCode, Party, Registration
from rinnan_invitation.domain.reminding import nobody_reminded, own_reminders, unreminded


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
    """A parent is here: the code is used up, and they are reminded of their own part, at their own contact."""
    return _changed(state, event.party_id, lambda party: party.giving(event.contact), ctx)


def note_the_submission(
    state: Registration | None, event: FormSubmitted, ctx: Context
) -> Decision[Registration] | None:
    """A parent's own form is in."""
    return _changed(state, event.party_id, lambda party: replace(party.giving(event.contact), submitted=True), ctx)


def note_the_reopening(state: Registration | None, event: FormReopened, ctx: Context) -> Decision[Registration] | None:
    """A parent took the form back: what was not reminded of yet, may be again."""
    return _changed(state, event.party_id, lambda party: replace(party, submitted=False), ctx)


def note_the_screening(
    state: Registration | None, event: ScreeningCompleted, ctx: Context
) -> Decision[Registration] | None:
    """A parent's screening is done, answered or declined."""
    return _changed(
        state, event.party_id, lambda party: replace(party, screening=max(party.screening, event.version)), ctx
    )


def note_the_consents(state: Registration | None, event: ConsentGiven, ctx: Context) -> Decision[Registration] | None:
    """A parent gave every mandatory consent."""
    return _changed(state, event.party_id, lambda party: replace(party, consent=max(party.consent, event.version)), ctx)


def note_the_withdrawal(
    state: Registration | None, event: ConsentWithdrawn, ctx: Context
) -> Decision[Registration] | None:
    """A parent took the consents back: what was not reminded of yet, may be again."""
    return _changed(
        state,
        event.party_id,
        lambda party: replace(party, consent_withdrawn=max(party.consent_withdrawn, event.version)),
        ctx,
    )


def leave_alone(
    state: Registration | None, event: SingleContactRequested, ctx: Context
) -> Decision[Registration] | None:
    """A parent who asked to be contacted alone is not reminded; what the other gets goes on as planned."""
    return _changed(state, event.party_id, lambda party: replace(party.giving(event.contact), alone=True), ctx)


def forget_the_leaver(state: Registration | None, event: PartyLeft, ctx: Context) -> Decision[Registration] | None:
    """Keep nothing of a party who left but that they are gone; what the other gets goes on as planned."""
    return _changed(state, event.party_id, lambda party: Party(left=True, codes=party.codes), ctx)


def rest(state: Registration | None, _event: RegistrationCompleted, ctx: Context) -> Decision[Registration] | None:
    """Nobody is reminded of their own part any more. All else stays: nobody may tell from us when the gate opened."""
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
        works=nobody_reminded(state, ctx),
        claims={code.claim: None for _, code in state.live_codes()},
    )


def purge(_state: Registration | None, _event: RegistrationPurged, _: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


def _changed(
    state: Registration | None, party_id: UUID, change: Callable[[Party], Party], ctx: Context
) -> Decision[Registration] | None:
    """A party changed: whoever is not awaited has no live code, and their own reminders follow their own acts.

    Letters and reminders to a contact that the other told stay as they are: the teller may be their reader.
    """
    state = state or Registration()
    if state.over or state.of(party_id).left:
        return None
    party = change(state.of(party_id))
    dead = () if party.awaited else party.codes
    state = state.having(party_id, replace(party, codes=()) if dead else party)
    return Decision(
        state,
        says=[_closed(ctx, party_id, code) for code in dead],
        works=own_reminders(state, party_id, ctx),
        claims={code.claim: None for code in dead},
    )


def _closed(ctx: Context, party_id: UUID, code: LiveCode) -> InvitationClosed:
    return InvitationClosed(registration_id=ctx.subject, party_id=party_id, invitation_id=code.invitation_id)
