"""Presenting a code: taken unseen, looked up later, and recognised or not without a word to anybody outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rinnan_chassis.deciding import Context, Decision, Work
from rinnan_events.invitation import CodePresented, Intention
from rinnan_invitation.domain.registration import Registration, pinned_county
from rinnan_invitation.errors import NoLiveCode

LOOK_UP_CODE = "look_up_code"


@dataclass(frozen=True, slots=True)
class TakeJoining:
    """Somebody typed a code: `ticket` is the SHA-256 of their joining ticket, in hexadecimal."""

    ticket: str
    code_key: str
    intention: Intention


@dataclass(frozen=True, slots=True)
class PresentCode:
    """A try that was taken is looked up; `presented_at` is when it was taken."""

    code_key: str
    ticket: str
    intention: Intention
    presented_at: datetime


def take_joining(_state: Registration | None, command: TakeJoining, ctx: Context) -> Decision[Registration]:
    """Store a try, and look at nothing: whatever was typed, the same is written and the same is answered.

    The ticket names the work, so one ticket buys one try, however often it is sent.
    """
    looking = Work(
        LOOK_UP_CODE,
        command.ticket,
        ctx.now,
        {
            "ticket": command.ticket,
            "code_key": command.code_key,
            "intention": command.intention.value,
            "presented_at": ctx.now.isoformat(),
        },
    )
    return Decision(works=[looking])


def present_code(state: Registration | None, command: PresentCode, ctx: Context) -> Decision[Registration]:
    """Say that a live code was presented; whether its holder is the one who was asked, only intake knows.

    A stranger does not use a code up, but tries are counted: too many of them and the code is dead.
    """
    found = state.holder_of(command.code_key) if state and not state.over else None
    if state is None or found is None:
        raise NoLiveCode
    party_id, party, code = found
    if command.presented_at > code.expires_at or code.presented >= pinned_county(state, ctx).code_tries:
        raise NoLiveCode
    said = CodePresented(
        registration_id=ctx.subject,
        party_id=party_id,
        invitation_id=code.invitation_id,
        ticket=command.ticket,
        intention=command.intention,
        presented_at=command.presented_at,
    )
    tried = tuple(replace(each, presented=each.presented + 1) if each is code else each for each in party.codes)
    return Decision(state.having(party_id, replace(party, codes=tried)), says=[said])
