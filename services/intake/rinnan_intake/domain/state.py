"""What a registration is, and what one parent sees of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from rinnan_chassis.deciding import Claim, Context, Work
from rinnan_events import Opened, Sealed
from rinnan_events.intake import CompletedPart, Pins
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_events.record_export import DeliveryState
from rinnan_intake.errors import Closed, UnknownRegistration, WithTheCounty

PAIR = "pair"
ALARM = "alarm"
T = TypeVar("T", bound=Opened)


class Match(StrEnum):
    """Whether two descriptions are of one person."""

    YES = "yes"
    NO = "no"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as keyed hashes in hexadecimal: of name and birth date, and of the identity code, where known."""

    name: str | None = None
    code: str | None = None

    def matches(self, other: Person) -> Match:
        """By identity code where both have one, else by name and birth date. Namesakes with two codes are a doubt."""
        named_alike = self.name is not None and self.name == other.name
        if self.code is not None and other.code is not None:
            if self.code == other.code:
                return Match.YES
            return Match.DOUBT if named_alike else Match.NO
        return Match.YES if named_alike else Match.NO

    def is_surely(self, known: Person) -> bool:
        """Whether one described so may act as the known one. Namesakes exist; a known code decides."""
        return self.matches(known) is Match.YES and known.code in {None, self.code}

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes that are known."""
        return tuple(known for known in (self.name, self.code) if known is not None)


class Status(StrEnum):
    """All that a parent is told of the registration beyond their own part and the deadline."""

    OPEN = "open"
    WITH_THE_COUNTY = "with_the_county"
    CLOSED = "closed"


class Doubt(StrEnum):
    """Why a person of the county's staff should look at a registration."""

    PERSONS_CONTRADICT = "persons_contradict"
    CAME_BACK_AFTER_COMPLETION = "came_back_after_completion"
    HEARD_AFTER_ENDING = "heard_after_ending"
    CHANGED_AFTER_COMPLETION = "changed_after_completion"
    UNSETTLED_AT_PURGE = "unsettled_at_purge"


@dataclass(frozen=True, slots=True)
class Party:
    """One parent's part. Of a party that has left only its id is kept.

    `version` is that of the form now being filled or given in; `submitted` the last version given in, 0 for none.
    `revision` rises with every change of the own part. The last three are versions heard from the neighbours.
    """

    person: Person | None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    alone_at: datetime | None = None
    alone_shown_at: datetime | None = None
    identity: Sealed[Identity] | None = None
    contact: Sealed[Contact] | None = None
    protection: Sealed[Protection] | None = None
    protection_version: int = 0
    ticket_id: UUID | None = None
    drafts: dict[str, Sealed[OwnForm]] = field(default_factory=dict[str, Sealed[OwnForm]])
    version: int = 1
    submitted: int = 0
    submitted_at: datetime | None = None
    revision: int = 0
    screening: int = 0
    consent: int = 0
    consent_withdrawn: int = 0

    @property
    def is_here(self) -> bool:
        """Joined, and not left."""
        return self.joined_at is not None and self.left_at is None

    @property
    def is_expected(self) -> bool:
        """Named by the other, and neither joined nor left."""
        return self.joined_at is None and self.left_at is None

    @property
    def form_is_given_in(self) -> bool:
        return self.submitted == self.version

    @property
    def is_whole(self) -> bool:
        """Form, screening and consents are all done, and this parent did not ask to be contacted alone."""
        consented = self.consent > self.consent_withdrawn
        return self.is_here and self.alone_at is None and self.form_is_given_in and self.screening > 0 and consented


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of record_export's ledger as far as purge needs it; `party_id` None is the joint record.

    `state` is the last that changed whether it is delivered or settled.
    """

    party_id: UUID | None
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that goes to a person, and whether a person took it."""

    doubt: Doubt
    since: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration. `seats` is how many parties it takes; `pairs` the pair claims it holds, in hexadecimal.

    `begun_by` marks, by keyed hashes of its own, whoever has started here, left or not; it goes with the pairs.
    `completed` lists the parts that were whole in time: those that the gate closed over at `completed_at`, or that were
    heard only after the ending, until a person delivers them.
    `completed_shown_at` is the full hour from which both parents are shown that it is with the county; `shown_until`
    the moment from which neither is shown it any more and no token is good for it. Only then is it forgotten: how much
    later depends on what the other asked for. Once it is `being_forgotten` its keys go, and nothing that a parent asks
    for may be promised any more.
    """

    county: str
    pins: Pins
    seats: int
    opened_at: datetime
    deadline: datetime
    parties: dict[UUID, Party]
    pairs: tuple[str, ...] = ()
    begun_by: tuple[str, ...] = ()
    completed_at: datetime | None = None
    completed_shown_at: datetime | None = None
    contact_by: datetime | None = None
    completed: tuple[CompletedPart, ...] = ()
    ended_at: datetime | None = None
    deliveries: dict[UUID, Delivery] = field(default_factory=dict[UUID, Delivery])
    purge_at: datetime | None = None
    shown_until: datetime | None = None
    being_forgotten: bool = False
    attention: tuple[Attention, ...] = ()

    @property
    def present(self) -> dict[UUID, Party]:
        """Every party that has not left, joined or still expected."""
        return {party_id: party for party_id, party in self.parties.items() if party.left_at is None}

    @property
    def is_open(self) -> bool:
        """Neither completed nor ended; says nothing of the clock."""
        return self.completed_at is None and self.ended_at is None

    @property
    def is_still_to_be_delivered(self) -> bool:
        """Whole in time, heard only after the ending, and not delivered by a person yet."""
        return self.completed_at is None and any(self.takes_part(part) for part in self.completed)

    @property
    def waits_for_a_person(self) -> bool:
        """Whether staff have yet to look at it for its own sake, and not only for how long it has waited."""
        return any(noted.settled_at is None and noted.doubt is not Doubt.UNSETTLED_AT_PURGE for noted in self.attention)

    def is_out_of_sight(self, now: datetime) -> bool:
        """Whether it is to look as if it were forgotten, to both parents from the same moment."""
        return self.shown_until is not None and now >= self.shown_until

    def takes_part(self, part: CompletedPart) -> bool:
        """Whether a completed part still goes to the county: its parent has neither left nor taken consents back."""
        party = self.present.get(part.party_id)
        return party is not None and party.consent_withdrawn < part.consent

    def with_party(self, party_id: UUID, **changes: Any) -> Registration:
        """The same registration with one party changed."""
        return replace(self, parties={**self.parties, party_id: replace(self.parties[party_id], **changes)})

    def status_for(self, party_id: UUID, now: datetime) -> Status:
        """What this parent is told. It depends on nothing that the other did, except that both completed."""
        party = self.parties[party_id]
        if party.left_at is not None:
            return Status.CLOSED
        if any(
            shown_at is not None and now >= shown_at for shown_at in (party.alone_shown_at, self.completed_shown_at)
        ):
            return Status.WITH_THE_COUNTY
        return Status.OPEN if self.ended_at is None else Status.CLOSED


def the_party(state: Registration | None, party_id: UUID) -> tuple[Registration, Party]:
    """The registration and the caller's own part. A parent who is not here has none.

    Raises: UnknownRegistration; Closed for one who left, and for all once the registration is being forgotten.
    """
    party = state.parties.get(party_id) if state else None
    if state is None or party is None or party.is_expected:
        raise UnknownRegistration
    if party.left_at is not None or state.being_forgotten:
        raise Closed
    return state, party


def the_party_that_may_change(state: Registration | None, party_id: UUID, now: datetime) -> tuple[Registration, Party]:
    """Like `the_party`, and the own part may still be changed. Until the full hour a completed one answers as before.

    Raises: WithTheCounty once that is shown, or this parent asked to be contacted alone; Closed after the deadline.
    """
    registration, party = the_party(state, party_id)
    if party.alone_at is not None or registration.status_for(party_id, now) is Status.WITH_THE_COUNTY:
        raise WithTheCounty
    if registration.ended_at is not None or now > registration.deadline:
        raise Closed
    return registration, party


def owned_by(party_id: UUID, part: Sealed[T]) -> Sealed[T]:
    """A part whose owner was not known when it came in. One that is sealed already keeps its owner."""
    return part if part.plain is None else Sealed[T](party=party_id, mark=part.mark, plain=part.plain)


def pair_claims(registration: Registration) -> tuple[Claim, ...]:
    """The pair claims that this registration holds."""
    return tuple(Claim(PAIR, bytes.fromhex(key)) for key in registration.pairs)


def to_a_person(state: Registration, doubt: Doubt, context: Context) -> tuple[Registration, tuple[Work, ...]]:
    """Put before the county's staff, once per doubt, with an alarm."""
    if any(noted.doubt is doubt and noted.settled_at is None for noted in state.attention):
        return state, ()
    noted = replace(state, attention=(*state.attention, Attention(doubt=doubt, since=context.now)))
    key = f"{context.subject}.{len(noted.attention)}"
    return noted, (Work(ALARM, key, context.now, {"doubt": doubt.value}),)
