"""Any order, loss and repetition of answers ends once: confirmed, verified, or a conflict that waits for a person.

The county's system, its host and its people are played by a model that counts effects and does as chance says: answers
get lost, come late, come twice, in any order; the system is away; a write that was not answered takes effect or not, up
to the last moment that the system declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rinnan_chassis.deciding import Refusal
from rinnan_events import Event
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    DeliveryState,
    PackageRenderRequested,
)
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.packages import ConfirmRecall, KeyIn, Release, SendBack, Verify, Why

if TYPE_CHECKING:
    from conftest import Play

ENDS = {DeliveryState.CONFIRMED, DeliveryState.VERIFIED, DeliveryState.CONFLICT}
MOODS = ("well", "away", "asleep")
LATE = {"well": (), "away": (), "asleep": (timedelta(hours=9), timedelta(days=3), timedelta(days=6))}
WRITES = {
    "well": ("takes", "takes", "refuses", "takes, no answer", "late, no answer", "lost", "away"),
    "away": ("away",) * 40 + ("late, no answer", "lost"),
    "asleep": ("takes", "late, no answer", "lost", "lost"),
}
"""A system that is well or away, and a host that sleeps: it takes up requests days after they were made."""


@dataclass
class World:
    """The far side of the ledger. `random` decides; every answer is kept, and may be heard again at any time."""

    play: Play
    random: Random
    mood: str
    heard: int = 0
    effects: list[datetime] = field(default_factory=list)
    keyed: int = 0
    due: list[tuple[datetime, Event]] = field(default_factory=list)
    answered: list[Event] = field(default_factory=list)
    writes: list[tuple[int, datetime]] = field(default_factory=list)
    absents: list[tuple[int, datetime]] = field(default_factory=list)
    certain: set[int] = field(default_factory=set)

    @property
    def destination(self) -> Any:
        return self.play.profiles.county(self.play.county).destinations[0]

    def standing(self) -> int:
        return sum(at <= self.play.now for at in self.effects)

    def chance(self, *options: Any) -> Any:
        return self.random.choice(options)

    def hears_requests(self) -> None:
        for event in self.play.said[self.heard :]:
            self.heard += 1
            at = self.play.now + self.chance(
                timedelta(0), timedelta(seconds=5), timedelta(minutes=20), *LATE[self.mood]
            )
            if isinstance(event, DeliveryRequested | DeliveryLookupRequested | PackageRenderRequested):
                self.due.append((at, event))

    def next_at(self) -> datetime | None:
        return min((at for at, _ in self.due), default=None)

    def acts(self) -> None:
        for entry in [entry for entry in self.due if entry[0] <= self.play.now]:
            self.due.remove(entry)
            match entry[1]:
                case DeliveryRequested() as asked:
                    self.writes_it(asked)
                case DeliveryLookupRequested() as asked:
                    self.looks(asked)
                case PackageRenderRequested() as asked:
                    self.answer(asked, self.chance(Outcome.PACKAGE_RENDERED, Outcome.UNAVAILABLE))
                case _:
                    raise AssertionError(entry)

    def writes_it(self, asked: DeliveryRequested) -> None:
        if asked.write_by is not None and self.play.now >= asked.write_by:
            self.certain.add(asked.attempt)
            return self.answer(asked, Outcome.UNAVAILABLE)
        self.writes.append((asked.attempt, self.play.now))
        what = self.chance(*WRITES[self.mood])
        settles_at = self.destination.settled_at(self.play.now)
        if self.standing() and what in {"takes", "takes, no answer", "late, no answer"}:
            return self.answer(asked, self.chance(Outcome.ALREADY_THERE, Outcome.UNKNOWN), effects=self.standing())
        match what:
            case "away":
                self.certain.add(asked.attempt)
                return self.answer(asked, Outcome.UNAVAILABLE)
            case "refuses":
                self.certain.add(asked.attempt)
                return self.answer(asked, Outcome.REJECTED)
            case "takes":
                self.effects.append(self.play.now)
                return self.answer(asked, Outcome.CONFIRMED, effects=self.standing())
            case "takes, no answer":
                self.effects.append(self.play.now)
            case "late, no answer":
                self.effects.append(settles_at)
            case _:
                pass
        return self.answer(asked, Outcome.UNKNOWN, settles_at=settles_at)

    def looks(self, asked: DeliveryLookupRequested) -> None:
        if self.chance("away", *("there",) * (9 if self.mood == "well" else 3)) == "away":
            return self.answer(asked, Outcome.UNAVAILABLE, look=asked.look)
        if self.standing():
            return self.answer(asked, Outcome.ALREADY_THERE, look=asked.look, effects=self.standing())
        self.absents.append((asked.attempt, self.play.now))
        return self.answer(asked, Outcome.ABSENT, look=asked.look)

    def answer(self, asked: Any, outcome: Outcome, **more: Any) -> None:
        answer = DeliveryOutcome(
            registration_id=asked.registration_id,
            delivery_id=asked.delivery_id,
            destination=asked.destination,
            attempt=asked.attempt,
            outcome=outcome,
            reason=outcome.value,
            happened_at=self.play.now,
            **more,
        )
        self.answered.append(answer)
        self.play.hears(answer)

    def repeats_an_answer(self) -> None:
        if self.answered and self.chance(False, True):
            self.play.hears(self.chance(*self.answered))

    def people_work(self) -> None:
        """People look first where the package says so, and key in only what they are told to."""
        delivery, row_id, county = self.play.delivery(), self.play.delivery_id(), self.play.county
        package = delivery.package
        act = {"actor": self.chance("aino", "elli"), "county": county, "delivery_id": row_id}
        try:
            match delivery.state:
                case DeliveryState.PREPARED:
                    self.play.decide(packages.release, Release(**act))
                case DeliveryState.RELEASED if package and package.recalled_at:
                    self.play.decide(packages.confirm_recall, ConfirmRecall(**act, why=Why.FOUND_THERE))
                case DeliveryState.RELEASED if package and package.look_first and self.standing():
                    self.play.decide(packages.send_back, SendBack(**act, why=Why.FOUND_THERE))
                case DeliveryState.RELEASED if self.chance("keys in", "keys in", "loses it") == "loses it":
                    self.play.decide(packages.send_back, SendBack(**act, why=Why.LOST))
                case DeliveryState.RELEASED:
                    self.keyed += 1
                    self.play.decide(packages.key_in, KeyIn(**act))
                case DeliveryState.KEYED_IN:
                    self.play.decide(packages.verify, Verify(**act))
                case _:
                    pass
        except Refusal:
            pass

    def goes_on(self) -> None:
        self.hears_requests()
        works = [work.due_at for work in self.play.works.values()]
        moments = [at for at in (*works, self.next_at()) if at is not None]
        people_at = self.play.now + timedelta(hours=self.chance(1, 6))
        self.play.now = max(self.play.now, min([*moments, people_at]))
        self.play.runs_what_is_due()
        self.hears_requests()
        self.acts()
        self.repeats_an_answer()
        if self.play.now >= people_at:
            self.people_work()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**40), mood=st.sampled_from(MOODS), county=st.sampled_from(["vakehyva", "pirha", "lapha"]))
def test_every_delivery_ends_once_whatever_the_outside_does(
    seed: int, mood: str, county: str, a_play: Callable[..., Play]
) -> None:
    play = a_play(county=county)
    world = World(play, Random(seed), mood)  # noqa: S311 - a story, not a secret
    play.hears(*play.everything())
    play.runs_what_is_due()
    for _ in range(2000):
        if play.delivery().state in ENDS and not world.due:
            break
        world.goes_on()
    delivery = play.delivery()
    assert delivery.state in ENDS
    assert len(world.effects) <= 1
    if world.effects and world.keyed:
        assert delivery.state is DeliveryState.CONFLICT
    assert delivery.state is not DeliveryState.CONFIRMED or world.effects
    assert delivery.state is not DeliveryState.VERIFIED or world.keyed
    assert_no_write_without_two_absents(world)


def assert_no_write_without_two_absents(world: World) -> None:
    for (before, began), (_, again) in zip(world.writes, world.writes[1:], strict=False):
        if before in world.certain:
            continue
        between = [at for attempt, at in world.absents if attempt >= before and began < at <= again]
        assert len(between) >= 2
        assert between[-1] - between[0] >= timedelta(minutes=1)
        assert between[0] >= world.destination.settled_at(began) or world.keyed == 0
