"""Joining by code: a ticket binds whoever is signed in to one try; whether it matches, only intake knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Work, digest
from rinnan_events import Sealed
from rinnan_events.intake import PartyLeft
from rinnan_events.invitation import CodePresented, Intention
from rinnan_events.opened import Contact, Identity, Protection
from rinnan_intake.domain.assisting import assisted
from rinnan_intake.domain.ending import DESTROY_KEYS
from rinnan_intake.domain.leaving import TAKE_IN, emptied, erasing_work
from rinnan_intake.domain.opening import Newcomer, join
from rinnan_intake.domain.reference import county_now
from rinnan_intake.domain.state import Doubt, Match, Registration, to_a_person
from rinnan_intake.domain.tries import counting, one_more
from rinnan_intake.errors import TooManyTickets

TICKET = "ticket"
FORGET_TICKET = "forget_ticket"
KEPT_AFTER = timedelta(hours=1)
"""How long a ticket can still be read after its time is up."""


class TicketReads(StrEnum):
    """What a ticket reads. Nothing before its time is up tells why it has not joined."""

    WAITING = "waiting"
    JOINED = "joined"
    LEFT = "left"
    DID_NOT_MATCH = "did_not_match"


@dataclass(frozen=True, slots=True)
class IssueTicket:
    """Somebody who is signed in wants to join. `ticket` is the SHA-256, in hexadecimal, of what only they hold.

    `holder` is who alone may read it: a keyed digest of the person, or the member of staff who took it. `day` is the
    county's calendar day, which tickets are counted by.
    """

    county: str
    ticket: str
    newcomer: Newcomer
    holder: str
    day: date


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is noted of a ticket. Its sealed parts rest under a key of its own until it had its try.

    Its `holder` outlives the try: what became of it is told to nobody else.
    """

    issued_at: datetime
    expires_at: datetime
    newcomer: Newcomer | None
    holder: str
    registration_id: UUID | None = None
    left: bool = False

    def reads(self, now: datetime) -> TicketReads:
        """What the holder is told at this moment."""
        if self.registration_id is not None:
            return TicketReads.LEFT if self.left else TicketReads.JOINED
        return TicketReads.WAITING if now < self.expires_at else TicketReads.DID_NOT_MATCH

    def note(self) -> dict[str, Any]:
        """As it is noted on its claim."""
        came = self.newcomer
        return {
            "issued_at": self.issued_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "registration_id": str(self.registration_id) if self.registration_id else None,
            "left": self.left,
            "holder": self.holder,
            "name": came.person.name if came else None,
            "code": came.person.code if came else None,
            "identity": came.identity if came else None,
            "contact": came.contact if came else None,
            "protection": came.protection if came else None,
            "by": came.by if came else None,
        }

    @classmethod
    def noted(cls, note: Mapping[str, Any]) -> Ticket | None:
        """The ticket as it was noted; None where there is none."""
        if not note:
            return None
        parts = {name: note[name] for name in ("identity", "contact", "protection")}
        person = {"name": note["name"], "code": note["code"]}
        came = {"person": person, "by": note.get("by"), **parts} if parts["identity"] else None
        kept = {name: note[name] for name in ("issued_at", "expires_at", "registration_id", "left")}
        holder = note.get("holder", "")  # nobody, where it was noted before holders were
        return _TICKET.validate_python({**kept, "newcomer": came, "holder": holder})


_TICKET = TypeAdapter(Ticket)


@dataclass(frozen=True, slots=True)
class ForgetTicket:
    """A ticket's time has long been up."""

    ticket: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came with a ticket, opened, to rest under the party's own keys from now on."""

    party_id: UUID
    ticket_id: UUID
    identity: Sealed[Identity]
    contact: Sealed[Contact]
    protection: Sealed[Protection]


def ticket_claim(ticket: str) -> Claim:
    """The claim of a ticket by its SHA-256. Whatever else is written there claims what nobody holds."""
    return Claim(TICKET, digest(TICKET, ticket))


def claims_of_issue(issue: IssueTicket) -> tuple[Claim, ...]:
    """The ticket's own, and those that count how many this person asked for."""
    return (ticket_claim(issue.ticket), *_counted(issue))


def claims_of_code(event: CodePresented) -> tuple[Claim, ...]:
    """The ticket that the code came with."""
    return (ticket_claim(event.ticket),)


def issue_ticket(_: Registration | None, issue: IssueTicket, context: Context) -> Decision[Registration]:
    """Issue a ticket; its subject is the ticket itself. Raises: TooManyTickets, UnknownCounty."""
    county = county_now(context, issue.county)
    counted, forgetting = one_more(_counted(issue), context, most=county.tickets_per_day, refusal=TooManyTickets)
    ticket = Ticket(
        issued_at=context.now,
        expires_at=county.ticket_expires_at(context.now),
        newcomer=issue.newcomer,
        holder=issue.holder,
    )
    forgotten_at = ticket.expires_at + KEPT_AFTER
    return Decision(
        claims={ticket_claim(issue.ticket): Claimed(context.subject, ticket.note()), **counted},
        works=(Work(FORGET_TICKET, str(context.subject), forgotten_at, {"ticket": issue.ticket}), forgetting),
        answer={"expires_at": ticket.expires_at.isoformat()},
        by_hand=assisted(issue.newcomer.by, "ticket"),
    )


def match_the_person(
    state: Registration | None, event: CodePresented, context: Context
) -> Decision[Registration] | None:
    """A code came with a ticket: whoever holds it joins or declines, if they are who is expected; else nothing.

    One ticket is one try: it is spent by this code, whatever becomes of it.
    """
    claim = ticket_claim(event.ticket)
    held = context.claimed[claim]
    ticket = Ticket.noted(held.note)
    if state is None or ticket is None or held.subject is None or ticket.newcomer is None:
        return None
    tried = replace(ticket, newcomer=None)
    decision = _try(state, event, ticket, ticket.newcomer, ticket_id=held.subject, context=context)
    if decision is None:
        return Decision(claims={claim: Claimed(held.subject, tried.note())})
    if decision.says or decision.answer:
        left = event.intention is Intention.DECLINE
        tried = replace(tried, registration_id=context.subject, left=left)
        by_hand = assisted(ticket.newcomer.by, "declining" if left else "joining", event.party_id)
        decision = replace(decision, by_hand=by_hand)
    return replace(decision, claims={claim: Claimed(held.subject, tried.note())})


def take_in(state: Registration | None, taken: TakenIn, _: Context) -> Decision[Registration] | None:
    """Keep under the party's own keys what came with the ticket, unless the parent has saved it anew meanwhile."""
    party = state.parties.get(taken.party_id) if state else None
    if state is None or party is None or not party.is_here:
        return None
    changes = {
        name: getattr(taken, name)
        for name in ("identity", "contact", "protection")
        if _rests_with(taken.ticket_id, getattr(party, name))
    }
    return Decision(state=state.with_party(taken.party_id, ticket_id=None, **changes))


def forget_ticket(_: Registration | None, due: ForgetTicket, context: Context) -> Decision[Registration]:
    """Let the ticket go, and its key with it."""
    gone = Work(DESTROY_KEYS, str(context.subject), context.now, {"parties": [None]})
    return Decision(claims={ticket_claim(due.ticket): None}, works=(gone,))


def _counted(issue: IssueTicket) -> tuple[Claim, ...]:
    return counting(TICKET, issue.newcomer.person, issue.day)


def _try(
    state: Registration,
    event: CodePresented,
    ticket: Ticket,
    newcomer: Newcomer,
    *,
    ticket_id: UUID,
    context: Context,
) -> Decision[Registration] | None:
    party = state.parties.get(event.party_id)
    in_time = event.presented_at <= min(ticket.expires_at, state.deadline)
    if party is None or party.left_at is not None or not in_time or party.person is None:
        return None
    verdict = newcomer.person.matches(party.person)
    if verdict is Match.NO:
        return None
    if verdict is Match.DOUBT or state.ended_at is not None:
        doubt = Doubt.PERSONS_CONTRADICT if verdict is Match.DOUBT else Doubt.HEARD_AFTER_ENDING
        noted, alarms = to_a_person(state, doubt, context)
        return Decision(state=noted, works=alarms)
    if not party.is_expected:
        return Decision(answer={"already_here": True}) if event.intention is Intention.JOIN else None
    if event.intention is Intention.DECLINE:
        said = PartyLeft(registration_id=context.subject, party_id=event.party_id, left_at=context.now)
        erased = erasing_work(event.party_id, party, context)
        return Decision(state=emptied(state, event.party_id, context.now), says=(said,), works=erased)
    joined, says = join(state, event.party_id, newcomer, context)
    joined = joined.with_party(event.party_id, ticket_id=ticket_id)
    parts = {"identity": newcomer.identity, "contact": newcomer.contact, "protection": newcomer.protection}
    payload = {"party_id": str(event.party_id), "ticket_id": str(ticket_id), **parts}
    return Decision(state=joined, says=says, works=(Work(TAKE_IN, str(ticket_id), context.now, payload),))


def _rests_with(ticket_id: UUID, part: Sealed[Any] | None) -> bool:
    return part is not None and part.binding is not None and part.binding.subject == ticket_id
