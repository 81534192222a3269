"""Consents taken back around the opening of the gate: nobody's part is lost by it, whatever is heard first.

A withdrawal may cross the gate: intake completes over consents that their parent has just taken back. Wherever its
time lies, it counts as a withdrawal after the gate.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from rinnan_events.adapter import Outcome
from rinnan_events.record_export import DeliveryState

if TYPE_CHECKING:
    from conftest import Play

AROUND_THE_GATE = [timedelta(hours=-3), timedelta(0), timedelta(hours=3)]


def corrections(play: Play) -> list[str]:
    assert play.state is not None
    return [one.what for one in play.state.corrections]


@pytest.mark.parametrize("after_the_gate", AROUND_THE_GATE)
@pytest.mark.parametrize("seed", range(20))
def test_while_the_delivery_is_planned_the_record_goes_without_the_withdrawer_in_every_order_of_topics(
    play: Play, seed: int, after_the_gate: timedelta
) -> None:
    withdrew = play.withdrew(play.one, at=play.completed().completed_at + after_the_gate)
    play.hears(*play.in_some_order([*play.everything(), withdrew], Random(seed)))  # noqa: S311 - an order
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    assert play.assembled == [(play.other,)]
    assert corrections(play) == []
    assert list(play.alarms.values()) == [f"went_without.{play.one}"]


@pytest.mark.parametrize("seed", range(40))
def test_once_the_record_was_asked_for_it_is_a_correction_and_never_both_nor_neither(play: Play, seed: int) -> None:
    for event in play.in_some_order([*play.everything(), play.withdrew(play.one)], Random(seed)):  # noqa: S311
        play.hears(event)
        play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    went_without = play.one not in play.assembled[-1]
    assert corrections(play) == ([] if went_without else ["withdrawal"])
    called = f"went_without.{play.one}" if went_without else f"correction.withdrawal.{play.one}"
    assert list(play.alarms.values()) == [called]
    assert play.other in play.assembled[-1]


@pytest.mark.parametrize("outcome", [Outcome.CONFIRMED, Outcome.UNAVAILABLE, Outcome.REJECTED, Outcome.UNKNOWN])
def test_whatever_became_of_the_request_a_withdrawal_cancels_nothing(requested: Play, outcome: Outcome) -> None:
    requested.answers(outcome)
    stood = requested.delivery().state
    requested.hears(requested.withdrew(requested.one))
    assert requested.delivery().state is stood
    assert corrections(requested) == ["withdrawal"]


def test_a_record_that_has_to_be_assembled_again_goes_without_whoever_withdrew_meanwhile(requested: Play) -> None:
    requested.answers(Outcome.UNAVAILABLE)
    requested.hears(requested.withdrew(requested.one))
    requested.passes(seconds=10)
    assert requested.assembled == [tuple(sorted((requested.one, requested.other))), (requested.other,)]


def test_a_withdrawal_of_an_earlier_version_takes_nothing_from_the_one_listed(play: Play) -> None:
    play.hears(*play.everything()[:-1], *play.parts(play.one, version=2), play.withdrew(play.one))
    (part, other) = play.completed().parts
    later = part.model_copy(update={"consent": 2 if part.party_id == play.one else 1})
    other = other.model_copy(update={"consent": 2 if other.party_id == play.one else 1})
    play.hears(play.completed().model_copy(update={"parts": (later, other)}))
    play.runs_what_is_due()
    assert play.assembled == [tuple(sorted((play.one, play.other)))]


def test_where_both_withdrew_nothing_is_delivered_and_a_person_is_told(play: Play) -> None:
    play.hears(*play.everything(), play.withdrew(play.one), play.withdrew(play.other))
    play.runs_what_is_due()
    assert play.path() == ["planned", "cancelled"]
    assert list(play.alarms.values()) == [f"went_without.{play.one}", "nobody_left"]


def test_where_both_withdrew_before_the_gate_was_heard_of_a_person_is_told_all_the_same(play: Play) -> None:
    play.hears(*play.everything()[:-1], play.withdrew(play.one), play.withdrew(play.other), play.completed())
    play.passes(minutes=11)
    assert play.deliveries() == []
    assert list(play.alarms.values()) == ["nobody_left"]


def test_of_whoever_withdrew_and_left_nobody_is_told(play: Play) -> None:
    play.hears(*play.everything()[:-1], play.withdrew(play.one), play.left(play.one), play.completed())
    play.runs_what_is_due()
    assert play.assembled == [(play.other,)]
    assert play.alarms == {}


def test_where_both_left_nobody_is_there_to_be_told_of(play: Play) -> None:
    play.hears(*play.everything(), play.left(play.one), play.left(play.other))
    play.runs_what_is_due()
    assert play.delivery().state is DeliveryState.CANCELLED
    assert play.alarms == {}


@pytest.mark.parametrize("seed", range(20))
def test_consents_given_again_after_the_gate_are_a_correction_in_every_order_of_topics(play: Play, seed: int) -> None:
    given_again = play.parts(play.one, version=2)[4]
    heard = [*play.everything(), play.withdrew(play.one), given_again]
    play.hears(*play.in_some_order(heard, Random(seed)))  # noqa: S311 - an order
    play.runs_what_is_due()
    assert play.assembled == [(play.other,)]
    assert corrections(play) == ["consent"]
    assert sorted(play.alarms.values()) == [f"correction.consent.{play.one}", f"went_without.{play.one}"]


def test_every_correction_rings(requested: Play) -> None:
    for version in (2, 3):
        requested.hears(requested.parts(requested.one, version=version)[4])
    assert list(requested.alarms.values()) == [f"correction.consent.{requested.one}"] * 2
