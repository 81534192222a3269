"""Each parent's own consents. Pure: nothing here touches the clock, the database or a seal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, PartyToken
from rinnan_consent.errors import ChangedMeanwhile, Closed, DeadlinePassed, GivenEnough, WithTheCounty
from rinnan_events import Sealed
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_events.opened import Consents
from rinnan_profiles import Profiles

MOST_VERSIONS = 50
"""Of one parent in one registration: with each, what this room and its neighbours keep of it grows."""


class Standing(StrEnum):
    """Where one parent's consents stand."""

    UNANSWERED = "unanswered"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class OwnConsents:
    """One parent's consents. `version` counts what was given; `revision` counts every change, taking back included."""

    standing: Standing = Standing.UNANSWERED
    version: int = 0
    revision: int = 0
    changed_at: datetime | None = None
    consents: Sealed[Consents] | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """What consent remembers of a registration. It need not have heard of the opening."""

    own: dict[UUID, OwnConsents] = field(default_factory=dict[UUID, OwnConsents])
    left: tuple[UUID, ...] = ()
    completed_at: datetime | None = None
    ended: bool = False

    def of(self, party_id: UUID) -> OwnConsents:
        """One parent's consents, unanswered where nothing was heard of them."""
        return self.own.get(party_id, OwnConsents())

    def having(self, party_id: UUID, own: OwnConsents) -> Registration:
        """The same registration with one parent's consents changed."""
        return replace(self, own=self.own | {party_id: own})

    def closed_for(self, party_id: UUID) -> bool:
        """Whether this parent has nothing to do here any more."""
        return self.ended or party_id in self.left


@dataclass(frozen=True, slots=True)
class GiveConsents:
    """A parent answered everything and gave all that is mandatory. `seen`: the revision the parent was looking at."""

    caller: PartyToken
    seen: int
    consents: Sealed[Consents]


@dataclass(frozen=True, slots=True)
class WithdrawConsents:
    """A parent takes back what they had consented to. It needs no version: it is never the wrong moment."""

    caller: PartyToken


def give(state: Registration | None, command: GiveConsents, ctx: Context) -> Decision[Registration]:
    """Take the consents as the next version.

    Between the gate and the full hour that shows *with the county* this answers as before the gate, so that nobody can
    tell when the other became ready; the version that the gate closed over stands, and this one is a correction.
    """
    state, caller = state or Registration(), command.caller
    _refuse_when_over(state, caller)
    if _shown_with_the_county(state, caller, ctx):
        raise WithTheCounty
    if ctx.now > caller.deadline:
        raise DeadlinePassed
    before = state.of(caller.party_id)
    if command.seen != before.revision:
        raise ChangedMeanwhile
    if before.version >= MOST_VERSIONS:
        raise GivenEnough
    given = OwnConsents(Standing.GIVEN, before.version + 1, before.revision + 1, ctx.now, command.consents)
    said = ConsentGiven(
        registration_id=ctx.subject,
        party_id=caller.party_id,
        version=given.version,
        given_at=ctx.now,
        consents=command.consents,
    )
    return Decision(state.having(caller.party_id, given), says=[said], answer=_answer(given))


def withdraw(state: Registration | None, command: WithdrawConsents, ctx: Context) -> Decision[Registration]:
    """Record the withdrawal and say it, before the gate and after it alike; what follows, others decide.

    After the deadline only where *with the county* is shown: until then nobody can tell that the gate opened.
    """
    state, caller = state or Registration(), command.caller
    _refuse_when_over(state, caller)
    if ctx.now > caller.deadline and not _shown_with_the_county(state, caller, ctx):
        raise DeadlinePassed
    before = state.of(caller.party_id)
    if before.standing is not Standing.GIVEN:
        return Decision(answer=_answer(before))
    withdrawn = OwnConsents(Standing.WITHDRAWN, before.version, before.revision + 1, ctx.now)
    said = ConsentWithdrawn(
        registration_id=ctx.subject, party_id=caller.party_id, version=before.version, withdrawn_at=ctx.now
    )
    return Decision(state.having(caller.party_id, withdrawn), says=[said], answer=_answer(withdrawn))


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
    if event.party_id in state.left:
        return None
    staying = {party_id: own for party_id, own in state.own.items() if party_id != event.party_id}
    return Decision(replace(state, own=staying, left=(*state.left, event.party_id)))


def end(state: Registration | None, _event: RegistrationEnded, _: Context) -> Decision[Registration] | None:
    """Keep nothing of a registration that ended but that it did."""
    if state is not None and state.ended:
        return None
    return Decision(Registration(ended=True))


def purge(_state: Registration | None, _event: RegistrationPurged, _: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


def _refuse_when_over(state: Registration, caller: PartyToken) -> None:
    if state.closed_for(caller.party_id):
        raise Closed


def _shown_with_the_county(state: Registration, caller: PartyToken, ctx: Context) -> bool:
    profiles: Profiles = ctx.reference
    county = profiles.pinned_county(caller.county, caller.pins["profile"])
    return state.completed_at is not None and ctx.now >= county.next_full_hour(state.completed_at)


def _answer(own: OwnConsents) -> dict[str, str | int]:
    return {"standing": own.standing.value, "version": own.version, "revision": own.revision}
