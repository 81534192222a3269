"""Opening a registration, and crossed starts that meet by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from uuid import UUID

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Work, digest
from rinnan_events import Event, Sealed
from rinnan_events.intake import InvitationWanted, ParentJoined, ProtectionNoted, RegistrationOpened
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_intake.domain.assisting import assisted
from rinnan_intake.domain.gate import CLOSING
from rinnan_intake.domain.reference import county_now, pinned_county
from rinnan_intake.domain.state import PAIR, Doubt, Match, Party, Person, Registration, owned_by, to_a_person
from rinnan_intake.domain.tries import counting, one_more
from rinnan_intake.errors import SamePerson, TooManyStarts

CHILDREN = "children"
START = "start"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A parent as they come in: who they are (hashed), and their own parts, not yet owned by a party.

    `by`: the member of staff who fills in for them.
    """

    person: Person
    identity: Sealed[Identity]
    contact: Sealed[Contact]
    protection: Sealed[Protection]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class StartRegistration:
    """A parent starts. `other` is how they named the other parent, `other_contact` how that one may be asked.

    `day` is the county's calendar day, which starts are counted by.
    """

    county: str
    caller: Newcomer
    other: Person
    other_contact: Sealed[Contact]
    children: Sealed[OwnForm]
    day: date


class DoubtfulMeeting(Exception):  # noqa: N818 - no error: it opens beside, for a person to sort out
    """The persons partly match the registration that was hit, or the caller began there under another name."""


def claims_of(start: StartRegistration) -> tuple[Claim, ...]:
    """What the caller says of the pair, what the other may have said of it, and the count of the caller's day."""
    return (*_said_by_caller(start), *_said_by_other(start), *_counted(start))


def where_they_meet(start: StartRegistration, claimed: Mapping[Claim, Claimed], fresh: UUID) -> UUID:
    """Where the caller's own start led before; else the one registration to which the other's led; else a fresh one.

    It looks at what was said at starts alone. What a registration has learned of the other since, by their joining,
    would tell the caller that they joined.
    """
    mine = [held.subject for claim in _said_by_caller(start) if (held := claimed[claim]).subject is not None]
    theirs = {claimed[claim].subject for claim in _said_by_other(start)} - {None}
    return (mine[0] if mine else theirs.pop() if len(theirs) == 1 else None) or fresh


def start_registration(
    state: Registration | None, start: StartRegistration, context: Context
) -> Decision[Registration]:
    """Open a registration, or meet in the one that this pair already has; the answer is the same.

    Where only a person can tell whether the one that was hit is the pair's, it opens beside that, in the same
    transaction: how long it takes must not tell that the other started. Raises: SamePerson; TooManyStarts.
    """
    if start.caller.person.matches(start.other) is Match.YES:
        raise SamePerson("/other")
    most = county_now(context, start.county).starts_per_day
    counted, forgetting = one_more(_counted(start), context, most=most, refusal=TooManyStarts)
    try:
        decision = _open(start, context) if state is None else _meet(state, start, context)
    except DoubtfulMeeting:
        if context.beside is None:
            raise
        context = replace(context, subject=context.beside)
        decision = replace(_open(start, context, apart=True), beside=True)
    return replace(
        decision,
        works=(*decision.works, forgetting),
        claims={**decision.claims, **counted},
        answer={"registration_id": str(context.subject)},
    )


def join(state: Registration, party_id: UUID, newcomer: Newcomer, context: Context) -> tuple[Registration, list[Event]]:
    """The newcomer takes the part of this expected party. Said alike for both parents, whoever began.

    From now on they are known by what they came in with: a code that the other told must not shut them out.
    """
    expected = state.parties[party_id].person or Person()
    contact, identity = owned_by(party_id, newcomer.contact), owned_by(party_id, newcomer.identity)
    protection = owned_by(party_id, newcomer.protection)
    joined = state.with_party(
        party_id,
        person=Person(name=newcomer.person.name or expected.name, code=newcomer.person.code),
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
    return Work(CLOSING, str(context.subject), pinned_county(state, context).ending_at(state.deadline))


def _open(start: StartRegistration, context: Context, *, apart: bool = False) -> Decision[Registration]:
    opened, (caller_id, other_id), said = open_for(start.county, (start.caller.person, start.other), context)
    opened, joined = join(opened, caller_id, start.caller, context)
    opened = opened.with_party(caller_id, drafts={CHILDREN: owned_by(caller_id, start.children)})
    works = [closing_work(opened, context)]
    if apart or len({context.claimed[claim].subject for claim in _said_by_other(start)} - {None}) > 1:
        opened, alarms = to_a_person(opened, Doubt.PERSONS_CONTRADICT, context)
        works.extend(alarms)
    opened, claims = _noted(opened, start, context)
    asked = _asked(other_id, caller_id, start, context)
    by_hand = assisted(start.caller.by, "start", caller_id)
    return Decision(state=opened, says=[said, *joined, asked], works=works, claims=claims, by_hand=by_hand)


def _meet(state: Registration, start: StartRegistration, context: Context) -> Decision[Registration]:
    """Take one's part in a registration, or find oneself there. The other is asked in any case, at the contact told."""
    again = any(context.claimed[claim].subject == context.subject for claim in _said_by_caller(start))
    if not again and set(_marks(start, context)) & set(state.begun_by):
        raise DoubtfulMeeting  # begun here under another name of the other: that the other crossed it must not show
    caller_id = _seat_of(state, start.caller.person, doubtful_too=again)
    met, says, works = state, list[Event](), tuple[Work, ...]()
    if caller_id is None or not state.parties[caller_id].is_here:
        if context.now > state.deadline:
            raise DoubtfulMeeting
        caller_id, met, says = _take_part(state, caller_id, start, context, again=again)
        if not state.is_open:
            met, works = to_a_person(met, Doubt.CAME_BACK_AFTER_COMPLETION, context)
    met, claims = _noted(met, start, context)
    asked = _asked(_beside(met, caller_id), caller_id, start, context)
    by_hand = assisted(start.caller.by, "start", caller_id)
    return Decision(state=met, says=[*says, asked], works=works, claims=claims, by_hand=by_hand)


def _take_part(
    state: Registration, caller_id: UUID | None, start: StartRegistration, context: Context, *, again: bool
) -> tuple[UUID, Registration, list[Event]]:
    """The caller takes the part that waits for them, or that of one who left; so is the other awaited, if they left."""
    if caller_id is None:
        caller_id, state = _seated(state, start.caller.person, context)
    met, says = join(state, caller_id, start.caller, context)
    met = met.with_party(caller_id, drafts={CHILDREN: owned_by(caller_id, start.children)})
    others = [party.person or Person() for party_id, party in met.present.items() if party_id != caller_id]
    if not others:
        _, met = _seated(met, start.other, context)
    elif not again and any(start.other.matches(other) is not Match.YES for other in others):
        raise DoubtfulMeeting
    return caller_id, met, says


def _seat_of(state: Registration, person: Person, *, doubtful_too: bool) -> UUID | None:
    """The party that this person is, among those who have not left. Raises: DoubtfulMeeting."""
    verdicts = {person.matches(party.person or Person()): party_id for party_id, party in state.present.items()}
    if Match.DOUBT in verdicts and Match.YES not in verdicts and not doubtful_too:
        raise DoubtfulMeeting
    return verdicts.get(Match.YES, verdicts.get(Match.DOUBT))


def _seated(state: Registration, person: Person, context: Context) -> tuple[UUID, Registration]:
    """A new part in the place of one who left. Raises: DoubtfulMeeting where no place is free."""
    if len(state.present) >= state.seats:
        raise DoubtfulMeeting
    party_id = context.new_id()
    return party_id, replace(state, parties=dict(sorted({**state.parties, party_id: Party(person=person)}.items())))


def _beside(state: Registration, caller_id: UUID) -> UUID:
    """The other: who is here or awaited, else who left last."""
    others = {party_id: party.left_at for party_id, party in state.parties.items() if party_id != caller_id}
    return max(others, key=lambda party_id: (others[party_id] is None, others[party_id]))


def _asked(party_id: UUID, teller_id: UUID, start: StartRegistration, context: Context) -> InvitationWanted:
    return InvitationWanted(
        registration_id=context.subject,
        party_id=party_id,
        teller_id=teller_id,
        asked=_times_asked(start, context),
        contact=start.other_contact,
    )


def _noted(
    state: Registration, start: StartRegistration, context: Context
) -> tuple[Registration, dict[Claim, Claimed | None]]:
    """Let what the caller said lead here from now on, where it leads nowhere else, and remember that they said it."""
    free = [each for each in _said_by_caller(start) if context.claimed[each].subject in {None, context.subject}]
    noted = replace(
        state,
        pairs=tuple(sorted({*state.pairs, *(claim.key.hex() for claim in free)})),
        begun_by=tuple(sorted({*state.begun_by, *_marks(start, context)})),
    )
    note = {"asked": _times_asked(start, context)}
    return noted, {claim: Claimed(context.subject, note) for claim in free}


def _times_asked(start: StartRegistration, context: Context) -> int:
    """How often the caller has started so, this time included: leaving and coming back does not count anew."""
    return 1 + max(int(context.claimed[claim].note.get("asked", 0)) for claim in _said_by_caller(start))


def _said_by_caller(start: StartRegistration) -> tuple[Claim, ...]:
    return _pairs(start.county, start.caller.person, start.other)


def _said_by_other(start: StartRegistration) -> tuple[Claim, ...]:
    return _pairs(start.county, start.other, start.caller.person)


def _pairs(county: str, teller: Person, told: Person) -> tuple[Claim, ...]:
    """Every combination of what is known of the two, in the direction in which it was said."""
    keys = (digest(PAIR, county, *pair) for pair in product(teller.hashes, told.hashes))
    return tuple(Claim(PAIR, key) for key in sorted(keys))


def _counted(start: StartRegistration) -> tuple[Claim, ...]:
    return counting(START, start.caller.person, start.day)


def _marks(start: StartRegistration, context: Context) -> tuple[str, ...]:
    """What is kept of one who started here, also after they left: keyed hashes that find nobody elsewhere."""
    return tuple(digest("begun", str(context.subject), known).hex() for known in start.caller.person.hashes)
