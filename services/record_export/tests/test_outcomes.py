"""What the ledger makes of a destination's answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rinnan_events.adapter import Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryMoved,
    DeliveryRequested,
    DeliveryState,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.packages import SendBack, TryAgain, Why

if TYPE_CHECKING:
    from conftest import Play


def test_what_the_system_took_is_confirmed_under_its_receipt(requested: Play) -> None:
    requested.answers(Outcome.CONFIRMED, receipt="Task/7", effects=1)
    assert requested.delivery().state is DeliveryState.CONFIRMED
    assert requested.delivery().receipt == "Task/7"
    assert not [work for work in requested.works.values() if work.kind in {"paper", "assemble", "look"}]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_another_destination_cannot_answer_for_the_one_that_was_asked(requested: Play, outcome: Outcome) -> None:
    before = requested.delivery()
    requested.answers(outcome, destination="another-countys-paper", effects=1)
    assert (requested.delivery(), requested.alarms) == (before, {})


def test_two_effects_of_one_delivery_raise_doubled(requested: Play) -> None:
    requested.answers(Outcome.CONFIRMED, effects=2)
    assert (requested.delivery().reason, requested.delivery().doubled) == ("doubled", True)
    assert list(requested.alarms.values()) == ["doubled"]


@pytest.mark.parametrize("counted", [2, 3])
def test_every_confirmation_is_counted_also_one_that_comes_long_after_the_first(requested: Play, counted: int) -> None:
    requested.answers(Outcome.CONFIRMED, effects=1)
    assert requested.alarms == {}
    requested.passes(days=3)
    requested.answers(Outcome.ALREADY_THERE, effects=counted, look=None)
    assert (requested.delivery().state, requested.delivery().doubled) == (DeliveryState.CONFIRMED, True)
    assert list(requested.alarms.values()) == ["doubled"]


def test_the_same_answer_twice_moves_once(requested: Play) -> None:
    requested.answers(Outcome.CONFIRMED)
    requested.answers(Outcome.CONFIRMED)
    assert requested.path() == ["planned", "requested", "confirmed"]


def test_a_system_that_is_away_is_asked_again_after_growing_waits(requested: Play) -> None:
    waits = []
    for _ in range(3):
        before = requested.now
        requested.answers(Outcome.UNAVAILABLE)
        requested.now = min(work.due_at for work in requested.works.values() if work.kind == "assemble")
        requested.runs_what_is_due()
        waits.append(requested.now - before)
    assert waits == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert [each.attempt for each in requested.said if isinstance(each, DeliveryRequested)] == [1, 2, 3, 4]


def test_an_unanswered_write_is_looked_for_only_once_it_has_settled(requested: Play) -> None:
    settles_at = requested.now + timedelta(minutes=3)
    requested.answers(Outcome.UNKNOWN, settles_at=settles_at)
    requested.passes(minutes=2, seconds=59)
    assert requested.count(DeliveryLookupRequested) == 0
    requested.passes(seconds=1)
    assert requested.count(DeliveryLookupRequested) == 1


def test_where_the_host_told_no_time_a_write_settles_after_its_lease_and_what_the_destination_declares(
    requested: Play,
) -> None:
    destination = requested.profiles.county("vakehyva").destinations[0]
    requested.answers(Outcome.UNKNOWN)
    requested.passes(seconds=(destination.lease + destination.settle_after).total_seconds() - 1)
    assert requested.count(DeliveryLookupRequested) == 0
    requested.passes(seconds=1)
    assert requested.count(DeliveryLookupRequested) == 1


@pytest.mark.parametrize("county", ["vakehyva", "pirha"])
def test_two_looks_are_a_quarter_of_what_the_destination_declares_apart_and_a_minute_at_least(
    a_play: Callable[..., Play], county: str
) -> None:
    play = a_play(county=county)
    play.hears(*play.everything())
    play.runs_what_is_due()
    apart = max(play.profiles.county(county).destinations[0].settle_after / 4, timedelta(minutes=1))
    play.answers(Outcome.UNKNOWN, settles_at=play.now)
    play.runs_what_is_due()
    play.answers(Outcome.ABSENT)
    play.passes(seconds=apart.total_seconds() - 1)
    assert play.count(DeliveryLookupRequested) == 1
    play.passes(seconds=1)
    assert play.count(DeliveryLookupRequested) == 2


def test_a_look_after_an_earlier_write_tells_nothing_of_a_later_one(requested: Play) -> None:
    for _ in range(2):
        requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
        requested.runs_what_is_due()
        requested.answers(Outcome.ABSENT)
        requested.passes(minutes=1)
        requested.answers(Outcome.ABSENT)
        requested.runs_what_is_due()
    requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
    requested.runs_what_is_due()
    for attempt in (1, 2, 2):
        requested.answers(Outcome.ABSENT, attempt=attempt, look=1)
    requested.passes(minutes=10)
    assert requested.delivery().absents == 0
    assert requested.count(DeliveryRequested) == 3


def test_only_two_looks_apart_from_each_other_lead_to_a_second_write(requested: Play) -> None:
    requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
    requested.runs_what_is_due()
    requested.answers(Outcome.ABSENT)
    requested.passes(seconds=59)
    assert requested.count(DeliveryLookupRequested) == 1
    requested.passes(seconds=1)
    assert requested.count(DeliveryLookupRequested) == 2
    assert requested.count(DeliveryRequested) == 1
    requested.answers(Outcome.ABSENT)
    requested.runs_what_is_due()
    assert requested.count(DeliveryRequested) == 2


def test_the_same_look_heard_twice_counts_once(requested: Play) -> None:
    requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
    requested.runs_what_is_due()
    for _ in range(2):
        requested.answers(Outcome.ABSENT, look=1)
    requested.runs_what_is_due()
    assert requested.count(DeliveryRequested) == 1


def test_what_a_look_finds_is_confirmed(requested: Play) -> None:
    requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
    requested.runs_what_is_due()
    requested.answers(Outcome.ALREADY_THERE)
    assert requested.path() == ["planned", "requested", "unknown", "confirmed"]


def test_a_system_that_cannot_be_searched_now_is_searched_later(requested: Play) -> None:
    requested.answers(Outcome.UNKNOWN, settles_at=requested.now)
    requested.runs_what_is_due()
    requested.answers(Outcome.UNAVAILABLE)
    requested.passes(seconds=10)
    assert requested.count(DeliveryLookupRequested) == 2
    assert requested.count(DeliveryRequested) == 1


@pytest.mark.parametrize("late", [Outcome.UNAVAILABLE, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.ABSENT])
def test_a_late_answer_to_an_earlier_attempt_changes_nothing(requested: Play, late: Outcome) -> None:
    requested.answers(Outcome.UNAVAILABLE)
    requested.passes(seconds=10)
    requested.answers(late, attempt=1, look=None)
    assert requested.delivery().state is DeliveryState.REQUESTED


@pytest.mark.parametrize("late", [Outcome.CONFIRMED, Outcome.ALREADY_THERE])
def test_a_late_confirmation_of_an_earlier_attempt_counts(requested: Play, late: Outcome) -> None:
    requested.answers(Outcome.UNAVAILABLE)
    requested.passes(seconds=10)
    requested.answers(late, attempt=1, look=None)
    assert requested.delivery().state is DeliveryState.CONFIRMED


def test_a_rejection_is_a_persons_at_once_and_papers_when_it_is_due(requested: Play) -> None:
    requested.answers(Outcome.REJECTED, reason="not_valid")
    assert (requested.delivery().state, requested.delivery().reason) == (DeliveryState.REJECTED, "not_valid")
    assert list(requested.alarms.values()) == ["rejected"]
    requested.passes(days=7)
    (asked,) = [each for each in requested.said if isinstance(each, PackageRenderRequested)]
    assert (asked.destination, asked.look_first) == ("vakehyva-paper", False)


def test_every_rejection_rings_also_the_second(requested: Play) -> None:
    for _ in range(2):
        requested.answers(Outcome.REJECTED)
        again = TryAgain("aino", "vakehyva", requested.delivery_id(), Why.MENDED)
        requested.decide(packages.try_again, again)
        requested.passes(minutes=1)
    assert list(requested.alarms.values()) == ["rejected", "rejected"]


def test_paper_takes_over_from_a_system_that_stays_away(requested: Play) -> None:
    paper_at = requested.delivery().paper_at
    while requested.now < paper_at:
        if requested.delivery().state is DeliveryState.REQUESTED:
            requested.answers(Outcome.UNAVAILABLE)
        requested.passes(minutes=30)
    (asked,) = [each for each in requested.said if isinstance(each, PackageRenderRequested)]
    assert not asked.look_first
    requested.answers(Outcome.PACKAGE_RENDERED)
    assert requested.delivery().state is DeliveryState.PREPARED


def test_paper_lets_an_unanswered_request_settle_and_then_says_look_first(requested: Play) -> None:
    paper_at = requested.delivery().paper_at
    destination = requested.profiles.county("vakehyva").destinations[0]
    requested.passes(seconds=(destination.settled_at(paper_at) - requested.now).total_seconds() - 1)
    assert requested.count(PackageRenderRequested) == 0
    requested.passes(seconds=1)
    (asked,) = [each for each in requested.said if isinstance(each, PackageRenderRequested)]
    assert asked.look_first


def test_once_paper_is_asked_for_no_write_is(requested: Play) -> None:
    requested.passes(days=7)
    requested.answers(Outcome.UNAVAILABLE)
    requested.passes(days=7)
    assert requested.count(DeliveryRequested) == 1
    assert requested.count(PackageRenderRequested) == 2


def test_a_package_with_a_leaver_in_it_is_made_anew_of_the_others_part(requested: Play) -> None:
    requested.passes(days=7)
    requested.hears(requested.left(requested.one))
    requested.answers(Outcome.UNAVAILABLE, reason="forgotten")
    requested.passes(seconds=10)
    assert requested.assembled[-1] == (requested.other,)
    requested.answers(Outcome.PACKAGE_RENDERED)
    assert requested.delivery().state is DeliveryState.PREPARED


def test_a_package_with_nobody_left_in_it_is_called_off(requested: Play) -> None:
    requested.passes(days=7)
    requested.hears(requested.left(requested.one), requested.left(requested.other))
    requested.answers(Outcome.UNAVAILABLE, reason="forgotten")
    requested.passes(seconds=10)
    assert requested.delivery().state is DeliveryState.CANCELLED


@pytest.fixture
def prepared(requested: Play) -> Play:
    requested.passes(days=7)
    requested.answers(Outcome.PACKAGE_RENDERED)
    return requested


def test_confirmed_before_the_package_was_released_cancels_it(prepared: Play) -> None:
    prepared.answers(Outcome.CONFIRMED, attempt=1)
    assert prepared.delivery().state is DeliveryState.CONFIRMED
    assert prepared.count(PackageRecalled) == 1


def test_a_package_that_is_rendered_after_the_confirmation_is_recalled_and_never_prepared(requested: Play) -> None:
    requested.passes(days=7)
    requested.answers(Outcome.CONFIRMED, attempt=1)
    requested.answers(Outcome.PACKAGE_RENDERED, attempt=2)
    assert requested.delivery().state is DeliveryState.CONFIRMED
    assert requested.count(PackageRecalled) == 1


def test_confirmed_although_nobody_was_left_in_it_is_a_conflict_for_a_person(requested: Play) -> None:
    requested.answers(Outcome.UNAVAILABLE)
    requested.hears(requested.left(requested.one), requested.left(requested.other))
    requested.passes(seconds=10)
    assert requested.delivery().state is DeliveryState.CANCELLED
    requested.answers(Outcome.CONFIRMED, attempt=1)
    assert requested.delivery().state is DeliveryState.CONFLICT
    assert "conflict" in requested.alarms.values()


def test_a_package_that_is_not_there_when_the_promise_is_in_danger_raises_an_alarm(a_play: Callable[..., Play]) -> None:
    play = a_play(county="lapha")
    play.hears(*play.everything())
    play.runs_what_is_due()
    play.now = play.delivery().paper_at
    play.runs_what_is_due()
    assert list(play.alarms.values()) == ["package_late"]


def test_a_package_that_is_there_by_then_raises_none(a_play: Callable[..., Play]) -> None:
    play = a_play(county="lapha")
    play.hears(*play.everything())
    play.runs_what_is_due()
    play.answers(Outcome.PACKAGE_RENDERED)
    play.now = play.delivery().paper_at
    play.runs_what_is_due()
    assert play.alarms == {}


@pytest.mark.parametrize("answer", [None, Outcome.UNAVAILABLE])
def test_a_package_in_place_of_a_system_raises_an_alarm_where_it_is_not_there_within_the_hour(
    requested: Play, answer: Outcome | None
) -> None:
    requested.answers(Outcome.REJECTED)
    requested.passes(seconds=(requested.delivery().paper_at - requested.now).total_seconds())
    assert requested.count(PackageRenderRequested) == 1
    if answer is not None:
        requested.answers(answer)
    requested.passes(minutes=59)
    assert list(requested.alarms.values()) == ["rejected"]
    requested.passes(minutes=1)
    assert list(requested.alarms.values()) == ["rejected", "package_late"]


def test_a_lost_package_that_is_not_printed_anew_within_the_hour_raises_an_alarm(a_play: Callable[..., Play]) -> None:
    play = a_play(county="lapha")
    play.hears(*play.everything())
    play.runs_what_is_due()
    play.answers(Outcome.PACKAGE_RENDERED)
    play.decide(packages.send_back, SendBack("aino", "lapha", play.delivery_id(), Why.LOST))
    play.passes(minutes=61)
    assert list(play.alarms.values()) == ["package_late"]


def test_paper_that_is_asked_for_late_is_not_late_at_once(play: Play) -> None:
    play.hears(*play.everything())
    play.now = play.delivery().paper_at
    play.runs(next(work for work in play.works.values() if work.kind == "assemble"))
    play.runs_what_is_due()
    assert play.count(PackageRenderRequested) == 1
    assert play.alarms == {}
    play.passes(hours=1)
    assert list(play.alarms.values()) == ["package_late"]


def test_what_is_not_over_when_the_promise_ends_raises_an_alarm(requested: Play) -> None:
    requested.now = requested.delivery().contact_by
    requested.runs_what_is_due()
    assert "promise_passed" in requested.alarms.values()


def test_what_is_over_when_the_promise_ends_raises_none(requested: Play) -> None:
    requested.answers(Outcome.CONFIRMED)
    requested.passes(days=30)
    assert requested.alarms == {}


def test_every_move_tells_where_from(prepared: Play) -> None:
    moves = [each for each in prepared.said if isinstance(each, DeliveryMoved)]
    assert [move.from_state for move in moves][1:] == [move.to_state for move in moves][:-1]
