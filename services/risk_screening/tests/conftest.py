"""Screenings decided in memory by the real deciders, with the instruments that counties really use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Context, Decision, PartyToken, Work
from rinnan_events import Event, Sealed
from rinnan_events.intake import CompletedPart, PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_profiles import Instrument, Profiles, load
from rinnan_risk_screening import domain, scoring
from rinnan_risk_screening.domain import ReceiveScreening, Registration, Scored

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
    forgotten: bool = False
    ended: bool = False
    taken: dict[UUID, int] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)
    said: list[Event] = field(default_factory=list)
    works: dict[str, Work] = field(default_factory=dict)

    @property
    def mildest(self) -> dict[str, str]:
        return {item.id: self.instrument.responses(item)[0].code for item in self.instrument.items}

    @property
    def gravest(self) -> dict[str, str]:
        return {item.id: self.instrument.responses(item)[-1].code for item in self.instrument.items}

    def decide(self, decider: Callable[..., Decision[Registration] | None], fact: object) -> Any:
        if self.forgotten:  # the chassis: a forgotten subject hears nothing
            return None
        decision = decider(self.state, fact, Context(self.now, self.now, self.registration, self.profiles))
        if decision is None:
            return None
        self.state = None if decision.forget else decision.state or self.state
        self.forgotten |= decision.forget
        self.said.extend(decision.says)
        self.works |= {work.key: work for work in decision.works if isinstance(work, Work)}
        return decision

    def answers(self, party: UUID, answers: Mapping[str, str] | None) -> Any:
        county = self.profiles.county("vakehyva")
        padded = scoring.pad(self.instrument, "fi", answers)
        pins = county.pins().model_dump()
        caller = PartyToken(self.registration, party, county.code, DEADLINE, pins, act=None, expires_at=DEADLINE)
        decision = self.decide(domain.receive, ReceiveScreening(caller, Sealed.of(padded, party=party)))
        if decision is not None:
            self.taken[party] = self.taken.get(party, 0) + 1
        return decision

    def is_scored(self, party: UUID, version: int = 1) -> Any:
        payload = self.works[f"{party}.{version}"].payload
        care = Sealed.of(scoring.route(self.instrument, payload["answers"].plain), party=party)
        received_at = datetime.fromisoformat(payload["received_at"])
        return self.decide(domain.complete, Scored(party, version, received_at, care))

    def does(self, step: str, party: UUID) -> None:
        """One step of any story."""
        match step:
            case "answers":
                self.answers(party, None)
            case "leaves":
                self.leaves(party)
            case "scores the oldest" if party in self.taken:
                self.is_scored(party, 1)
            case "scores the newest" if party in self.taken:
                self.is_scored(party, self.taken[party])
            case "completes":
                self.completes()
            case "ends":
                self.ends()
            case "is purged":
                self.is_purged()
            case _:
                pass

    def said_of(self, party: UUID) -> list[ScreeningCompleted]:
        return [each for each in self.said if isinstance(each, ScreeningCompleted) and each.party_id == party]

    def completes(self) -> None:
        parts = tuple(CompletedPart(party_id=each, form=1, consent=1, screening=1) for each in (self.one, self.other))
        event = RegistrationCompleted(
            registration_id=self.registration, completed_at=self.now, contact_by=DEADLINE, parts=parts
        )
        self.decide(domain.note_the_completion, event)

    def leaves(self, party: UUID) -> None:
        event = PartyLeft(registration_id=self.registration, party_id=party, left_at=self.now)
        self.decide(domain.forget_the_leaver, event)
        self.gone.add(party)

    def ends(self) -> None:
        self.decide(domain.end, RegistrationEnded(registration_id=self.registration, ended_at=self.now))
        self.ended = True

    def is_purged(self) -> None:
        self.decide(domain.purge, RegistrationPurged(registration_id=self.registration, purged_at=self.now))


@pytest.fixture
def play(profiles: Profiles, instrument: Instrument) -> Play:
    return Play(profiles, instrument)


@pytest.fixture(scope="session")
def fresh(profiles: Profiles, instrument: Instrument) -> Callable[[], Play]:
    return lambda: Play(profiles, instrument)
