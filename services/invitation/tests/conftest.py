"""Invitations decided in memory by the real deciders, with the profiles that counties really use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Lost, Work
from rinnan_events import Event, Sealed
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import (
    CompletedPart,
    FormReopened,
    FormSubmitted,
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.invitation import Channel, Intention
from rinnan_events.opened import Consents, Contact, Identity, OwnForm
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_invitation import codes
from rinnan_invitation.domain import asking, joining, life, reminding
from rinnan_invitation.domain.asking import AskAgain, CodeMade, MessageSent
from rinnan_invitation.domain.joining import PresentCode
from rinnan_invitation.domain.registration import InvitationCode, Registration
from rinnan_invitation.domain.reminding import Reminded
from rinnan_profiles import Profiles, load

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
PEPPER = b"pepper for tests"


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@dataclass
class Play:
    """One registration, as invitation knows it: `one` is here, `other` is awaited."""

    profiles: Profiles
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    now: datetime = MORNING
    opened_at: datetime = MORNING
    state: Registration | None = None
    forgotten: bool = False
    said: list[Event] = field(default_factory=list)
    works: dict[tuple[str, str], Work] = field(default_factory=dict)
    ran: set[tuple[str, str]] = field(default_factory=set)
    claims: dict[Claim, Claimed] = field(default_factory=dict)

    @property
    def county(self) -> Any:
        return self.profiles.county("vakehyva")

    @property
    def deadline(self) -> datetime:
        return self.county.deadline(self.opened_at)

    def decide(self, decider: Callable[..., Decision[Registration] | None], fact: object) -> Any:
        decision = decider(self.state, fact, Context(self.now, self.now, self.registration, self.profiles))
        if decision is None:
            return None
        self.state = decision.state or self.state
        self.said.extend(decision.says)
        for claim, value in decision.claims.items():
            if value is None:
                self.claims.pop(claim, None)
            else:
                self.claims[claim] = value
        for work in decision.works:
            key = work.kind, work.key
            if not isinstance(work, Work):
                self.works.pop(key, None)
            elif key not in self.ran:
                self.works[key] = work
        if decision.forget:
            self.state, self.forgotten = None, True
        return decision

    def opens(self) -> None:
        event = RegistrationOpened(
            registration_id=self.registration,
            county=self.county.code,
            party_ids=(self.one, self.other),
            opened_at=self.opened_at,
            deadline=self.deadline,
            pins=self.county.pins(),
        )
        self.decide(life.note_the_opening, event)

    def wants(self, teller: UUID, email: str = "told@example.org", asked: int = 1) -> None:
        other = self.one if teller == self.other else self.other
        event = InvitationWanted(
            registration_id=self.registration, party_id=other, teller_id=teller, asked=asked, contact=self.told(email)
        )
        self.decide(asking.ask, event)

    def joins(self, party: UUID) -> None:
        event = ParentJoined(
            registration_id=self.registration,
            party_id=party,
            joined_at=self.now,
            identity=Sealed.of(Identity(family_name="Esimerkki"), party=party),
            contact=self.contact(party),
        )
        self.decide(life.welcome, event)

    def begins(self) -> None:
        self.opens()
        self.joins(self.one)
        self.wants(self.one)
        self.makes_codes()

    def submits(self, party: UUID) -> None:
        event = FormSubmitted(
            registration_id=self.registration,
            party_id=party,
            version=1,
            submitted_at=self.now,
            own=Sealed.of(OwnForm(language="fi", services=(), children=(), answers={}), party=party),
            contact=self.contact(party),
        )
        self.decide(life.note_the_submission, event)

    def reopens(self, party: UUID) -> None:
        event = FormReopened(registration_id=self.registration, party_id=party, version=1)
        self.decide(life.note_the_reopening, event)

    def is_screened(self, party: UUID) -> None:
        event = ScreeningCompleted(registration_id=self.registration, party_id=party, version=1, completed_at=self.now)
        self.decide(life.note_the_screening, event)

    def consents(self, party: UUID, version: int = 1) -> None:
        words = Consents(text_version="plain.1", language="fi", given={}, given_at=self.now)
        event = ConsentGiven(
            registration_id=self.registration,
            party_id=party,
            version=version,
            given_at=self.now,
            consents=Sealed.of(words, party=party),
        )
        self.decide(life.note_the_consents, event)

    def withdraws(self, party: UUID) -> None:
        event = ConsentWithdrawn(registration_id=self.registration, party_id=party, version=1, withdrawn_at=self.now)
        self.decide(life.note_the_withdrawal, event)

    def is_whole(self, party: UUID) -> None:
        self.submits(party)
        self.is_screened(party)
        self.consents(party)

    def asks_alone(self, party: UUID) -> None:
        event = SingleContactRequested(
            registration_id=self.registration,
            party_id=party,
            requested_at=self.now,
            contact_by=self.deadline,
            form=None,
            identity=Sealed.of(Identity(family_name="Esimerkki"), party=party),
            contact=self.contact(party),
        )
        self.decide(life.leave_alone, event)

    def leaves(self, party: UUID) -> None:
        event = PartyLeft(registration_id=self.registration, party_id=party, left_at=self.now)
        self.decide(life.forget_the_leaver, event)

    def completes(self) -> None:
        parts = tuple(CompletedPart(party_id=each, form=1, consent=1, screening=1) for each in (self.one, self.other))
        event = RegistrationCompleted(
            registration_id=self.registration, completed_at=self.now, contact_by=self.deadline, parts=parts
        )
        self.decide(life.rest, event)

    def ends(self) -> None:
        self.decide(life.close, RegistrationEnded(registration_id=self.registration, ended_at=self.now))

    def is_purged(self) -> None:
        self.decide(life.purge, RegistrationPurged(registration_id=self.registration, purged_at=self.now))

    def asks_again(self, party: UUID, email: str = "told@example.org") -> Any:
        return self.decide(asking.ask_again, AskAgain(party, self.told(email)))

    def makes_codes(self) -> list[str]:
        """Do the making of codes that is due; the codes, as their letters will show them."""
        made = []
        for key, work in sorted(self.works.items()):
            if work.kind == asking.MAKE_CODE:
                del self.works[key]
                code = codes.new_code()
                made.append(code)
                result = CodeMade(
                    UUID(work.payload["party_id"]),
                    UUID(work.payload["teller_id"]),
                    UUID(work.payload["invitation_id"]),
                    codes.key_of(code, PEPPER),
                    Sealed.of(InvitationCode(code=code), party=None),
                    work.payload["contact"],
                )
                self.decide(asking.issue, result)
        return made

    def presents(self, code: str, at: datetime | None = None) -> Any:
        command = PresentCode(codes.key_of(code, PEPPER), "ab" * 32, Intention.JOIN, at or self.now)
        return self.decide(joining.present_code, command)

    def sends(self, party: UUID, invitation: UUID) -> Any:
        return self.decide(asking.note_the_invitation_sent, MessageSent(party, invitation, Channel.EMAIL))

    def reminds(self, party: UUID, *, perhaps: bool = False) -> Any:
        return self.decide(reminding.note_the_reminder, Reminded(party, perhaps))

    def loses(self, work: Work) -> Any:
        return self.decide(reminding.note_the_perhaps, Lost(work.kind, work.key, work.payload, self.now))

    def runs(self, kind: str) -> list[Work]:
        """Run what is due of one kind: it is done, and never planned again."""
        due = [work for work in self.works.values() if work.kind == kind and work.due_at <= self.now]
        for work in due:
            self.ran.add((work.kind, work.key))
            del self.works[work.kind, work.key]
        return due

    def planned(self, kind: str) -> list[Work]:
        return [work for work in self.works.values() if work.kind == kind]

    def reminders_of(self, party: UUID) -> list[Work]:
        """What is planned for a parent's own contact."""
        own = [work for work in self.planned(reminding.REMIND) if work.payload["teller_id"] is None]
        return [work for work in own if work.payload["party_id"] == str(party)]

    def leaves_for_what_is_told_by(self, teller: UUID) -> list[tuple[Any, ...]]:
        """Every message to a contact that this parent told: what, where, when, and nothing of anybody's doing."""
        return sorted(
            (work.kind, work.due_at, work.payload["contact"].plain.email)
            for work in self.works.values()
            if work.payload["teller_id"] == str(teller)
        )

    def said_of(self, event: type[Event]) -> list[Any]:
        return [said for said in self.said if isinstance(said, event)]

    @staticmethod
    def contact(party: UUID, email: str = "someone@example.org") -> Sealed[Contact]:
        return Sealed.of(Contact(language="fi", email=email), party=party)

    @staticmethod
    def told(email: str = "told@example.org") -> Sealed[Contact]:
        return Sealed.of(Contact(language="fi", email=email), party=None)

    def days_pass(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def play(profiles: Profiles) -> Play:
    return Play(profiles)


@pytest.fixture(scope="session")
def fresh(profiles: Profiles) -> Callable[[], Play]:
    return lambda: Play(profiles)
