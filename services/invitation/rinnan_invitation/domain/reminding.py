"""Reminding: each parent of their own part alone, once per stage, at most once in any crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from rinnan_chassis.deciding import Cancel, Context, Decision, Lost, Work
from rinnan_events.invitation import ParentReminded
from rinnan_invitation.domain.registration import Registration, pinned_county

REMIND = "remind"


@dataclass(frozen=True, slots=True)
class Reminded:
    """A reminder left, or perhaps it did; it is not repeated."""

    party_id: UUID
    perhaps: bool


def reminders(state: Registration, party_id: UUID, ctx: Context) -> Sequence[Work | Cancel]:
    """The reminders still ahead of a party, each once per stage; none where nothing is left to do."""
    party, deadline = state.of(party_id), state.deadline
    if deadline is None or state.completed or not party.to_be_reminded:
        return unreminded(state, party_id, ctx)
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
        for stage, moment in enumerate(pinned_county(state, ctx).reminders_at(deadline))
        if moment > ctx.now
    ]


def unreminded(state: Registration, party_id: UUID, ctx: Context) -> Sequence[Work | Cancel]:
    """Every reminder of a party taken back, as far as it still waits."""
    if state.deadline is None:
        return []
    stages = range(len(pinned_county(state, ctx).reminders_at(state.deadline)))
    return [Cancel(REMIND, f"{party_id}.{stage}") for stage in stages]


def note_the_reminder(state: Registration | None, result: Reminded, ctx: Context) -> Decision[Registration] | None:
    """Say that a reminder left, or perhaps left."""
    if state is None or state.over or state.of(result.party_id).left:
        return None
    said = ParentReminded(registration_id=ctx.subject, party_id=result.party_id, perhaps=result.perhaps)
    return Decision(says=[said])


def note_the_perhaps(state: Registration | None, result: Lost, ctx: Context) -> Decision[Registration] | None:
    """A sender stopped in the middle of a reminder: perhaps it left. It is shown, and never repeated."""
    return note_the_reminder(state, Reminded(UUID(result.payload["party_id"]), perhaps=True), ctx)
