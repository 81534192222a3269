"""A ledger to which anything happens in any order: it never doubles by its own doing, and ends once.

Hypothesis chooses what happens next: time passes, the host takes up a request or sleeps on it, the system does as it
likes (it creates unconditionally, so that a needless second write shows), answers come late, again and in any order,
staff give any command, parents leave or take consents back. People tell the truth and look first where a package says
so. Afterwards all is well for long enough, and what came of it is judged.
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
AWAY = ("away", "away", "away", "lost, no answer")
SPANS = {
    "a moment": timedelta(seconds=1),
    "a minute": timedelta(minutes=1),
    "an hour": timedelta(hours=1),
    "days": timedelta(days=4),
}
EVE = "until the eve of paper"
TIMES = ("a moment", "a minute", "an hour", "an hour", "an hour", "days", EVE)
ACTS = ("release", "key in", "key in", "say so without", "check", "lose it", "take it back", "ask again", "settle")
APART = timedelta(minutes=1)
ASKED = DeliveryRequested | DeliveryLookupRequested | PackageRenderRequested


class AnyOrder:
    """One joint record, from its planning to its one end."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.heard = 0
        self.asked: list[ASKED] = []
        self.answered: list[DeliveryOutcome] = []
        self.caught_up = 0
        self.effects: list[datetime] = []
        self.unanswered: dict[int, datetime] = {}
        self.absents: list[tuple[int, datetime]] = []
        self.keyed = False
        self.in_spite_of_a_recall = False
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

    @property
    def is_recalled(self) -> bool:
        return self.delivery.package is not None and self.delivery.package.recalled_at is not None

    @property
    def moves(self) -> list[DeliveryMoved]:
        return [event for event in self.play.said if isinstance(event, DeliveryMoved)]

    def standing(self) -> int:
        return sum(at <= self.play.now for at in self.effects)

    def goes_on(self) -> None:
        """What is due is done, and new requests lie before the host."""
        self.play.runs_what_is_due()
        new = self.play.said[self.heard :]
        self.heard = len(self.play.said)
        self.asked += [event for event in new if isinstance(event, ASKED)]

    def time_passes(self, span: timedelta) -> None:
        until = self.play.now + max(span, timedelta(0))
        while due := [work.due_at for work in self.play.works.values() if work.due_at <= until]:
            self.play.now = max(self.play.now, min(due))
            self.goes_on()
        self.play.now = until

    def the_host_takes_up(self, place: int, what: str, *, told: bool = True) -> None:
        """The answer is heard at once, or only when it is heard again."""
        if not self.asked:
            return
        asked = self.asked.pop(place % len(self.asked))
        match asked:
            case DeliveryRequested() if asked.write_by is not None and self.play.now >= asked.write_by:
                said = self.answer(asked, Outcome.UNAVAILABLE)
            case DeliveryRequested():
                said = self.writes(asked, what)
            case DeliveryLookupRequested() if what == "away":
                said = self.answer(asked, Outcome.UNAVAILABLE, look=asked.look)
            case DeliveryLookupRequested() if standing := self.standing():
                said = self.answer(asked, Outcome.ALREADY_THERE, look=asked.look, effects=standing)
            case DeliveryLookupRequested():
                self.absents.append((asked.attempt, self.play.now))
                said = self.answer(asked, Outcome.ABSENT, look=asked.look)
            case _:
                said = self.answer(asked, Outcome.UNAVAILABLE if what == "away" else Outcome.PACKAGE_RENDERED)
        if told:
            self.play.hears(said)
            self.goes_on()

    def writes(self, asked: DeliveryRequested, what: str) -> DeliveryOutcome:
        self.a_write_follows_two_looks_at_the_last_one()
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
        self.unanswered[asked.attempt] = settles_at
        return self.answer(asked, Outcome.UNKNOWN, settles_at=settles_at)

    def answer(self, asked: ASKED, outcome: Outcome, **more: Any) -> DeliveryOutcome:
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
        return said

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
        match act:
            case "release":
                self.does(packages.release, Release)
            case "key in" | "say so without":
                self.keys_in(actor, truly=act == "key in")
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

    def keys_in(self, actor: str, *, truly: bool) -> None:
        package = self.delivery.package
        if package is not None and package.look_first and self.standing():
            self.does(packages.send_back, SendBack, why=Why.FOUND_THERE)
            return
        recalled = self.is_recalled
        if self.does(packages.key_in, KeyIn, actor) and truly:
            self.keyed, self.in_spite_of_a_recall = True, recalled

    def works_on(self) -> None:
        """What the ordinary way asks of people now."""
        match self.delivery.state:
            case DeliveryState.PREPARED:
                self.act("release", "aino")
            case DeliveryState.RELEASED:
                self.act("take it back" if self.is_recalled else "key in", "aino")
            case DeliveryState.KEYED_IN:
                self.act("check", "aino")
                self.act("check", "elli")
            case DeliveryState.REJECTED:
                self.act("ask again", "aino")
            case DeliveryState.CONFLICT:
                self.act("settle", "aino")
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

    def a_write_follows_two_looks_at_the_last_one(self) -> None:
        """Looks apart from each other, and none before the last write has settled."""
        for attempt, settles_at in self.unanswered.items():
            looks = [at for asked, at in self.absents if asked >= attempt and at >= settles_at]
            assert looks
            assert looks[-1] - looks[0] >= APART

    def our_own_doing_never_doubles(self) -> None:
        """Nobody is let key in what stands or may still come to stand, and nothing is written that was keyed in."""
        assert len(self.effects) + self.keyed <= 1 or self.in_spite_of_a_recall or self.a_person_settled

    def nothing_is_called_off_while_somebody_is_left(self) -> None:
        if self.play.deliveries():
            assert self.delivery.state is not DeliveryState.CANCELLED or self.gone == {"one", "other"}

    def what_waits_for_a_person_has_called_one(self) -> None:
        if self.play.deliveries() and self.delivery.state in {DeliveryState.REJECTED, DeliveryState.CONFLICT}:
            assert self.delivery.state.value in self.play.alarms.values()

    def each_move_begins_where_the_last_one_ended(self) -> None:
        assert [move.from_state for move in self.moves][1:] == [move.to_state for move in self.moves][:-1]

    def what_people_hold_people_let_go(self) -> None:
        """A paper that is out is taken back, and a conflict is settled, by a person alone."""
        for move in self.moves:
            if (move.from_state, move.to_state) == (DeliveryState.RELEASED, DeliveryState.CONFIRMED):
                assert move.reason == "recall_confirmed"
            if move.from_state is DeliveryState.CONFLICT:
                assert move.reason == Why.MENDED

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
        self.works_on()
        self.time_passes(timedelta(hours=1))

    def step(self, what: str, detail: str, place: int) -> None:
        match what:
            case "host":
                self.the_host_takes_up(place, detail)
            case "host, untold":
                self.the_host_takes_up(place, detail, told=False)
            case "time" if detail == EVE and self.play.deliveries():
                self.time_passes(self.delivery.paper_at - timedelta(minutes=1) - self.play.now)
            case "time":
                self.time_passes(SPANS.get(detail, timedelta(0)))
            case "again":
                self.an_answer_is_heard_again(place)
            case "people":
                self.works_on()
            case "staff":
                self.act(detail, ("aino", "elli")[place % 2])
            case _:
                self.a_parent_goes(("one", "other")[place % 2], detail)
        self.our_own_doing_never_doubles()
        self.nothing_is_called_off_while_somebody_is_left()
        self.what_waits_for_a_person_has_called_one()
        self.each_move_begins_where_the_last_one_ended()
        self.what_people_hold_people_let_go()


Step = tuple[str, str, int]


def some(what: str, details: Iterable[str] = ("",)) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(what), st.sampled_from(tuple(details)), st.integers(0, 9))


HOST, UNTOLD, AGAIN = some("host", WRITES), some("host, untold", WRITES), some("again")
TIME, STAFF, PEOPLE = some("time", TIMES), some("staff", ACTS), some("people")
PARENTS = some("parents", ["leaves", "withdraws"])
FAMILY_STAYS = st.one_of(HOST, HOST, UNTOLD, TIME, TIME, STAFF, PEOPLE, AGAIN)
SYSTEM_IS_AWAY = st.one_of(some("host", AWAY), TIME, PEOPLE, AGAIN)
SOMEBODY_GOES = st.one_of(HOST, UNTOLD, TIME, TIME, STAFF, PEOPLE, AGAIN, PARENTS)
LONG = st.one_of(*(st.lists(kind, min_size=12, max_size=40) for kind in (FAMILY_STAYS, SYSTEM_IS_AWAY, SOMEBODY_GOES)))

EVENING, MINUTE, HOUR = (("time", span, 0) for span in (EVE, "a minute", "an hour"))
PEOPLE_WORK, AN_ANSWER, RENDERS = ("people", "", 0), ("again", "", 0), ("host", "", 1)
FIRST_WRITES: dict[str, list[Step]] = {
    "nobody takes it up": [],
    **{what: [("host", what, 0)] for what in WRITES},
    **{f"{what}, untold": [("host, untold", what, 0)] for what in WRITES},
}
SOON = [MINUTE, MINUTE, RENDERS, PEOPLE_WORK, PEOPLE_WORK]
LATE = [EVENING, HOUR, HOUR, RENDERS, PEOPLE_WORK]
AWAY_WHEN_LOOKED_FOR = [HOUR, ("host", "away", 0)] * 2
AROUND: dict[str, tuple[list[Step], list[Step]]] = {
    "early": ([], []),
    "early, and away when looked for": ([], AWAY_WHEN_LOOKED_FOR),
    "early, and paper out": ([], LATE),
    "early, and paper out when it answers": ([], [*LATE, AN_ANSWER]),
    "on the eve of paper": ([EVENING], []),
    "on the eve of paper, and people are quick": ([EVENING], SOON),
}


@pytest.mark.parametrize("when", AROUND)
@pytest.mark.parametrize("first", FIRST_WRITES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(county=st.sampled_from(["vakehyva", "vakehyva", "pirha", "lapha"]), goes_on=LONG)
def test_whatever_happens_in_whatever_order_it_never_doubles_and_ends_once(
    first: str, when: str, county: str, goes_on: list[Step], a_play: Callable[..., Play]
) -> None:
    """It begins with any one write, close to the time of paper or far from it: chance alone would seldom get there."""
    before, after = AROUND[when]
    story = AnyOrder(a_play(county=county))
    story.completes()
    for what, detail, place in [*before, *FIRST_WRITES[first], *after, *goes_on]:
        story.step(what, detail, place)
    story.ends_well()
