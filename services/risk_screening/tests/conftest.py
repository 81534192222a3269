"""Screenings decided in memory by the real deciders, with the instruments that counties really use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Context, Decision, Work
from rinnan_events import Event, Sealed
from rinnan_events.intake import CompletedPart, PartyLeft, RegistrationCompleted, RegistrationEnded
from rinnan_profiles import Instrument, Profiles, load
from rinnan_risk_screening import domain, scoring
from rinnan_risk_screening.domain import Caller, ReceiveScreening, Registration, Scored

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
DEADLINE = MORNING + timedelta(days=14)


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@pytest.fixture(scope="session")
def instrument(profiles: Profiles) -> Instrument:
    return profiles.instrument(profiles.county("vakehyva").instrument)


@dataclass
class Play:
    """One registration, as risk_screening knows it."""

    profiles: Profiles
    instrument: Instrument
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)
    now: datetime = MORNING
    deadline: datetime = DEADLINE
    state: Registration | None = None
    said: list[Event] = field(default_factory=list)
    works: dict[str, Work] = field(default_factory=dict)

    @property
    def mildest(self) -> dict[str, str]:
        return {item.id: self.instrument.responses(item)[0].code for item in self.instrument.items}

    @property
    def gravest(self) -> dict[str, str]:
        return {item.id: self.instrument.responses(item)[-1].code for item in self.instrument.items}

    def decide(self, decider: Callable[..., Decision[Registration] | None], fact: object) -> Any:
        decision = decider(self.state, fact, Context(self.now, self.now, self.registration, self.profiles))
        if decision is None:
            return None
        self.state = decision.state or self.state
        self.said.extend(decision.says)
        self.works |= {work.key: work for work in decision.works if isinstance(work, Work)}
        return decision

    def answers(self, party: UUID, answers: Mapping[str, str] | None) -> Any:
        county = self.profiles.county("vakehyva")
        padded = scoring.pad(self.instrument, "fi", answers)
        caller = Caller(party, county.code, county.profile, DEADLINE)
        return self.decide(domain.receive, ReceiveScreening(caller, Sealed.of(padded, party=party)))

    def is_scored(self, party: UUID, version: int = 1) -> Any:
        payload = self.works[f"{party}.{version}"].payload
        care = Sealed.of(scoring.route(self.instrument, payload["answers"].plain), party=party)
        received_at = datetime.fromisoformat(payload["received_at"])
        return self.decide(domain.complete, Scored(party, version, received_at, care))

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


@pytest.fixture
def play(profiles: Profiles, instrument: Instrument) -> Play:
    return Play(profiles, instrument)


@pytest.fixture(scope="session")
def fresh(profiles: Profiles, instrument: Instrument) -> Callable[[], Play]:
    return lambda: Play(profiles, instrument)
