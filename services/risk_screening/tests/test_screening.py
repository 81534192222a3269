"""What becomes of one parent's screening, and what its shape gives away: nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rinnan_events.opened import Route
from rinnan_events.risk_screening import CareRouteSet, ScreeningCompleted
from rinnan_profiles import Instrument
from rinnan_risk_screening import scoring
from rinnan_risk_screening.domain import OwnScreening, Registration
from rinnan_risk_screening.errors import AnsweredEnough, Closed, DeadlinePassed, WithTheCounty

if TYPE_CHECKING:
    from conftest import Play


def test_scoring_is_due_at_once_whatever_was_answered(play: Play) -> None:
    play.answers(play.one, play.mildest)
    play.answers(play.other, None)
    assert {work.due_at for work in play.works.values()} == {play.now}


def test_nothing_is_said_before_it_is_scored(play: Play) -> None:
    play.answers(play.one, play.gravest)
    assert play.said == []


def test_the_completed_screening_and_the_route_are_said_in_one_decision(play: Play) -> None:
    play.answers(play.one, play.gravest)
    decision = play.is_scored(play.one)
    assert [type(said) for said in decision.says] == [ScreeningCompleted, CareRouteSet]


def test_the_completed_screening_holds_nothing_but_ids_version_and_time() -> None:
    assert set(ScreeningCompleted.model_fields) == {"registration_id", "party_id", "version", "completed_at"}


def test_what_was_answered_rests_with_the_scoring_alone(play: Play) -> None:
    play.answers(play.one, play.gravest)
    assert play.state is not None
    assert play.state.own == {play.one: OwnScreening(received=1)}


def test_doing_it_again_is_a_new_version(play: Play) -> None:
    for answers in (play.mildest, play.gravest):
        play.answers(play.one, answers)
    play.is_scored(play.one, 2)
    assert [said.version for said in play.said] == [2, 2]


@pytest.mark.parametrize("declined", [True, False])
def test_a_screening_can_be_given_fifty_times_whatever_was_answered(play: Play, declined: bool) -> None:
    for _ in range(50):
        play.answers(play.one, play.gravest)
    with pytest.raises(AnsweredEnough):
        play.answers(play.one, None if declined else play.mildest)
    play.answers(play.other, play.mildest)
    assert play.state is not None
    assert {own.received for own in play.state.own.values()} == {50, 1}


def test_a_version_that_was_replaced_before_scoring_is_not_said(play: Play) -> None:
    play.answers(play.one, play.mildest)
    play.answers(play.one, play.gravest)
    assert play.is_scored(play.one, 1) is None


def test_the_same_score_brought_twice_is_said_once(play: Play) -> None:
    play.answers(play.one, None)
    play.is_scored(play.one)
    assert play.is_scored(play.one) is None


def test_nothing_is_received_after_the_deadline(play: Play) -> None:
    play.now = play.deadline + timedelta(seconds=1)
    with pytest.raises(DeadlinePassed):
        play.answers(play.one, None)


def test_what_was_received_in_time_is_done_from_then_however_late_it_is_scored(play: Play) -> None:
    play.now = play.deadline
    play.answers(play.one, None)
    play.now += timedelta(hours=1)
    play.is_scored(play.one)
    assert [said.completed_at for said in play.said if isinstance(said, ScreeningCompleted)] == [play.deadline]


def test_until_the_full_hour_it_is_received_as_before_the_gate(play: Play) -> None:
    play.completes()
    play.now += timedelta(minutes=42)
    assert play.answers(play.one, None).answer is None


def test_from_the_full_hour_on_nothing_is_received(play: Play) -> None:
    play.completes()
    play.now += timedelta(minutes=43)
    with pytest.raises(WithTheCounty):
        play.answers(play.one, None)


def test_a_leaver_is_forgotten_and_what_was_being_scored_is_not_said(play: Play) -> None:
    play.answers(play.one, play.gravest)
    play.leaves(play.one)
    assert play.is_scored(play.one) is None
    assert play.state is not None
    assert play.state.own == {}


def test_what_was_given_in_time_and_not_scored_at_the_ending_is_scored_and_said(play: Play) -> None:
    play.now = play.deadline
    play.answers(play.one, play.gravest)
    play.now += timedelta(hours=1)
    play.ends()
    decision = play.is_scored(play.one)
    assert [type(said) for said in decision.says] == [ScreeningCompleted, CareRouteSet]
    assert decision.says[0].completed_at == play.deadline


def test_once_that_is_said_an_ended_registration_keeps_nothing_but_that_it_ended(play: Play) -> None:
    play.answers(play.one, None)
    play.ends()
    play.is_scored(play.one)
    assert play.state == Registration(ended=True)


def test_who_leaves_an_ended_registration_before_the_scoring_is_erased(play: Play) -> None:
    play.answers(play.one, None)
    play.ends()
    play.leaves(play.one)
    assert play.is_scored(play.one) is None
    assert play.state == Registration(ended=True)


def test_an_ending_forgets_both_and_refuses_both(play: Play) -> None:
    play.answers(play.one, None)
    play.is_scored(play.one)
    play.ends()
    assert play.state == Registration(ended=True)
    with pytest.raises(Closed):
        play.answers(play.other, None)


def test_declining_leads_to_a_person(instrument: Instrument) -> None:
    assert scoring.route(instrument, scoring.pad(instrument, "fi", None)).route is Route.INDIVIDUAL_FIRST


@given(data=st.data())
def test_whatever_is_left_open_is_never_less_care_than_declining_the_whole(
    instrument: Instrument, data: st.DataObject
) -> None:
    codes = {item.id: st.sampled_from([each.code for each in instrument.responses(item)]) for item in instrument.items}
    answers = data.draw(st.fixed_dictionaries(codes))
    answers[data.draw(st.sampled_from(sorted(answers)))] = data.draw(st.sampled_from(["prefer_not", "cannot_safely"]))
    care = scoring.route(instrument, scoring.pad(instrument, "fi", answers))
    assert care.route in {Route.INDIVIDUAL_FIRST, Route.URGENT_CONTACT}


def test_the_gravest_answers_call_for_urgent_contact(play: Play) -> None:
    padded = scoring.pad(play.instrument, "fi", play.gravest)
    assert scoring.route(play.instrument, padded).route is Route.URGENT_CONTACT


def test_a_route_names_the_version_it_came_from(instrument: Instrument) -> None:
    assert scoring.route(instrument, scoring.pad(instrument, "fi", None)).instrument_version == instrument.version


@given(data=st.data())
def test_every_screening_by_one_instrument_has_one_size(instrument: Instrument, data: st.DataObject) -> None:
    codes = {item.id: st.sampled_from([each.code for each in instrument.responses(item)]) for item in instrument.items}
    some = data.draw(st.none() | st.fixed_dictionaries(codes))
    declined = scoring.pad(instrument, "fi", None).model_dump_json()
    assert len(scoring.pad(instrument, "fi", some).model_dump_json()) == len(declined)


STEPS = ("answers", "scores the oldest", "scores the newest", "leaves", "completes", "ends", "is purged")


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), min_size=4, max_size=20))
def test_in_every_order_what_was_taken_in_time_is_said_once_unless_replaced_or_erased_by_its_own_parent(
    steps: list[tuple[str, bool]], fresh: Callable[[], Play]
) -> None:
    play = fresh()
    left_with: dict[UUID, int] = {}
    for step, which in steps:
        party = play.one if which else play.other
        if step == "leaves":
            left_with.setdefault(party, len(play.said_of(party)))
        try:
            play.does(step, party)
        except Closed:
            assert party in play.gone or play.ended
    for party, version in play.taken.items():
        play.is_scored(party, version)
        said = [each.version for each in play.said_of(party)]
        assert said == sorted(set(said))
        assert len(said) == left_with.get(party, len(said))
        assert said[-1:] == [version] or party in play.gone or play.forgotten


def test_a_purge_ends_the_scoring_too(play: Play) -> None:
    play.answers(play.one, play.gravest)
    play.is_purged()
    assert play.is_scored(play.one) is None
