"""Leaving, and asking to be contacted alone. The other parent notices neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from rinnan_chassis.deciding import Cancel, Claim, Claimed, Context, Decision, Work, digest
from rinnan_events import Sealed
from rinnan_events.intake import PartyLeft, ProtectionNoted, SingleContactRequested
from rinnan_events.opened import Contact
from rinnan_intake.domain.assisting import assisted
from rinnan_intake.domain.ending import DESTROY_KEYS, has_arrived
from rinnan_intake.domain.opening import Newcomer, closing_work, join, open_for
from rinnan_intake.domain.reference import county_now, pinned_county
from rinnan_intake.domain.state import PAIR, Party, Registration, Status, pair_claims, the_party
from rinnan_intake.domain.tries import counting, one_more
from rinnan_intake.errors import Closed, TooManyStarts, UnknownRegistration, WithTheCounty

ALONE = "alone"
TAKE_IN = "take_in"


@dataclass(frozen=True, slots=True)
class Leave:
    """A parent takes no part any longer."""

    party_id: UUID


@dataclass(frozen=True, slots=True)
class AskToBeContactedAlone:
    """A parent asks the county to contact them without the other. `contact` replaces what was told before."""

    party_id: UUID
    contact: Sealed[Contact] | None = None


@dataclass(frozen=True, slots=True)
class OpenForOneAlone:
    """Somebody asks to be contacted alone who never was in a registration, or whose own is over: one with one seat.

    `day` is the county's calendar day, which openings are counted by.
    """

    county: str
    newcomer: Newcomer
    day: date


def claims_of_one(command: OpenForOneAlone) -> tuple[Claim, ...]:
    """That this person has asked, and the count of their day."""
    return (_asked_by(command), *_counted(command))


def where_one_is(command: OpenForOneAlone, claimed: Mapping[Claim, Claimed], fresh: UUID) -> UUID:
    """Where this person's own asking led before, as long as that is open; else a fresh registration."""
    return claimed[_asked_by(command)].subject or fresh


def leave(state: Registration | None, command: Leave, context: Context) -> Decision[Registration]:
    """Erase everything of this parent at once. What the other gets goes on as planned.

    Raises: WithTheCounty once the own part is delivered: then the county holds it, and leaving is told there.
    """
    if state is not None and command.party_id in state.parties and state.parties[command.party_id].left_at is not None:
        return Decision(answer={"status": Status.CLOSED})
    registration, party = the_party(state, command.party_id)
    went = registration.status_for(command.party_id, context.now) is Status.WITH_THE_COUNTY
    if went and has_arrived(registration, command.party_id):
        raise WithTheCounty
    said = PartyLeft(registration_id=context.subject, party_id=command.party_id, left_at=context.now)
    left = emptied(registration, command.party_id, context.now)
    of_one = registration.seats == 1  # whoever leaves it may ask anew; what a pair said leads there until the ending
    return Decision(
        state=replace(left, pairs=()) if of_one else left,
        says=(said,),
        works=erasing_work(command.party_id, party, context),
        claims=dict.fromkeys(pair_claims(registration)) if of_one else {},
        answer={"status": Status.CLOSED},
    )


def ask_to_be_contacted_alone(
    state: Registration | None, command: AskToBeContactedAlone, context: Context
) -> Decision[Registration]:
    """The parent's own part goes to the county as it stands; asking again changes nothing.

    What shields the parent goes along as it was last saved, given in or not: it must not be older than the request.

    Raises: Closed after the ending, when `OpenForOneAlone` serves instead.
    """
    registration, party = the_party(state, command.party_id)
    if party.alone_at is None and registration.ended_at is not None:
        raise Closed
    if command.contact is not None and party.alone_at is None:
        registration = registration.with_party(command.party_id, contact=command.contact)
    return _alone(registration, command.party_id, context)


def open_for_one_alone(
    state: Registration | None, command: OpenForOneAlone, context: Context
) -> Decision[Registration]:
    """A registration of one party, asked to be contacted alone at once. Asking again changes nothing.

    Only what opens counts: nobody is refused for asking again. Raises: TooManyStarts, UnknownCounty.
    """
    by = command.newcomer.by
    if state is not None:
        return Decision(answer=_went(context), by_hand=assisted(by, "single_contact", next(iter(state.present), None)))
    most = county_now(context, command.county).starts_per_day
    counted, forgetting = one_more(_counted(command), context, most=most, refusal=TooManyStarts)
    asked = _asked_by(command)
    opened, (party_id,), said = open_for(command.county, (command.newcomer.person,), context)
    opened, joined = join(replace(opened, pairs=(asked.key.hex(),)), party_id, command.newcomer, context)
    alone = _alone(opened, party_id, context)
    return replace(
        alone,
        says=(said, *joined, *alone.says),
        works=(closing_work(opened, context), forgetting, *alone.works),
        claims={asked: Claimed(context.subject), **counted},
        by_hand=assisted(by, "single_contact", party_id),
    )


def emptied(state: Registration, party_id: UUID, now: datetime) -> Registration:
    """The registration with nothing left of this party but its id."""
    return replace(state, parties={**state.parties, party_id: Party(person=None, left_at=now)})


def erasing_work(party_id: UUID, party: Party, context: Context) -> tuple[Work | Cancel, ...]:
    """The destruction of every key that this party's parts rest under. What came with a ticket is not taken in."""
    gone = Work(DESTROY_KEYS, f"{context.subject}.{party_id}", context.now, {"parties": [str(party_id)]})
    return (gone, Cancel(TAKE_IN, str(party.ticket_id))) if party.ticket_id else (gone,)


def _asked_by(command: OpenForOneAlone) -> Claim:
    """By the identity code where it is known: no namesake is taken for somebody who was already heard."""
    *_, surest = command.newcomer.person.hashes
    return Claim(PAIR, digest(ALONE, command.county, surest))


def _counted(command: OpenForOneAlone) -> tuple[Claim, ...]:
    return counting(ALONE, command.newcomer.person, command.day)


def _alone(registration: Registration, party_id: UUID, context: Context) -> Decision[Registration]:
    party = registration.parties[party_id]
    if party.alone_at is not None:
        return Decision(answer=_went(context))
    if party.identity is None or party.contact is None or party.protection is None:
        raise UnknownRegistration
    county = pinned_county(registration, context)
    said = SingleContactRequested(
        registration_id=context.subject,
        party_id=party_id,
        requested_at=context.now,
        contact_by=county.contact_by(context.now),
        form=party.submitted or None,
        identity=party.identity,
        contact=party.contact,
    )
    asked = registration.with_party(
        party_id,
        alone_at=context.now,
        alone_shown_at=county.next_full_hour(context.now),
        protection_version=party.protection_version + 1,
    )
    noted = ProtectionNoted(
        registration_id=context.subject,
        party_id=party_id,
        version=party.protection_version + 1,
        protection=party.protection,
    )
    return Decision(state=asked, says=(said, noted), answer=_went(context))


def _went(context: Context) -> dict[str, str]:
    return {"registration_id": str(context.subject)}
