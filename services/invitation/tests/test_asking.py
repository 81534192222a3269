"""Asking a parent, asking again, and every way in which asking stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_events.invitation import InvitationClosed, InvitationIssued, InvitationSent
from rinnan_invitation.domain.asking import MAKE_CODE, SEND_INVITATION
from rinnan_invitation.domain.registration import LETTERS_A_DAY, LETTERS_IN_ALL, Party, Registration
from rinnan_invitation.errors import AskedEnough, AskedTooOften, Closed, NoLiveCode, NotOpen

if TYPE_CHECKING:
    from conftest import Play


def test_a_start_leads_to_one_letter(play: Play) -> None:
    play.begins()
    (letter,) = play.planned(SEND_INVITATION)
    assert (letter.due_at, letter.key) == (play.now, str(play.said_of(InvitationIssued)[0].invitation_id))


def test_a_letter_holds_contact_and_code_under_the_registrations_own_seal(play: Play) -> None:
    play.begins()
    (letter,) = play.planned(SEND_INVITATION)
    assert {letter.payload["contact"].party, letter.payload["code"].party} == {None}


def test_a_told_contact_rests_in_no_state(play: Play) -> None:
    play.begins()
    assert play.state is not None
    assert play.state.of(play.other).own == ()


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        (datetime(2026, 3, 2, 21, 0, tzinfo=UTC), datetime(2026, 3, 3, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 2, 0, tzinfo=UTC), datetime(2026, 3, 2, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 17, 59, tzinfo=UTC), datetime(2026, 3, 2, 17, 59, tzinfo=UTC)),
    ],
)
def test_no_letter_leaves_by_night(play: Play, now: datetime, leaves: datetime) -> None:
    play.now = play.opened_at = now
    play.begins()
    assert [letter.due_at for letter in play.planned(SEND_INVITATION)] == [leaves]


def test_a_letter_to_somebody_who_is_here_holds_a_code_that_opens_nothing(play: Play) -> None:
    play.opens()
    play.joins(play.one)
    play.joins(play.other)
    play.wants(play.one)
    (code,) = play.makes_codes()
    assert len(play.planned(SEND_INVITATION)) == 1
    assert (play.claims, play.said_of(InvitationIssued)) == ({}, [])
    with pytest.raises(NoLiveCode):
        play.presents(code)


def test_asking_again_sends_a_new_letter_to_the_contact_told_with_it_and_lets_the_earlier_leave(play: Play) -> None:
    play.begins()
    play.asks_again(play.one, "corrected@example.org")
    play.makes_codes()
    assert [letter.payload["contact"].plain.email for letter in play.planned(SEND_INVITATION)] == [
        "told@example.org",
        "corrected@example.org",
    ]


def test_asking_again_looks_the_same_whether_or_not_the_other_is_here(play: Play) -> None:
    play.begins()
    awaited = play.asks_again(play.one)
    play.joins(play.other)
    here = play.asks_again(play.one)
    assert (awaited.answer, awaited.says) == (here.answer, here.says)
    assert [work.kind for work in awaited.works] == [work.kind for work in here.works] == [MAKE_CODE]


def test_starts_and_resends_count_alike_and_only_so_many_leave_in_a_day(play: Play) -> None:
    play.begins()
    for _ in range(LETTERS_A_DAY - 1):
        play.wants(play.one)
    play.makes_codes()
    play.wants(play.one)
    assert (len(play.planned(SEND_INVITATION)), play.planned(MAKE_CODE)) == (LETTERS_A_DAY, [])
    with pytest.raises(AskedTooOften):
        play.asks_again(play.one)


def test_a_day_later_a_parent_may_ask_again(play: Play) -> None:
    play.begins()
    for _ in range(LETTERS_A_DAY - 1):
        play.asks_again(play.one)
    play.days_pass(1.01)
    assert play.asks_again(play.one) is not None


def test_a_parent_may_ask_only_so_often_in_all(play: Play) -> None:
    play.begins()
    for _ in range(LETTERS_IN_ALL - 1):
        play.days_pass(1.01)
        play.asks_again(play.one)
    play.days_pass(1.01)
    with pytest.raises(AskedEnough):
        play.asks_again(play.one)
    letters = len(play.planned(MAKE_CODE))
    play.wants(play.one)
    assert len(play.planned(MAKE_CODE)) == letters


def test_leaving_and_coming_back_does_not_make_starts_count_anew(play: Play) -> None:
    play.begins()
    letters = []
    for asked in range(2, LETTERS_IN_ALL + 2):
        play.days_pass(1.01)
        play.leaves(play.one)
        play.one = uuid4()
        play.joins(play.one)
        play.wants(play.one, asked=asked)
        letters.append(len(play.planned(MAKE_CODE)))
    assert letters == [*range(1, LETTERS_IN_ALL), LETTERS_IN_ALL - 1]
    with pytest.raises(AskedEnough):
        play.asks_again(play.one)


def test_the_others_asking_does_not_count_against_a_parent(play: Play) -> None:
    play.begins()
    play.joins(play.other)
    for _ in range(LETTERS_A_DAY):
        play.asks_again(play.other)
    assert play.asks_again(play.one) is not None


def test_nobody_asks_again_after_the_deadline(play: Play) -> None:
    play.begins()
    play.now = play.deadline + timedelta(seconds=1)
    with pytest.raises(NotOpen):
        play.asks_again(play.one)


def test_nobody_asks_again_before_the_opening_was_heard(play: Play) -> None:
    with pytest.raises(NotOpen):
        play.asks_again(play.one)


def test_a_leaver_cannot_ask_again(play: Play) -> None:
    play.begins()
    play.leaves(play.one)
    with pytest.raises(Closed):
        play.asks_again(play.one)


def test_the_gate_changes_nothing_in_asking_again(play: Play) -> None:
    play.begins()
    play.joins(play.other)
    before = play.asks_again(play.one)
    play.completes()
    assert play.asks_again(play.one).answer == before.answer


def test_a_leaver_is_forgotten_and_the_code_closed(play: Play) -> None:
    play.begins()
    play.leaves(play.other)
    assert play.state is not None
    assert play.state.of(play.other) == Party(left=True)
    assert play.claims == {}
    assert len(play.said_of(InvitationClosed)) == 1


def test_what_the_other_gets_goes_on_as_planned_when_one_leaves(play: Play) -> None:
    play.begins()
    before = play.planned(SEND_INVITATION)
    play.leaves(play.one)
    assert play.planned(SEND_INVITATION) == before
    assert len(play.claims) == 1


def test_a_departure_heard_before_the_opening_is_remembered(play: Play) -> None:
    play.leaves(play.other)
    play.opens()
    play.wants(play.one)
    play.makes_codes()
    assert play.said_of(InvitationIssued) == []


def test_an_ending_closes_codes_and_reminders_and_keeps_nothing(play: Play) -> None:
    play.begins()
    play.runs(SEND_INVITATION)
    play.ends()
    assert play.state == Registration(over=True)
    assert (play.works, play.claims) == ({}, {})


def test_nothing_wakes_after_an_ending(play: Play) -> None:
    play.begins()
    play.runs(SEND_INVITATION)
    play.ends()
    play.opens()
    play.wants(play.one)
    play.joins(play.one)
    assert play.state == Registration(over=True)
    assert play.works == {}


def test_a_letter_that_left_is_said(play: Play) -> None:
    play.begins()
    (issued,) = play.said_of(InvitationIssued)
    play.sends(play.other, issued.invitation_id)
    assert [said.invitation_id for said in play.said_of(InvitationSent)] == [issued.invitation_id]


def test_a_letter_that_left_is_said_also_where_its_reader_left_meanwhile(play: Play) -> None:
    play.begins()
    play.leaves(play.other)
    play.sends(play.other, play.said_of(InvitationIssued)[0].invitation_id)
    assert len(play.said_of(InvitationSent)) == 1


def test_a_purge_forgets_everything(play: Play) -> None:
    play.begins()
    play.is_purged()
    assert play.forgotten
