"""What becomes of one parent's consents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rinnan_consent.domain import Registration, Standing
from rinnan_consent.errors import ChangedMeanwhile, Closed, DeadlinePassed, GivenEnough, WithTheCounty
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn

if TYPE_CHECKING:
    from conftest import Play

STEPS = ("gives", "withdraws", "leaves", "completes", "ends")


def test_a_parent_can_answer_although_the_opening_was_never_heard(play: Play) -> None:
    assert play.gives(play.one) == {"standing": "given", "version": 1, "revision": 1}


def test_what_is_given_is_said_with_its_version(play: Play) -> None:
    play.gives(play.one)
    (said,) = play.said
    assert isinstance(said, ConsentGiven)
    assert (said.party_id, said.version, said.given_at) == (play.one, 1, play.now)


def test_giving_again_is_a_later_version(play: Play) -> None:
    play.gives(play.one)
    play.gives(play.one, seen=1)
    assert [said.version for said in play.said if isinstance(said, ConsentGiven)] == [1, 2]


def test_consents_can_be_given_fifty_times_and_then_only_taken_back(play: Play) -> None:
    for version in range(50):
        play.gives(play.one, seen=version)
    with pytest.raises(GivenEnough):
        play.gives(play.one, seen=50)
    assert play.gives(play.other)["version"] == 1
    assert play.withdraws(play.one)["standing"] == "withdrawn"


def test_a_second_device_that_has_not_seen_the_newest_version_is_refused(play: Play) -> None:
    play.gives(play.one)
    with pytest.raises(ChangedMeanwhile):
        play.gives(play.one, seen=0)


def test_a_device_that_has_not_seen_the_withdrawal_cannot_give_over_it(play: Play) -> None:
    play.gives(play.one)
    play.withdraws(play.one)
    with pytest.raises(ChangedMeanwhile):
        play.gives(play.one, seen=1)


def test_a_withdrawal_names_the_version_it_takes_back(play: Play) -> None:
    play.gives(play.one)
    play.withdraws(play.one)
    said = play.said[-1]
    assert isinstance(said, ConsentWithdrawn)
    assert said.version == 1


def test_a_withdrawal_keeps_no_consents(play: Play) -> None:
    play.gives(play.one)
    play.withdraws(play.one)
    assert play.of(play.one).consents is None


def test_withdrawing_twice_says_it_once(play: Play) -> None:
    play.gives(play.one)
    assert play.withdraws(play.one) == play.withdraws(play.one)
    assert len([said for said in play.said if isinstance(said, ConsentWithdrawn)]) == 1


def test_what_was_withdrawn_can_be_given_again_before_the_gate(play: Play) -> None:
    play.gives(play.one)
    play.withdraws(play.one)
    assert play.gives(play.one, seen=2)["version"] == 2


def test_the_other_parents_consents_are_their_own(play: Play) -> None:
    play.gives(play.one)
    assert play.of(play.other).standing is Standing.UNANSWERED


def test_nothing_is_given_after_the_deadline(play: Play) -> None:
    play.now = play.deadline + timedelta(seconds=1)
    with pytest.raises(DeadlinePassed):
        play.gives(play.one)


def test_the_last_moment_of_the_deadline_still_counts(play: Play) -> None:
    play.now = play.deadline
    assert play.gives(play.one)["version"] == 1


def test_until_the_full_hour_the_answer_is_the_same_as_before_the_gate(play: Play) -> None:
    play.gives(play.one)
    play.gives(play.other)
    ungated = replace(play)
    play.completes()
    play.now = ungated.now = play.now + timedelta(minutes=42)
    assert play.gives(play.one, seen=1) == ungated.gives(play.one, seen=1)


def test_from_the_full_hour_on_nothing_is_given(play: Play) -> None:
    play.gives(play.one)
    play.completes()
    play.now += timedelta(minutes=43)
    with pytest.raises(WithTheCounty):
        play.gives(play.one, seen=1)


def test_a_withdrawal_after_the_gate_is_said_even_after_the_deadline(play: Play) -> None:
    play.gives(play.one)
    play.completes()
    play.now = play.deadline + timedelta(days=1)
    assert play.withdraws(play.one)["standing"] == "withdrawn"


def test_until_the_full_hour_a_withdrawal_is_answered_as_before_the_gate_and_the_own_page_tells_it(play: Play) -> None:
    play.gives(play.one)
    play.gives(play.other)
    ungated = replace(play)
    play.completes()
    play.now = ungated.now = play.now + timedelta(minutes=42)
    assert play.withdraws(play.one) == ungated.withdraws(play.one)
    assert (play.of(play.one).standing, play.of(play.other).standing) == (Standing.WITHDRAWN, Standing.GIVEN)


def test_a_withdrawal_and_the_completion_come_to_the_same_in_either_order(play: Play) -> None:
    ends: list[Any] = []
    for order in permutations(("withdraws", "completes")):
        each = replace(play)
        each.gives(each.one)
        for step in order:
            each.withdraws(each.one) if step == "withdraws" else each.completes()
        ends.append(each.state)
    assert ends[0] == ends[1]


def test_a_gate_in_the_grace_shows_nowhere_before_the_full_hour(play: Play) -> None:
    play.gives(play.one)
    play.now = play.deadline + timedelta(minutes=1)
    play.completes()
    with pytest.raises(DeadlinePassed):
        play.withdraws(play.one)


def test_a_leaver_is_forgotten_and_refused(play: Play) -> None:
    play.gives(play.one)
    play.leaves(play.one)
    assert play.state is not None
    assert play.one not in play.state.own
    with pytest.raises(Closed):
        play.gives(play.one)


def test_what_the_other_gave_stays_when_one_leaves(play: Play) -> None:
    play.gives(play.other)
    play.leaves(play.one)
    assert play.of(play.other).standing is Standing.GIVEN


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), min_size=3, max_size=20))
def test_in_every_order_what_was_taken_is_said_at_once_so_that_no_ending_can_lose_it(
    steps: list[tuple[str, bool]], fresh: Callable[[], Play]
) -> None:
    play = fresh()
    for step, which in steps:
        party, before = play.one if which else play.other, list(play.said)
        try:
            match step:
                case "gives":
                    taken = play.gives(party, seen=play.of(party).revision)
                    assert [type(said) for said in play.said[len(before) :]] == [ConsentGiven]
                    assert play.said[-1].version == taken["version"]
                case "withdraws":
                    stood = play.of(party).standing
                    play.withdraws(party)
                    said = [ConsentWithdrawn] if stood is Standing.GIVEN else []
                    assert [type(each) for each in play.said[len(before) :]] == said
                case "leaves":
                    play.leaves(party)
                case "completes":
                    play.completes()
                case _:
                    play.ends()
        except Closed:
            assert play.said == before


def test_an_ending_forgets_both_and_refuses_both(play: Play) -> None:
    play.gives(play.one)
    play.ends()
    assert play.state == Registration(ended=True)
    with pytest.raises(Closed):
        play.gives(play.other)


def test_a_purge_forgets_everything(play: Play) -> None:
    play.gives(play.one)
    play.is_purged()
    assert play.forgotten


def test_departure_and_completion_come_to_the_same_in_either_order(play: Play) -> None:
    ends: list[Any] = []
    for order in permutations(("leaves", "completes")):
        each = replace(play)
        each.gives(each.one)
        each.gives(each.other)
        for step in order:
            each.leaves(each.one) if step == "leaves" else each.completes()
        ends.append(each.state)
    assert ends[0] == ends[1]


def test_the_same_departure_heard_twice_is_once(play: Play) -> None:
    play.leaves(play.one)
    play.leaves(play.one)
    assert play.state is not None
    assert play.state.left == (play.one,)
