"""Each parent's own screening: received, scored, done. Pure, and never looks at an answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, PartyToken, Work
from rinnan_events import Sealed
from rinnan_events.intake import PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_events.opened import CareRoute, ScreeningAnswers
from rinnan_events.risk_screening import CareRouteSet, ScreeningCompleted
from rinnan_profiles import Profiles
from rinnan_risk_screening.errors import AnsweredEnough, Closed, DeadlinePassed, WithTheCounty

MOST_VERSIONS = 50
"""Of one parent in one registration: with each, what this room and its neighbours keep of it grows."""


@dataclass(frozen=True, slots=True)
class OwnScreening:
    """One parent's screening: the version received last, and the version scored last. What was answered is not here."""

    received: int = 0
    scored: int = 0


@dataclass(frozen=True, slots=True)
class Registration:
    """What risk_screening remembers of a registration. It need not have heard of the opening.

    Once it `ended`, `own` holds only what was received in time and is not scored yet.
    """

    own: dict[UUID, OwnScreening] = field(default_factory=dict[UUID, OwnScreening])
    left: tuple[UUID, ...] = ()
    completed_at: datetime | None = None
    ended: bool = False

    def of(self, party_id: UUID) -> OwnScreening:
        """One parent's screening."""
        return self.own.get(party_id, OwnScreening())

    def having(self, party_id: UUID, own: OwnScreening) -> Registration:
        """The same registration with one parent's screening changed."""
        return replace(self, own=self.own | {party_id: own})

    def closed_for(self, party_id: UUID) -> bool:
        """Whether this parent has nothing to do here any more."""
        return self.ended or party_id in self.left


class PaddedAnswers(ScreeningAnswers):
    """Answers with as many spaces beside them as make every screening by one instrument the same size."""

    pad: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveScreening:
    """A parent answered every question, or declined the whole: one command for both."""

    caller: PartyToken
    answers: Sealed[PaddedAnswers]


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring brought: a route under its seal, which version it is of, and when that was received."""

    party_id: UUID
    version: int
    received_at: datetime
    care: Sealed[CareRoute]


def receive(state: Registration | None, command: ReceiveScreening, ctx: Context) -> Decision[Registration]:
    """Take the screening as the next version; scoring it is due at once, whatever it holds.

    The sealed answers rest with the scoring alone. Between the gate and the full hour that shows *with the county* this
    answers as before the gate; the version that the gate closed over stands.
    """
    state, caller = state or Registration(), command.caller
    if state.closed_for(caller.party_id):
        raise Closed
    if _shown_with_the_county(state, caller, ctx):
        raise WithTheCounty
    if ctx.now > caller.deadline:
        raise DeadlinePassed
    before = state.of(caller.party_id)
    if before.received >= MOST_VERSIONS:
        raise AnsweredEnough
    version = before.received + 1
    scoring = Work(
        "score",
        f"{caller.party_id}.{version}",
        ctx.now,
        {
            "party_id": str(caller.party_id),
            "version": version,
            "received_at": ctx.now.isoformat(),
            "answers": command.answers,
        },
    )
    return Decision(state.having(caller.party_id, replace(before, received=version)), works=[scoring])


def complete(state: Registration | None, result: Scored, ctx: Context) -> Decision[Registration] | None:
    """Say both, in this order, in one transaction: the moment tells nothing of the route.

    The screening is done from when the parent gave it, however late it is scored: the deadline is judged by that, and
    what was given in time is said even after the ending. A version that was replaced before it was scored is not said:
    the one that replaced it will be.
    """
    if state is None:
        return None
    own = state.of(result.party_id)
    if result.version != own.received or result.version <= own.scored:
        return None
    completed = ScreeningCompleted(
        registration_id=ctx.subject,
        party_id=result.party_id,
        version=result.version,
        completed_at=result.received_at,
    )
    route = CareRouteSet(
        registration_id=ctx.subject, party_id=result.party_id, version=result.version, care=result.care
    )
    scored = state.having(result.party_id, replace(own, scored=result.version))
    return Decision(_only_unscored(scored) if state.ended else scored, says=[completed, route])


def note_the_completion(
    state: Registration | None, event: RegistrationCompleted, _: Context
) -> Decision[Registration] | None:
    """Remember when the gate opened: a little later both are shown `with the county`."""
    state = state or Registration()
    if state.completed_at is not None or state.ended:
        return None
    return Decision(replace(state, completed_at=event.completed_at))


def forget_the_leaver(state: Registration | None, event: PartyLeft, _: Context) -> Decision[Registration] | None:
    """Keep nothing of a party who left but that they are gone."""
    state = state or Registration()
    if event.party_id in state.left or (state.ended and event.party_id not in state.own):
        return None
    staying = {party_id: own for party_id, own in state.own.items() if party_id != event.party_id}
    left = () if state.ended else (*state.left, event.party_id)
    return Decision(replace(state, own=staying, left=left))


def end(state: Registration | None, _event: RegistrationEnded, _: Context) -> Decision[Registration] | None:
    """Keep nothing of a registration that ended but that it did, and what its parents gave in time until it is said."""
    if state is not None and state.ended:
        return None
    return Decision(_only_unscored(state or Registration()))


def purge(_state: Registration | None, _event: RegistrationPurged, _: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


def _only_unscored(state: Registration) -> Registration:
    waiting = {party_id: own for party_id, own in state.own.items() if own.received > own.scored}
    return Registration(own=waiting, ended=True)


def _shown_with_the_county(state: Registration, caller: PartyToken, ctx: Context) -> bool:
    profiles: Profiles = ctx.reference
    county = profiles.pinned_county(caller.county, caller.pins["profile"])
    return state.completed_at is not None and ctx.now >= county.next_full_hour(state.completed_at)
