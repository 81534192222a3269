"""Opening a registration, and crossed starts that meet by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from uuid import UUID

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Work, digest
from rinnan_events import Event, Sealed
from rinnan_events.intake import InvitationWanted, ParentJoined, ProtectionNoted, RegistrationOpened
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_intake.domain.reference import county_now, pinned_county
from rinnan_intake.domain.state import PAIR, Doubt, Match, Party, Person, Registration, owned_by, to_a_person
from rinnan_intake.errors import DoubtfulMeeting, SamePerson

CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A parent as they come in: who they are (hashed), and their own parts, not yet owned by a party."""

    person: Person
    identity: Sealed[Identity]
    contact: Sealed[Contact]
    protection: Sealed[Protection]


@dataclass(frozen=True, slots=True)
class StartRegistration:
    """A parent starts. `other` is how they named the other parent, `other_contact` how that one may be asked.

    `apart` opens beside whatever the pair already has, for a person to sort out.
    """

    county: str
    caller: Newcomer
    other: Person
    other_contact: Sealed[Contact]
    children: Sealed[OwnForm]
    apart: bool = False


def claims_of(start: StartRegistration) -> tuple[Claim, ...]:
    """Every combination of what is known of the two, in no order: whoever starts claims the same."""
    pairs = product(start.caller.person.hashes, start.other.hashes)
    keys = {digest(PAIR, start.county, *sorted(pair)) for pair in pairs}
    return tuple(Claim(PAIR, key) for key in sorted(keys))


def where_they_meet(claimed: Mapping[Claim, Claimed], fresh: UUID) -> UUID:
    """The one registration that the claims lead to; a fresh one where they lead to none, or to several."""
    met = _met(claimed)
    return met.pop() if len(met) == 1 else fresh


def start_registration(
    state: Registration | None, start: StartRegistration, context: Context
) -> Decision[Registration]:
    """Open a registration, or meet in the one that this pair already has; the answer is the same.

    Raises: SamePerson; DoubtfulMeeting where the persons partly contradict the registration that they hit.
    """
    if start.caller.person.matches(start.other) is Match.YES:
        raise SamePerson("/other")
    decision = _open(start, context) if state is None else _meet(state, start, context)
    return replace(decision, answer={"registration_id": str(context.subject)})


def join(state: Registration, party_id: UUID, newcomer: Newcomer, context: Context) -> tuple[Registration, list[Event]]:
    """The newcomer takes the part of this expected party. Said alike for both parents, whoever began."""
    expected = state.parties[party_id].person or Person()
    contact, identity = owned_by(party_id, newcomer.contact), owned_by(party_id, newcomer.identity)
    protection = owned_by(party_id, newcomer.protection)
    joined = state.with_party(
        party_id,
        person=newcomer.person.with_what_is_known_of(expected),
        joined_at=context.now,
        identity=identity,
        contact=contact,
        protection=protection,
        protection_version=1,
    )
    here = ParentJoined(
        registration_id=context.subject,
        party_id=party_id,
        joined_at=context.now,
        identity=identity,
        contact=contact,
    )
    noted = ProtectionNoted(registration_id=context.subject, party_id=party_id, version=1, protection=protection)
    return joined, [here, noted]


def open_for(county: str, persons: tuple[Person, ...], context: Context) -> tuple[Registration, list[UUID], Event]:
    """A registration with a seat for each person, and their party ids in the order of `persons`."""
    decided = county_now(context, county)
    ids = [context.new_id() for _ in persons]
    pins = decided.pins()
    opened = Registration(
        county=county,
        pins=pins,
        seats=len(persons),
        opened_at=context.now,
        deadline=decided.deadline(context.now),
        parties=dict(sorted((party_id, Party(person=who)) for party_id, who in zip(ids, persons, strict=True))),
    )
    said = RegistrationOpened(
        registration_id=context.subject,
        county=county,
        party_ids=tuple(sorted(ids)),
        opened_at=opened.opened_at,
        deadline=opened.deadline,
        pins=pins,
    )
    return opened, ids, said


def closing_work(state: Registration, context: Context) -> Work:
    """The registration stops being open a grace after its deadline: what was accepted in time may still be heard."""
    return Work("closing", str(context.subject), pinned_county(state, context).ending_at(state.deadline))


def _open(start: StartRegistration, context: Context) -> Decision[Registration]:
    opened, (caller_id, other_id), said = open_for(start.county, (start.caller.person, start.other), context)
    opened, joined = join(opened, caller_id, start.caller, context)
    opened = opened.with_party(caller_id, drafts={CHILDREN: owned_by(caller_id, start.children)})
    contradictory = start.apart or len(_met(context.claimed)) > 1
    free = () if contradictory else tuple(each for each, held in context.claimed.items() if held.subject is None)
    opened = replace(opened, pairs=tuple(sorted(claim.key.hex() for claim in free)))
    works = [closing_work(opened, context)]
    if contradictory:
        opened, alarms = to_a_person(opened, Doubt.PERSONS_CONTRADICT, context)
        works.extend(alarms)
        asked: list[Event] = []
    else:
        asked = [_asked(other_id, start, context)]
    return Decision(
        state=opened,
        says=[said, *joined, *asked],
        works=works,
        claims={claim: Claimed(context.subject) for claim in free},
    )


def _meet(state: Registration, start: StartRegistration, context: Context) -> Decision[Registration]:
    caller_id = _seat_of(state, start.caller.person)
    other_id = _seat_of(state, start.other)
    if caller_id is not None and caller_id == other_id:
        raise DoubtfulMeeting
    if caller_id is not None and state.parties[caller_id].is_here:
        return Decision()
    if not state.is_open:
        noted, alarms = to_a_person(state, Doubt.CAME_BACK_AFTER_COMPLETION, context)
        return Decision(state=noted, works=alarms)
    if context.now > state.deadline:
        raise DoubtfulMeeting
    met, says = state, list[Event]()
    if caller_id is None:
        caller_id = context.new_id()
        met = _seated(met, caller_id, start.caller.person)
    met, joined = join(met, caller_id, start.caller, context)
    met = met.with_party(caller_id, drafts={CHILDREN: owned_by(caller_id, start.children)})
    says.extend(joined)
    if other_id is None:
        other_id = context.new_id()
        met = _seated(met, other_id, start.other)
        says.append(_asked(other_id, start, context))
    mine = tuple(each for each, held in context.claimed.items() if held.subject in {None, context.subject})
    met = replace(met, pairs=tuple(sorted({*met.pairs, *(claim.key.hex() for claim in mine)})))
    return Decision(state=met, says=says, claims={claim: Claimed(context.subject) for claim in mine})


def _seat_of(state: Registration, person: Person) -> UUID | None:
    """The party that this person is, among those who have not left. Raises: DoubtfulMeeting."""
    verdicts = {party_id: person.matches(party.person or Person()) for party_id, party in state.present.items()}
    if Match.DOUBT in verdicts.values():
        raise DoubtfulMeeting
    return next((party_id for party_id, verdict in verdicts.items() if verdict is Match.YES), None)


def _seated(state: Registration, party_id: UUID, person: Person) -> Registration:
    """A new part in the place of one who left. Raises: DoubtfulMeeting where no place is free."""
    if len(state.present) >= state.seats:
        raise DoubtfulMeeting
    return replace(state, parties=dict(sorted({**state.parties, party_id: Party(person=person)}.items())))


def _asked(party_id: UUID, start: StartRegistration, context: Context) -> InvitationWanted:
    contact = owned_by(party_id, start.other_contact)
    return InvitationWanted(registration_id=context.subject, party_id=party_id, contact=contact)


def _met(claimed: Mapping[Claim, Claimed]) -> set[UUID]:
    return set(_subjects(claimed))


def _subjects(claimed: Mapping[Claim, Claimed]) -> Iterator[UUID]:
    return (held.subject for held in claimed.values() if held.subject is not None)
