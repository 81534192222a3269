"""Consents decided in memory by the real deciders, with the profiles that counties really use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Context, Decision, PartyToken
from rinnan_consent import domain
from rinnan_consent.domain import GiveConsents, OwnConsents, Registration, WithdrawConsents
from rinnan_events import Event, Sealed
from rinnan_events.intake import CompletedPart, PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_events.opened import Consents
from rinnan_profiles import Profiles, load

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
DEADLINE = MORNING + timedelta(days=14)


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@dataclass
class Play:
    """One registration, as consent knows it."""

    profiles: Profiles
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    now: datetime = MORNING
    deadline: datetime = DEADLINE
    state: Registration | None = None
    forgotten: bool = False
    said: list[Event] = field(default_factory=list)

    def decide(self, decider: Callable[..., Decision[Registration] | None], fact: object) -> Any:
        decision = decider(self.state, fact, Context(self.now, self.now, self.registration, self.profiles))
        if decision is None:
            return None
        self.state = decision.state or self.state
        if decision.forget:
            self.state, self.forgotten = None, True
        self.said.extend(decision.says)
        return decision.answer

    def caller(self, party: UUID) -> PartyToken:
        county = self.profiles.county("vakehyva")
        pins = county.pins().model_dump()
        return PartyToken(self.registration, party, county.code, DEADLINE, pins, act=None, expires_at=DEADLINE)

    def gives(self, party: UUID, seen: int = 0) -> Any:
        words = Consents(text_version="plain.1", language="fi", given={}, given_at=self.now)
        return self.decide(domain.give, GiveConsents(self.caller(party), seen, Sealed.of(words, party=party)))

    def withdraws(self, party: UUID) -> Any:
        return self.decide(domain.withdraw, WithdrawConsents(self.caller(party)))

    def of(self, party: UUID) -> OwnConsents:
        return (self.state or Registration()).of(party)

    def completes(self) -> None:
        parts = tuple(CompletedPart(party_id=each, form=1, consent=1, screening=1) for each in (self.one, self.other))
        event = RegistrationCompleted(
            registration_id=self.registration, completed_at=self.now, contact_by=DEADLINE, parts=parts
        )
        self.decide(domain.note_the_completion, event)

    def leaves(self, party: UUID) -> None:
        event = PartyLeft(registration_id=self.registration, party_id=party, left_at=self.now)
        self.decide(domain.forget_the_leaver, event)

    def ends(self) -> None:
        self.decide(domain.end, RegistrationEnded(registration_id=self.registration, ended_at=self.now))

    def is_purged(self) -> None:
        self.decide(domain.purge, RegistrationPurged(registration_id=self.registration, purged_at=self.now))


@pytest.fixture
def play(profiles: Profiles) -> Play:
    return Play(profiles)


@pytest.fixture(scope="session")
def fresh(profiles: Profiles) -> Callable[[], Play]:
    return lambda: Play(profiles)
