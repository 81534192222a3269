"""Reminding: once per stage, at most once in any crash. Each reminder follows one parent's own acts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from rinnan_chassis.deciding import Cancel, Context, Decision, Lost, Work
from rinnan_events import Sealed
from rinnan_events.invitation import ParentReminded
from rinnan_events.opened import Contact
from rinnan_invitation.domain.registration import Registration, pinned_county

REMIND = "remind"


@dataclass(frozen=True, slots=True)
class Reminded:
    """A reminder left, or perhaps it did; it is not repeated."""

    party_id: UUID
    perhaps: bool


def own_reminders(state: Registration, party_id: UUID, ctx: Context) -> Sequence[Work | Cancel]:
    """The reminders still ahead of a parent at their own contact; none where nothing of their part is left to do."""
    party = state.of(party_id)
    if state.completed or not party.to_be_reminded:
        return unreminded(state, party_id, ctx)
    payload = {"party_id": str(party_id), "teller_id": None, "contact": party.own[-1]}
    return _reminders(state, str(party_id), payload, ctx)


def told_reminders(
    state: Registration, party_id: UUID, teller_id: UUID, contact: Sealed[Contact], ctx: Context
) -> Sequence[Work]:
    """The reminders at the contact that one parent told for the other; those at the one told before move there.

    They depend on the teller's asking and on the deadline alone, and nothing but the ending takes them back.
    """
    payload = {"party_id": str(party_id), "teller_id": str(teller_id), "contact": contact}
    return _reminders(state, f"told.{teller_id}", payload, ctx)


def unreminded(state: Registration, party_id: UUID, ctx: Context) -> Sequence[Work | Cancel]:
    """Every reminder of a parent's own part taken back, as far as it still waits."""
    return [Cancel(REMIND, f"{party_id}.{stage}") for stage in _stages(state, ctx)]


def nobody_reminded(state: Registration, ctx: Context) -> Sequence[Cancel]:
    """Every reminder there is taken back: it is over."""
    stages = _stages(state, ctx)
    whose = [str(party_id) for party_id in state.parties]
    return [Cancel(REMIND, f"{told}{each}.{stage}") for told in ("", "told.") for each in whose for stage in stages]


def _reminders(state: Registration, whose: str, payload: Mapping[str, Any], ctx: Context) -> Sequence[Work]:
    deadline = state.deadline
    if deadline is None:
        return []
    pinned = {"county": state.county, "profile": state.profile, "deadline": deadline.isoformat()}
    planned: list[Work] = []
    for stage, hour in _stages(state, ctx).items():
        message_id = uuid5(ctx.subject, f"reminder {whose} {stage}")
        moment = hour + _into_the_hour(message_id)
        if moment > ctx.now:
            planned.append(
                Work(REMIND, f"{whose}.{stage}", moment, {**payload, **pinned, "message_id": str(message_id)})
            )
    return planned


def _into_the_hour(message_id: UUID) -> timedelta:
    """A moment of each message's own: whoever gets two would read from their distance whether others left between."""
    return timedelta(seconds=message_id.int % 3600)


def _stages(state: Registration, ctx: Context) -> Mapping[int, datetime]:
    if state.deadline is None:
        return {}
    return dict(enumerate(pinned_county(state, ctx).reminders_at(state.deadline)))


def note_the_reminder(state: Registration | None, result: Reminded, ctx: Context) -> Decision[Registration] | None:
    """Say that a reminder left, or perhaps left."""
    if state is None or state.over:
        return None
    said = ParentReminded(registration_id=ctx.subject, party_id=result.party_id, perhaps=result.perhaps)
    return Decision(says=[said])


def note_the_perhaps(state: Registration | None, result: Lost, ctx: Context) -> Decision[Registration] | None:
    """A sender stopped in the middle of a reminder: perhaps it left. It is shown, and never repeated."""
    return note_the_reminder(state, Reminded(UUID(result.payload["party_id"]), perhaps=True), ctx)
