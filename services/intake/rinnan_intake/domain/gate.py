"""The gate: when every part is whole, the registration is completed. The point of no return."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from rinnan_chassis.deciding import Cancel, Context, Decision, Work
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import CompletedPart, RegistrationCompleted
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_intake.domain.reference import pinned_county
from rinnan_intake.domain.state import Doubt, Party, Registration, to_a_person

GATE = "gate"
CLOSING = "closing"
PURGE = "purge"


@dataclass(frozen=True, slots=True)
class GateDue:
    """A parent's own act made the registration whole; or, `after_ending`, a person delivers what was whole in time."""

    after_ending: bool = False


def hear_screening(
    state: Registration | None, event: ScreeningCompleted, context: Context
) -> Decision[Registration] | None:
    """A parent's screening is done, whatever was answered."""
    party = _party_that_counts(state, event, event.completed_at)
    if state is None or party is None:
        return None
    return _remember(state, event, context, screening=max(party.screening, event.version))


def hear_consent(state: Registration | None, event: ConsentGiven, context: Context) -> Decision[Registration] | None:
    """A parent gave every mandatory consent."""
    party = _party_that_counts(state, event, event.given_at)
    if state is None or party is None:
        return None
    return _remember(state, event, context, consent=max(party.consent, event.version))


def hear_withdrawal(
    state: Registration | None, event: ConsentWithdrawn, context: Context
) -> Decision[Registration] | None:
    """A parent took consents back: the gate stays shut until a later version is given.

    After the gate the other's part goes on; that this one does not go along matters for leaving and for purge.
    """
    if state is None:
        return None
    gone_through = bool(state.completed)
    party = state.present.get(event.party_id) if gone_through else _party_that_counts(state, event, event.withdrawn_at)
    if party is None:
        return None
    withdrawn = max(party.consent_withdrawn, event.version)
    if state.is_open:
        return _remember(state, event, context, consent_withdrawn=withdrawn)
    return Decision(state=state.with_party(event.party_id, consent_withdrawn=withdrawn))


def gate_work(state: Registration, party_id: UUID, context: Context) -> tuple[Work, ...]:
    """Look at the gate at once, but as due work, which rests while the registration is held.

    A person's command is decided on even then, and must not open the gate over facts that still wait to be heard.
    """
    if not state.is_open or not _is_whole(state):
        return ()
    return (Work(GATE, f"{party_id}.{state.parties[party_id].version}", context.now),)


def open_the_gate(state: Registration | None, due: GateDue, context: Context) -> Decision[Registration] | None:
    """Complete the registration where it is still whole."""
    if state is None:
        return None
    if due.after_ending:
        return _completed(state, context) if state.is_still_to_be_delivered else None
    return _at_the_gate(state, context) if state.is_open and _is_whole(state) else None


def _at_the_gate(state: Registration, context: Context) -> Decision[Registration]:
    if not state.is_open or not _is_whole(state):
        return Decision(state=state)
    county = pinned_county(state, context)
    shown_at = county.next_full_hour(context.now)
    shown = replace(state, completed_shown_at=shown_at, shown_until=county.purge_at(shown_at))
    through = _completed(_with_its_parts(shown), context)
    # A work of its own: the gate may open when the closing after the deadline is already running.
    closing = (Cancel(CLOSING, str(context.subject)), Work(CLOSING, f"{context.subject}.completed", shown_at))
    return replace(through, works=(*closing, *through.works))


def _completed(state: Registration, context: Context) -> Decision[Registration]:
    """Say which parts are completed; contact is promised from now on. What parents are shown is decided elsewhere."""
    county = pinned_county(state, context)
    contact_by = county.contact_by(context.now)
    completed = replace(state, completed_at=context.now, contact_by=contact_by, purge_at=county.purge_at(contact_by))
    said = RegistrationCompleted(
        registration_id=context.subject, completed_at=context.now, contact_by=contact_by, parts=state.completed
    )
    return Decision(state=completed, says=(said,), works=(purge_work(context, completed),))


def _with_its_parts(state: Registration) -> Registration:
    """The registration with the exact versions that it is whole by; from now on they stand."""
    parts = tuple(
        CompletedPart(party_id=party_id, form=party.submitted, consent=party.consent, screening=party.screening)
        for party_id, party in sorted(state.present.items())
    )
    return replace(state, completed=parts)


def purge_work(context: Context, state: Registration) -> Work:
    """Look at `purge_at` whether all is settled. A purge that moved is a work of its own; the earlier finds nothing."""
    due_at = state.purge_at or context.now
    return Work(PURGE, f"{context.subject}.{due_at.isoformat()}", due_at)


def _is_whole(state: Registration) -> bool:
    return len(state.present) == state.seats and all(party.is_whole for party in state.present.values())


def _party_that_counts(
    state: Registration | None, event: ScreeningCompleted | ConsentGiven | ConsentWithdrawn, accepted_at: datetime
) -> Party | None:
    """The party, where the neighbour took the parent's act before the deadline and the party has not left.

    `accepted_at` is what the event tells of the act itself: a screening is said only once it is scored.
    """
    if state is None or accepted_at > state.deadline:
        return None
    party = state.parties.get(event.party_id)
    return party if party is not None and party.left_at is None else None


def _remember(
    state: Registration,
    event: ScreeningCompleted | ConsentGiven | ConsentWithdrawn,
    context: Context,
    **version: int,
) -> Decision[Registration]:
    remembered = state.with_party(event.party_id, **version)
    if remembered == state:
        return Decision()
    if state.ended_at is not None:
        if not state.completed and _is_whole(remembered):
            remembered = _with_its_parts(remembered)
        noted, alarms = to_a_person(remembered, Doubt.HEARD_AFTER_ENDING, context)
        return Decision(state=noted, works=alarms)
    return _at_the_gate(remembered, context)
