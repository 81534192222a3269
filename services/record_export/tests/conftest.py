"""Registrations that record_export hears of, decided in memory by the real deciders, with the shipped profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import ByHand, Cancel, Context, Decision, Refusal, Work
from rinnan_events import Event, Sealed
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import (
    CompletedPart,
    FormSubmitted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationOpened,
    SingleContactRequested,
)
from rinnan_events.opened import (
    CareRoute,
    Child,
    ClientRecord,
    Consents,
    Contact,
    Identity,
    OwnForm,
    Protection,
    Route,
    Scope,
)
from rinnan_events.record_export import DeliveryMoved, DeliveryState
from rinnan_events.risk_screening import CareRouteSet
from rinnan_profiles import Profiles, load
from rinnan_record_export.domain import outcomes, planning
from rinnan_record_export.domain.ledger import Delivery
from rinnan_record_export.domain.outcomes import Assembled, LookDue, PaperDue, PromiseDue
from rinnan_record_export.domain.planning import PlanAnyway
from rinnan_record_export.domain.registration import Registration

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
ELLE = Child(family_name="Länsman-Čáhput", given_names="Elle Áššá", identity_code="140317A901W")
ONNI = Child(family_name="Nieminen", given_names="Onni", birth_date=date(2020, 8, 30))

HEARD: dict[type[Event], Callable[..., Decision[Registration] | None]] = {
    RegistrationOpened: planning.note_the_opening,
    ParentJoined: planning.note_the_parent,
    FormSubmitted: planning.note_the_form,
    ProtectionNoted: planning.note_protection,
    ConsentGiven: planning.note_the_consents,
    ConsentWithdrawn: planning.note_the_withdrawal,
    CareRouteSet: planning.note_the_care,
    PartyLeft: planning.let_go,
    RegistrationCompleted: planning.complete,
    SingleContactRequested: planning.contact_alone,
    DeliveryOutcome: outcomes.hear_outcome,
}


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@dataclass
class Play:
    """One registration of two parties, in a county that takes FHIR."""

    profiles: Profiles
    county: str = "vakehyva"
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    now: datetime = MORNING
    state: Registration | None = None
    said: list[Event] = field(default_factory=list)
    works: dict[tuple[str, str], Work] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    assembled: list[tuple[UUID, ...]] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    by_hand: list[ByHand] = field(default_factory=list)

    def decide(self, decider: Callable[..., Decision[Registration] | None], fact: object) -> Any:
        decision = decider(self.state, fact, Context(self.now, self.now, self.registration, self.profiles))
        if decision is None:
            return None
        self.state = None if decision.forget else decision.state or self.state
        self.said.extend(decision.says)
        self.by_hand.extend([decision.by_hand] if decision.by_hand else [])
        for work in decision.works:
            match work:
                case Cancel():
                    self.works.pop((work.kind, work.key), None)
                case Work() if (work.kind, work.key) not in self.done:
                    self.works[work.kind, work.key] = work
                    if work.kind == "alarm":
                        self.alarms[work.key] = str(work.payload["reason"])
                case _:
                    pass
        return decision.answer

    def hears(self, *events: Event) -> None:
        for event in events:
            try:
                self.decide(HEARD[type(event)], event)
            except Refusal:
                continue

    def opened(self) -> RegistrationOpened:
        county = self.profiles.county(self.county)
        return RegistrationOpened(
            registration_id=self.registration,
            county=self.county,
            party_ids=(self.one, self.other),
            opened_at=MORNING,
            deadline=county.deadline(MORNING),
            pins=county.pins(),
        )

    def parts(self, party: UUID, version: int = 1) -> list[Event]:
        """Everything that is heard of one party who did all of their part once."""
        about: dict[str, Any] = {"registration_id": self.registration, "party_id": party}
        contact = Sealed.of(Contact(language="fi", email="a@parents.example"), party=party)
        identity = Sealed.of(Identity(family_name="Nieminen", given_names="Aino"), party=party)
        own = OwnForm(language="fi", services=("agreement",), children=(ELLE, ONNI), answers={})
        consents = Consents(text_version="plain.1", language="fi", given={}, given_at=MORNING)
        care = CareRoute(route=Route.STANDARD, instrument="hark_separation", instrument_version="1")
        protection = Sealed.of(Protection(town="Olematon"), party=party)
        return [
            ParentJoined(**about, joined_at=MORNING, identity=identity, contact=contact),
            ProtectionNoted(**about, version=1, protection=protection),
            FormSubmitted(
                **about, version=version, submitted_at=MORNING, own=Sealed.of(own, party=party), contact=contact
            ),
            ProtectionNoted(**about, version=1, protection=protection),
            ConsentGiven(**about, version=version, given_at=MORNING, consents=Sealed.of(consents, party=party)),
            CareRouteSet(**about, version=version, care=Sealed.of(care, party=party)),
        ]

    def completed(self) -> RegistrationCompleted:
        parts = tuple(
            CompletedPart(party_id=party, form=1, consent=1, screening=1) for party in sorted((self.one, self.other))
        )
        contact_by = self.profiles.county(self.county).contact_by(MORNING)
        return RegistrationCompleted(
            registration_id=self.registration, completed_at=MORNING, contact_by=contact_by, parts=parts
        )

    def asks_alone(self, party: UUID, form: int | None) -> SingleContactRequested:
        return SingleContactRequested(
            registration_id=self.registration,
            party_id=party,
            requested_at=MORNING,
            contact_by=self.profiles.county(self.county).contact_by(MORNING),
            form=form,
            identity=Sealed.of(Identity(family_name="Nieminen"), party=party),
            contact=Sealed.of(Contact(language="fi"), party=party),
        )

    def left(self, party: UUID) -> PartyLeft:
        return PartyLeft(registration_id=self.registration, party_id=party, left_at=self.now)

    def withdrew(self, party: UUID, *, version: int = 1, at: datetime = MORNING) -> ConsentWithdrawn:
        return ConsentWithdrawn(registration_id=self.registration, party_id=party, version=version, withdrawn_at=at)

    def in_some_order(self, events: Iterable[Event], chance: Random) -> Iterator[Event]:
        """Each topic in its own order, and the topics as chance has it."""
        by_topic: dict[str, list[Event]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(event)
        while by_topic:
            topic = chance.choice(sorted(by_topic))
            yield by_topic[topic].pop(0)
            if not by_topic[topic]:
                del by_topic[topic]

    def everything(self) -> list[Event]:
        return [self.opened(), *self.parts(self.one), *self.parts(self.other), self.completed()]

    def deliveries(self) -> list[tuple[UUID, Delivery]]:
        return list(self.state.deliveries.items()) if self.state else []

    def delivery(self) -> Delivery:
        (only,) = self.deliveries()
        return only[1]

    def delivery_id(self) -> UUID:
        (only,) = self.deliveries()
        return only[0]

    def runs_what_is_due(self) -> None:
        """Every piece of work that is due, in order, until nothing is."""
        while due := sorted((work for work in self.works.values() if work.due_at <= self.now), key=lambda w: w.due_at):
            self.runs(due[0])

    def runs(self, work: Work) -> None:
        del self.works[work.kind, work.key]
        self.done.add((work.kind, work.key))
        match work.kind:
            case "assemble":
                self.assembles(work)
            case "look":
                self.decide(outcomes.look, LookDue(**work.payload))
            case "paper":
                self.decide(outcomes.turn_to_paper, PaperDue(**work.payload))
            case "promise":
                self.decide(outcomes.call_for_the_promise, PromiseDue(**work.payload))
            case "plan_anyway":
                self.decide(planning.plan_anyway, PlanAnyway(**work.payload))
            case _:
                pass

    def assembles(self, work: Work) -> None:
        assert self.state is not None
        row_id = UUID(work.payload["delivery_id"])
        delivery = self.state.deliveries[row_id]
        here = tuple(part.party_id for part in self.state.wanted_for(delivery).parts if self.state.takes_part(part))
        self.assembled.append(here)
        record = Sealed.of(self.a_record(delivery), party=None) if here else None
        self.decide(outcomes.request, Assembled(row_id, work.payload["attempt"], record, here))

    def a_record(self, delivery: Delivery) -> ClientRecord:
        return ClientRecord(
            registration_id=self.registration,
            county=self.county,
            destination=delivery.destination,
            scope=Scope.JOINT,
            form_version="first_information.1",
            opened_at=MORNING,
            completed_at=MORNING,
            contact_by=delivery.contact_by,
            parties=(),
            children=(),
        )

    def passes(self, **span: float) -> None:
        """Time passes, and everything that falls due on the way is done at its time."""
        until = self.now + timedelta(**span)
        while due := [work.due_at for work in self.works.values() if work.due_at <= until]:
            self.now = max(self.now, min(due))
            self.runs_what_is_due()
        self.now = until

    def answers(self, outcome: Outcome, *, attempt: int | None = None, **more: Any) -> None:
        delivery = self.delivery()
        look = more.pop("look", delivery.look if delivery.state is DeliveryState.UNKNOWN else None)
        self.hears(
            DeliveryOutcome(
                registration_id=self.registration,
                delivery_id=self.delivery_id(),
                destination=more.pop("destination", delivery.destination),
                attempt=attempt or delivery.attempt,
                look=look,
                outcome=outcome,
                reason=more.pop("reason", outcome.value),
                happened_at=self.now,
                **more,
            )
        )

    def path(self) -> list[str]:
        return [str(move.to_state) for move in self.said if isinstance(move, DeliveryMoved)]

    def count(self, event: type[Event]) -> int:
        return sum(isinstance(each, event) for each in self.said)


@pytest.fixture
def play(profiles: Profiles) -> Play:
    return Play(profiles)


@pytest.fixture
def requested(play: Play) -> Play:
    """A joint record, asked of the county's system."""
    play.hears(*play.everything())
    play.runs_what_is_due()
    return play


@pytest.fixture
def a_play(profiles: Profiles) -> Callable[..., Play]:
    """Another registration, as told."""

    def a_play(**more: Any) -> Play:
        return Play(profiles, **more)

    return a_play
