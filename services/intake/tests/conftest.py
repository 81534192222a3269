"""One registration played in memory by the real deciders, with the profiles that counties really use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Work
from rinnan_events import Event, Sealed
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.invitation import CodePresented, Intention
from rinnan_events.opened import Consents, Contact, Identity, OwnForm, Protection
from rinnan_events.record_export import DeliveryMoved, DeliveryState
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_intake.domain import ending, gate, joining, leaving, opening, own_part, tries
from rinnan_intake.domain.opening import Newcomer
from rinnan_intake.domain.state import Person, Registration, Status
from rinnan_profiles import Profiles, load

ROOT = Path(__file__).parents[3]
MONDAY = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


def newcomer(person: Person) -> Newcomer:
    return Newcomer(
        person=person,
        identity=Sealed.of(Identity(family_name="Esimerkki"), party=None),
        contact=Sealed.of(Contact(language="fi"), party=None),
        protection=Sealed.of(Protection(), party=None),
    )


@dataclass
class Play:
    """What the chassis does with deciders, in memory: states, claims, works, and everything said, in order."""

    profiles: Profiles
    now: datetime = MONDAY
    states: dict[UUID, Registration] = field(default_factory=dict)
    claims: dict[Claim, Claimed] = field(default_factory=dict)
    works: dict[tuple[str, str], tuple[UUID, Work]] = field(default_factory=dict)
    said: list[Event] = field(default_factory=list)

    def decide(
        self,
        decider: Callable[..., Decision[Registration] | None],
        fact: object,
        subject: UUID,
        *,
        claims: tuple[Claim, ...] = (),
    ) -> Decision[Registration] | None:
        claimed = {claim: self.claims.get(claim, Claimed()) for claim in claims}
        context = Context(self.now, self.now, subject, self.profiles, claimed, beside=uuid4() if claims else None)
        decision = decider(self.states.get(subject), fact, context)
        if decision is None:
            return None
        if decision.beside:
            assert context.beside
            subject = context.beside
        if decision.state is not None:
            self.states[subject] = decision.state
        for claim, value in decision.claims.items():
            if value is None:
                self.claims.pop(claim, None)
            else:
                self.claims[claim] = value
        for work in decision.works:
            if isinstance(work, Work):
                self.works[work.kind, work.key] = (subject, work)
            else:
                self.works.pop((work.kind, work.key), None)
        self.said.extend(decision.says)
        if decision.forget:
            del self.states[subject]
        return decision

    def starts(self, who: Person, other: Person, *, county: str = "lapha") -> UUID:
        command = opening.StartRegistration(
            county=county,
            caller=newcomer(who),
            other=other,
            other_contact=Sealed.of(Contact(language="fi"), party=None),
            children=Sealed.of(OwnForm(language="fi", services=(), children=(), answers={}), party=None),
            day=self.profiles.county(county).day(self.now),
        )
        claims = opening.claims_of(command)
        claimed = {claim: self.claims.get(claim, Claimed()) for claim in claims}
        met = opening.where_they_meet(command, claimed, uuid4())
        decision = self.decide(opening.start_registration, command, met, claims=claims)
        assert decision is not None
        assert decision.answer is not None
        return UUID(decision.answer["registration_id"])

    def party_of(self, registration: UUID, who: Person) -> UUID:
        for party_id, party in self.states[registration].parties.items():
            if party.person and party.person.matches(who) == "yes":
                return party_id
        raise LookupError

    def takes_ticket(self, who: Person, *, county: str = "lapha") -> str:
        ticket = hashlib.sha256(uuid4().bytes).hexdigest()
        issue = joining.IssueTicket(county, ticket, newcomer(who), "holder", self.now.date())
        self.decide(joining.issue_ticket, issue, uuid4(), claims=joining.claims_of_issue(issue))
        return ticket

    def presents_code(
        self, registration: UUID, party: UUID, ticket: str, intention: Intention = Intention.JOIN
    ) -> Decision[Registration] | None:
        event = CodePresented(
            registration_id=registration,
            party_id=party,
            invitation_id=uuid4(),
            ticket=ticket,
            intention=intention,
            presented_at=self.now,
        )
        return self.decide(joining.match_the_person, event, registration, claims=joining.claims_of_code(event))

    def ticket_reads(self, ticket: str) -> joining.TicketReads:
        noted = joining.Ticket.noted(self.claims[joining.ticket_claim(ticket)].note)
        assert noted is not None
        return noted.reads(self.now)

    def submits(self, registration: UUID, party: UUID, *, held: bool = False) -> Decision[Registration] | None:
        state = self.states[registration]
        own = Sealed.of(OwnForm(language="fi", services=(), children=(), answers={}), party=party)
        command = own_part.SubmitForm(party, own, state.parties[party].revision)
        decision = self.decide(own_part.submit_form, command, registration)
        if not held:
            self.waits(timedelta(0))
        return decision

    def reopens(self, registration: UUID, party: UUID) -> Decision[Registration] | None:
        return self.decide(own_part.reopen_form, own_part.ReopenForm(party), registration)

    def saves(self, registration: UUID, party: UUID, expected: int | None = None) -> Decision[Registration] | None:
        draft = Sealed.of(OwnForm(language="fi", services=(), children=(), answers={}), party=party, mark="form.x")
        return self.decide(own_part.save_step, own_part.SaveStep(party, "x", draft, expected), registration)

    def is_screened(
        self, registration: UUID, party: UUID, version: int = 1, accepted_at: datetime | None = None
    ) -> None:
        event = ScreeningCompleted(
            registration_id=registration, party_id=party, version=version, completed_at=accepted_at or self.now
        )
        self.decide(gate.hear_screening, event, registration)

    def consents(self, registration: UUID, party: UUID, version: int = 1, accepted_at: datetime | None = None) -> None:
        words = Consents(text_version="plain.1", language="fi", given={}, given_at=accepted_at or self.now)
        event = ConsentGiven(
            registration_id=registration,
            party_id=party,
            version=version,
            given_at=accepted_at or self.now,
            consents=Sealed.of(words, party=party),
        )
        self.decide(gate.hear_consent, event, registration)

    def withdraws_consent(
        self, registration: UUID, party: UUID, version: int = 1, accepted_at: datetime | None = None
    ) -> None:
        event = ConsentWithdrawn(
            registration_id=registration, party_id=party, version=version, withdrawn_at=accepted_at or self.now
        )
        self.decide(gate.hear_withdrawal, event, registration)

    def delivery_moves(
        self, registration: UUID, delivery: UUID, to_state: DeliveryState, party: UUID | None = None
    ) -> None:
        event = DeliveryMoved(
            registration_id=registration,
            delivery_id=delivery,
            destination="lapha-paper",
            party_id=party,
            from_state=None,
            to_state=to_state,
            reason="decided",
            attempt=1,
            moved_at=self.now,
        )
        self.decide(ending.hear_delivery, event, registration)

    def keys_are_gone(self, registration: UUID, *, everything: bool) -> None:
        self.decide(ending.forget, ending.KeysDestroyed(everything=everything), registration)

    def completes_own_part(self, registration: UUID, party: UUID) -> None:
        self.is_screened(registration, party)
        self.consents(registration, party)
        self.submits(registration, party)

    def both_are_here(self, one: Person, other: Person) -> tuple[UUID, UUID, UUID]:
        registration = self.starts(one, other)
        self.starts(other, one)
        return registration, self.party_of(registration, one), self.party_of(registration, other)

    def leaves(self, registration: UUID, party: UUID) -> Decision[Registration] | None:
        return self.decide(leaving.leave, leaving.Leave(party), registration)

    def asks_alone(self, registration: UUID, party: UUID) -> Decision[Registration] | None:
        return self.decide(leaving.ask_to_be_contacted_alone, leaving.AskToBeContactedAlone(party), registration)

    def asks_from_outside(self, who: Person, *, county: str = "lapha") -> UUID:
        """Ask to be contacted alone in no registration with another."""
        command = leaving.OpenForOneAlone(county, newcomer(who), self.profiles.county(county).day(self.now))
        claims = leaving.claims_of_one(command)
        claimed = {claim: self.claims.get(claim, Claimed()) for claim in claims}
        subject = leaving.where_one_is(command, claimed, uuid4())
        self.decide(leaving.open_for_one_alone, command, subject, claims=claims)
        return subject

    def waits(self, length: timedelta) -> None:
        """Time passes, and the purely timed work that falls due is decided on."""
        until = self.now + length
        while due := sorted(
            (
                (work.due_at, kind, key)
                for (kind, key), (_, work) in self.works.items()
                if work.due_at <= until and kind in TIMED
            )
        ):
            at, kind, key = due[0]
            subject, work = self.works.pop((kind, key))
            self.now = max(self.now, at)
            decider, fact = TIMED[kind]
            self.decide(decider, fact(**work.payload), subject)
        self.now = until

    def planned(self, kind: str) -> list[Work]:
        return [work for (each, _), (_, work) in self.works.items() if each == kind]

    def sees(self, registration: UUID, party: UUID) -> Status:
        return self.states[registration].status_for(party, self.now)

    def said_of(self, event: type[Event]) -> list[Any]:
        return [said for said in self.said if isinstance(said, event)]


TIMED: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "gate": (gate.open_the_gate, gate.GateDue),
    "closing": (ending.close, ending.ClosingDue),
    "purge": (ending.purge, ending.PurgeDue),
    "forget_ticket": (joining.forget_ticket, joining.ForgetTicket),
    "forget_tries": (tries.forget_tries, tries.ForgetTries),
}


@pytest.fixture
def play(profiles: Profiles) -> Play:
    return Play(profiles)


@pytest.fixture(scope="session")
def fresh_play(profiles: Profiles) -> Callable[[], Play]:
    """Another registration, from nothing."""
    return lambda: Play(profiles)
