from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_events.intake import FormReopened, FormSubmitted, ProtectionNoted
from rinnan_intake.domain.state import Person
from rinnan_intake.errors import (
    ChangedElsewhere,
    Closed,
    FormIsGivenIn,
    ReopenedEnough,
    UnknownRegistration,
    WithTheCounty,
)

if TYPE_CHECKING:
    from uuid import UUID

    from conftest import Play

    Here = tuple[UUID, UUID, UUID]

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")


@pytest.fixture
def here(play: Play) -> Here:
    return play.both_are_here(AINO, BERT)


def test_a_submitted_form_is_said_with_its_version_and_its_protection(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    assert [(said.party_id, said.version) for said in play.said_of(FormSubmitted)] == [(aino, 1)]
    assert [said.version for said in play.said_of(ProtectionNoted) if said.party_id == aino] == [1, 2]


def test_submitting_twice_is_submitting_once(play: Play, here: Here) -> None:
    registration, aino, _ = here
    first, second = play.submits(registration, aino), play.submits(registration, aino)
    assert first.answer == second.answer
    assert len(play.said_of(FormSubmitted)) == 1


def test_reopening_raises_the_version(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    play.reopens(registration, aino)
    play.submits(registration, aino)
    assert [said.version for said in play.said_of(FormReopened)] == [2]
    assert [said.version for said in play.said_of(FormSubmitted)] == [1, 2]


def test_reopening_an_open_form_changes_nothing(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.reopens(registration, aino)
    assert play.said_of(FormReopened) == []


def test_a_form_can_be_given_in_fifty_times_and_the_last_one_stands(play: Play, here: Here) -> None:
    registration, aino, bert = here
    for _ in range(49):
        play.submits(registration, aino)
        play.reopens(registration, aino)
    play.submits(registration, aino)
    with pytest.raises(ReopenedEnough):
        play.reopens(registration, aino)
    assert play.states[registration].parties[aino].form_is_given_in
    play.submits(registration, bert)
    play.reopens(registration, bert)


def test_a_form_that_is_given_in_takes_no_draft(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    with pytest.raises(FormIsGivenIn):
        play.saves(registration, aino)


def test_a_draft_read_before_another_device_saved_is_refused(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.saves(registration, aino, expected=0)
    with pytest.raises(ChangedElsewhere):
        play.saves(registration, aino, expected=0)


def test_one_parents_drafts_do_not_move_the_others_revision(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.saves(registration, aino)
    assert play.states[registration].parties[bert].revision == 0


def test_nothing_is_saved_after_the_deadline(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.waits(play.states[registration].deadline - play.now + timedelta(seconds=1))
    with pytest.raises(Closed):
        play.saves(registration, aino)


def test_a_change_is_refused_once_it_shows_with_the_county(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.waits(timedelta(hours=1))
    with pytest.raises(WithTheCounty):
        play.reopens(registration, aino)


def test_a_stranger_finds_no_registration(play: Play, here: Here) -> None:
    registration, _, _ = here
    with pytest.raises(UnknownRegistration):
        play.saves(registration, uuid4())


def test_a_parent_who_is_expected_and_not_here_finds_no_registration(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    with pytest.raises(UnknownRegistration):
        play.saves(registration, play.party_of(registration, BERT))
