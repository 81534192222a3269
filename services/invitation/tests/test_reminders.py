"""Who is reminded, when, and how often: it follows the parent's own acts, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_chassis.deciding import Work
from rinnan_events.invitation import ParentReminded
from rinnan_invitation.domain.reminding import REMIND
from rinnan_profiles import Profiles

if TYPE_CHECKING:
    from conftest import Play

HOUR = timedelta(hours=1)
ACTS = ("submits", "is_screened", "consents", "withdraws", "reopens", "asks_alone", "leaves")


def hours_of(works: Iterable[Work]) -> list[datetime]:
    """The full hours in which these are due."""
    return [work.due_at.replace(minute=0, second=0) for work in works]


def test_whoever_is_here_and_not_done_is_reminded_on_the_countys_days(play: Play) -> None:
    play.begins()
    assert hours_of(play.reminders_of(play.one)) == list(play.county.reminders_at(play.deadline))


def test_reminders_follow_a_letter_to_the_contact_that_was_told(play: Play) -> None:
    play.begins()
    told = [work for work in play.planned(REMIND) if work.payload["teller_id"] == str(play.one)]
    assert hours_of(told) == list(play.county.reminders_at(play.deadline))


def test_each_reminder_has_a_moment_of_its_own_that_says_nothing_of_any_other(play: Play) -> None:
    play.begins()
    play.joins(play.other)
    seconds = {
        work.payload["message_id"]: work.due_at.minute * 60 + work.due_at.second for work in play.planned(REMIND)
    }
    assert seconds == {message_id: UUID(message_id).int % 3600 for message_id in seconds}
    assert len(set(seconds.values())) > 1


def test_reminders_move_to_the_contact_that_was_told_last(play: Play) -> None:
    play.begins()
    play.asks_again(play.one, "corrected@example.org")
    play.makes_codes()
    told = [work.payload["contact"].plain for work in play.planned(REMIND) if work.payload["teller_id"]]
    assert [contact.email for contact in told] == ["corrected@example.org"] * 2


def test_nobody_is_reminded_of_a_part_that_is_whole(play: Play) -> None:
    play.begins()
    play.is_whole(play.one)
    assert play.reminders_of(play.one) == []


@pytest.mark.parametrize("missing", ["submits", "is_screened", "consents"])
def test_whoever_lacks_one_thing_is_reminded(play: Play, missing: str) -> None:
    play.begins()
    for act in {"submits", "is_screened", "consents"} - {missing}:
        getattr(play, act)(play.one)
    assert len(play.reminders_of(play.one)) == len(play.county.reminder_days_before)


def test_consents_taken_back_are_reminded_of_again(play: Play) -> None:
    play.begins()
    play.is_whole(play.one)
    play.withdraws(play.one)
    assert play.reminders_of(play.one) != []


def test_nobody_is_reminded_after_leaving(play: Play) -> None:
    play.begins()
    play.leaves(play.one)
    assert play.reminders_of(play.one) == []


def test_nobody_is_reminded_after_asking_to_be_contacted_alone(play: Play) -> None:
    play.begins()
    play.asks_alone(play.one)
    assert play.reminders_of(play.one) == []


def test_nobody_is_reminded_of_their_part_after_the_gate_not_even_after_a_correction(play: Play) -> None:
    play.begins()
    play.joins(play.other)
    play.is_whole(play.one)
    play.is_whole(play.other)
    play.completes()
    play.reopens(play.one)
    assert play.reminders_of(play.one) == play.reminders_of(play.other) == []


def test_a_form_taken_back_is_reminded_of_again(play: Play) -> None:
    play.begins()
    play.is_whole(play.one)
    play.reopens(play.one)
    assert len(play.reminders_of(play.one)) == len(play.county.reminder_days_before)


def test_a_stage_that_was_reminded_is_never_planned_again(play: Play) -> None:
    play.begins()
    play.now = play.county.reminders_at(play.deadline)[0] + HOUR
    assert len(play.runs(REMIND)) == 2
    play.submits(play.one)
    play.reopens(play.one)
    play.joins(play.other)
    assert play.runs(REMIND) == []


def test_a_reminder_goes_to_the_newest_contact(play: Play) -> None:
    play.begins()
    play.submits(play.one)
    play.reopens(play.one)
    assert play.state is not None
    newest = play.state.of(play.one).own[-1]
    assert all(work.payload["contact"] == newest for work in play.reminders_of(play.one))


def test_both_stages_have_their_own_message_id(play: Play) -> None:
    play.begins()
    ids = [work.payload["message_id"] for work in play.planned(REMIND)]
    assert len(set(ids)) == len(ids)


def test_a_reminder_that_left_is_said(play: Play) -> None:
    play.begins()
    play.reminds(play.one)
    assert [(said.party_id, said.perhaps) for said in play.said_of(ParentReminded)] == [(play.one, False)]


def test_a_sender_that_stopped_in_the_middle_is_said_to_have_reminded_perhaps(play: Play) -> None:
    play.begins()
    play.now = play.county.reminders_at(play.deadline)[0] + HOUR
    for work in play.runs(REMIND):
        play.loses(work)
    assert {said.perhaps for said in play.said_of(ParentReminded)} == {True}
    assert play.runs(REMIND) == []


@given(acts=st.lists(st.sampled_from(ACTS), max_size=5))
def test_whether_a_parent_is_reminded_depends_on_that_parents_own_acts_alone(
    profiles: Profiles, acts: list[str], fresh: object
) -> None:
    quiet: Play = fresh()
    quiet.begins()
    quiet.joins(quiet.other)
    busy = replace(quiet, works=dict(quiet.works), claims=dict(quiet.claims), said=[])
    for act in acts:
        getattr(busy, act)(busy.one)
    assert busy.reminders_of(busy.other) == quiet.reminders_of(quiet.other) != []


@given(acts=st.lists(st.sampled_from(ACTS), max_size=5))
def test_every_act_heard_twice_comes_to_the_same(acts: list[str], fresh: object) -> None:
    once: Play = fresh()
    once.begins()
    twice = replace(once, works=dict(once.works), claims=dict(once.claims), said=[])
    for act in acts:
        getattr(once, act)(once.one)
        getattr(twice, act)(twice.one)
        getattr(twice, act)(twice.one)
    assert (once.state, once.works) == (twice.state, twice.works)
