"""A ledger to which anything happens in any order: it never doubles by its own doing, and ends once.

Hypothesis chooses what happens next: time passes, the host takes up a request or sleeps on it, the system does as it
likes (it creates unconditionally, so that a needless second write shows), answers are heard again, staff give any
command, parents leave or take consents back. People tell the truth and look first where a package says so. Afterwards
all is well for long enough, and what came of it is judged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rinnan_chassis.deciding import Refusal
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryMoved,
    DeliveryRequested,
    DeliveryState,
    PackageRenderRequested,
)
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.packages import (
    ConfirmRecall,
    KeyIn,
    Release,
    SendBack,
    SettleConflict,
    TryAgain,
    Verify,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conftest import Play

    from rinnan_profiles import Destination
    from rinnan_record_export.domain.ledger import Delivery

ENDS = {DeliveryState.CONFIRMED, DeliveryState.VERIFIED, DeliveryState.CANCELLED}
WRITES = ("takes", "takes, no answer", "late, no answer", "late, no answer", "lost, no answer", "refuses", "away")
SPANS = {
    "a moment": timedelta(seconds=1),
    "a minute": timedelta(minutes=1),
    "an hour": timedelta(hours=1),
    "days": timedelta(days=4),
}
ACTS = ("release", "key in", "key in", "say so without", "check", "lose it", "take it back", "ask again", "settle")
SLOW = 9
ASKED = DeliveryRequested | DeliveryLookupRequested | PackageRenderRequested


class AnyOrder:
    """One joint record, from its planning to its one end."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.heard = 0
        self.asked: list[ASKED] = []
        self.answered: list[DeliveryOutcome] = []
        self.slow = False
        self.caught_up = 0
        self.effects: list[datetime] = []
        self.keyed = False
        self.a_person_settled = False
        self.gone: set[str] = set()

    def completes(self) -> None:
        self.play.hears(*self.play.everything())
        self.goes_on()

    @property
    def delivery(self) -> Delivery:
        return self.play.delivery()

    @property
    def destination(self) -> Destination:
        return self.play.profiles.county(self.play.county).destination(self.delivery.destination)

    def standing(self) -> int:
        return sum(at <= self.play.now for at in self.effects)

    def goes_on(self) -> None:
        """What is due is done, and new requests lie before the host."""
        self.play.runs_what_is_due()
        new = self.play.said[self.heard :]
        self.heard = len(self.play.said)
        self.asked += [event for event in new if isinstance(event, ASKED)]

    def time_passes(self, span: timedelta) -> None:
        until = self.play.now + span
        while due := [work.due_at for work in self.play.works.values() if work.due_at <= until]:
            self.play.now = max(self.play.now, min(due))
            self.goes_on()
        self.play.now = until

    def the_host_takes_up(self, place: int, what: str) -> None:
        """The answer is heard at once, or only when it is heard again."""
        if not self.asked:
            return
        self.slow = place == SLOW
        asked = self.asked.pop(place % len(self.asked))
        match asked:
            case DeliveryRequested() if asked.write_by is not None and self.play.now >= asked.write_by:
                self.answer(asked, Outcome.UNAVAILABLE)
            case DeliveryRequested():
                self.writes(asked, what)
            case DeliveryLookupRequested() if what == "away":
                self.answer(asked, Outcome.UNAVAILABLE, look=asked.look)
            case DeliveryLookupRequested() if standing := self.standing():
                self.answer(asked, Outcome.ALREADY_THERE, look=asked.look, effects=standing)
            case DeliveryLookupRequested():
                self.answer(asked, Outcome.ABSENT, look=asked.look)
            case _:
                self.answer(asked, Outcome.UNAVAILABLE if what == "away" else Outcome.PACKAGE_RENDERED)

    def writes(self, asked: DeliveryRequested, what: str) -> None:
        settles_at = self.destination.settled_at(self.play.now)
        match what:
            case "takes":
                self.effects.append(self.play.now)
                return self.answer(asked, Outcome.CONFIRMED, effects=self.standing())
            case "refuses":
                return self.answer(asked, Outcome.REJECTED)
            case "away":
                return self.answer(asked, Outcome.UNAVAILABLE)
            case "takes, no answer":
                self.effects.append(self.play.now)
            case "late, no answer":
                self.effects.append(settles_at)
            case _:
                pass
        return self.answer(asked, Outcome.UNKNOWN, settles_at=settles_at)

    def answer(self, asked: ASKED, outcome: Outcome, **more: Any) -> None:
        said = DeliveryOutcome(
            registration_id=asked.registration_id,
            delivery_id=asked.delivery_id,
            destination=asked.destination,
            attempt=asked.attempt,
            outcome=outcome,
            reason=outcome.value,
            happened_at=self.play.now,
            **more,
        )
        self.answered.append(said)
        if not self.slow:
            self.play.hears(said)
        self.goes_on()

    def an_answer_is_heard_again(self, place: int) -> None:
        if self.answered:
            self.play.hears(self.answered[place % len(self.answered)])
            self.goes_on()

    def does(self, decider: Any, kind: type[Any], actor: str = "aino", **more: Any) -> bool:
        try:
            self.play.decide(decider, kind(actor, self.play.county, self.play.delivery_id(), **more))
        except Refusal:
            return False
        self.goes_on()
        return True

    def act(self, act: str, actor: str) -> None:
        package = self.delivery.package
        found = package is not None and package.look_first and self.standing() > 0
        match act:
            case "release":
                self.does(packages.release, Release)
            case "key in" | "say so without" if found:
                self.does(packages.send_back, SendBack, why=Why.FOUND_THERE)
            case "key in" | "say so without" if self.does(packages.key_in, KeyIn, actor):
                self.keyed |= act == "key in"
            case "check" if self.keyed:
                self.does(packages.verify, Verify, actor)
            case "check" if self.delivery.state is DeliveryState.KEYED_IN:
                self.does(packages.send_back, SendBack, actor, why=Why.WAS_NOT_KEYED_IN)
            case "lose it" if not self.keyed:
                self.does(packages.send_back, SendBack, why=Why.LOST)
            case "take it back" if not self.keyed:
                self.does(packages.confirm_recall, ConfirmRecall, why=Why.FOUND_THERE)
            case "ask again":
                self.does(packages.try_again, TryAgain, why=Why.MENDED)
            case "settle":
                self.settles_a_conflict()
            case _:
                pass

    def settles_a_conflict(self) -> None:
        """They find where it stands, take out what stands twice, and key in what stands nowhere."""
        on_paper = not self.standing()
        if self.does(packages.settle_conflict, SettleConflict, on_paper=on_paper, why=Why.MENDED):
            self.keyed, self.a_person_settled = on_paper, True

    def a_parent_goes(self, which: str, how: str) -> None:
        party = getattr(self.play, which)
        self.play.hears(self.play.left(party) if how == "leaves" else self.play.withdrew(party))
        self.gone.add(which)
        self.goes_on()

    def our_own_doing_never_doubles(self) -> None:
        assert len(self.effects) <= 1
        if self.effects and self.keyed:
            assert self.delivery.state not in {DeliveryState.PREPARED, DeliveryState.WAITING, DeliveryState.PLANNED}

    def nothing_is_called_off_while_somebody_is_left(self) -> None:
        if self.play.deliveries():
            assert self.delivery.state is not DeliveryState.CANCELLED or self.gone == {"one", "other"}

    def what_waits_for_a_person_has_called_one(self) -> None:
        if self.play.deliveries() and self.delivery.state in {DeliveryState.REJECTED, DeliveryState.CONFLICT}:
            assert self.delivery.state.value in self.play.alarms.values()

    def each_move_begins_where_the_last_one_ended(self) -> None:
        moves = [event for event in self.play.said if isinstance(event, DeliveryMoved)]
        assert [move.from_state for move in moves][1:] == [move.to_state for move in moves][:-1]

    def ends_well(self) -> None:
        """From now on the system is well, the host awake, and people work with care."""
        if not self.play.deliveries():
            return
        for _ in range(400):
            if self.delivery.state in ENDS and not self.asked:
                break
            self.one_quiet_hour()
        state = self.delivery.state
        assert state in ENDS
        assert len(self.effects) <= 1
        stands, promised = self.standing() + self.keyed, state is not DeliveryState.CANCELLED
        assert stands == promised or self.a_person_settled or self.gone == {"one", "other"}
        if promised and not self.a_person_settled:
            assert (state is DeliveryState.CONFIRMED) == (self.standing() == 1)

    def one_quiet_hour(self) -> None:
        while self.asked:
            self.the_host_takes_up(0, "takes")
        for said in self.answered[self.caught_up :]:
            self.play.hears(said)
        self.caught_up = len(self.answered)
        self.goes_on()
        recalled = self.delivery.package is not None and self.delivery.package.recalled_at is not None
        match self.delivery.state:
            case DeliveryState.PREPARED:
                self.act("release", "aino")
            case DeliveryState.RELEASED:
                self.act("take it back" if recalled else "key in", "aino")
            case DeliveryState.KEYED_IN:
                self.act("check", "aino")
                self.act("check", "elli")
            case DeliveryState.REJECTED:
                self.act("ask again", "aino")
            case DeliveryState.CONFLICT:
                self.act("settle", "aino")
            case _:
                pass
        self.time_passes(timedelta(hours=1))

    def step(self, what: str, detail: str, place: int) -> None:
        match what:
            case "host":
                self.the_host_takes_up(place, detail)
            case "time":
                self.time_passes(SPANS[detail])
            case "again":
                self.an_answer_is_heard_again(place)
            case "staff":
                self.act(detail, ("aino", "elli")[place % 2])
            case _:
                self.a_parent_goes(("one", "other")[place % 2], detail)
        self.our_own_doing_never_doubles()
        self.nothing_is_called_off_while_somebody_is_left()
        self.what_waits_for_a_person_has_called_one()
        self.each_move_begins_where_the_last_one_ended()


def some(what: str, details: Iterable[str]) -> st.SearchStrategy[tuple[str, str, int]]:
    return st.tuples(st.just(what), st.sampled_from(tuple(details)), st.integers(0, 9))


HOST, TIME, STAFF = some("host", WRITES), some("time", SPANS), some("staff", ACTS)
AGAIN, PARENTS = some("again", [""]), some("parents", ["leaves", "withdraws"])
FAMILY_STAYS = st.one_of(HOST, HOST, HOST, TIME, TIME, TIME, STAFF, STAFF, AGAIN)
SOMEBODY_GOES = st.one_of(HOST, HOST, TIME, TIME, STAFF, AGAIN, PARENTS)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    county=st.sampled_from(["vakehyva", "vakehyva", "pirha", "lapha"]),
    steps=st.one_of(
        *(st.lists(kind, min_size=12, max_size=40) for kind in (FAMILY_STAYS, FAMILY_STAYS, SOMEBODY_GOES))
    ),
)
def test_whatever_happens_in_whatever_order_it_never_doubles_and_ends_once(
    county: str, steps: list[tuple[str, str, int]], a_play: Callable[..., Play]
) -> None:
    story = AnyOrder(a_play(county=county))
    story.completes()
    for what, detail, place in steps:
        story.step(what, detail, place)
    story.ends_well()
