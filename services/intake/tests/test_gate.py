from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from rinnan_events.intake import FormSubmitted, RegistrationCompleted
from rinnan_intake.domain.state import Doubt, Person, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Play

    from rinnan_profiles import Profiles

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")


def test_the_registration_completes_once_both_parts_are_whole(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    assert play.said_of(RegistrationCompleted) == []
    play.completes_own_part(registration, bert)
    assert len(play.said_of(RegistrationCompleted)) == 1


def test_completion_lists_the_exact_versions_and_the_promise_of_contact(play: Play, profiles: Profiles) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.submits(registration, aino)
    play.reopens(registration, aino)
    play.consents(registration, aino, version=3)
    play.completes_own_part(registration, bert)
    play.is_screened(registration, aino)
    play.submits(registration, aino)
    completed = play.said_of(RegistrationCompleted)[0]
    parts = {part.party_id: (part.form, part.consent, part.screening) for part in completed.parts}
    assert parts == {aino: (2, 3, 1), bert: (1, 1, 1)}
    assert completed.contact_by == profiles.county("lapha").contact_by(play.now)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_order_and_repetition_of_the_same_facts_gives_the_same_end(
    fresh_play: Callable[[], Play], data: st.DataObject
) -> None:
    play = fresh_play()
    registration, aino, bert = play.both_are_here(AINO, BERT)
    facts = [
        (play.is_screened, aino, 1),
        (play.is_screened, bert, 1),
        (play.consents, aino, 1),
        (play.consents, aino, 2),
        (play.consents, bert, 1),
        (play.withdraws_consent, aino, 1),
        (play.submits, aino, None),
    ]
    order = data.draw(st.permutations([*facts, *data.draw(st.lists(st.sampled_from(facts), max_size=6))]))
    for act, party, version in order:
        act(registration, party, *([version] if version else []))
    assert play.said_of(RegistrationCompleted) == []
    play.submits(registration, bert)
    completed = play.said_of(RegistrationCompleted)
    assert [sorted((part.form, part.consent, part.screening) for part in said.parts) for said in completed] == [
        [(1, 1, 1), (1, 2, 1)]
    ]


def test_a_withdrawn_consent_shuts_the_gate(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.withdraws_consent(registration, aino)
    play.completes_own_part(registration, bert)
    assert play.said_of(RegistrationCompleted) == []


def test_a_reopened_form_shuts_the_gate(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.reopens(registration, aino)
    play.completes_own_part(registration, bert)
    assert play.said_of(RegistrationCompleted) == []


def test_after_the_gate_nothing_opens_it_again(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.withdraws_consent(registration, aino)
    play.consents(registration, aino, version=2)
    assert len(play.said_of(RegistrationCompleted)) == 1


def test_one_seat_that_is_empty_keeps_the_gate_shut(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    play.completes_own_part(registration, play.party_of(registration, AINO))
    assert play.said_of(RegistrationCompleted) == []


def test_what_was_accepted_after_the_deadline_does_not_count(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.submits(registration, bert)
    play.consents(registration, bert)
    late = play.states[registration].deadline + timedelta(seconds=1)
    play.is_screened(registration, bert, accepted_at=late)
    assert play.said_of(RegistrationCompleted) == []


def test_what_was_accepted_in_time_completes_within_the_grace(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.submits(registration, bert)
    play.consents(registration, bert)
    deadline = play.states[registration].deadline
    play.waits(deadline - play.now + timedelta(minutes=1))
    play.is_screened(registration, bert, accepted_at=deadline)
    assert len(play.said_of(RegistrationCompleted)) == 1


def test_what_was_accepted_in_time_and_heard_after_the_ending_goes_to_a_person(play: Play) -> None:
    registration, aino, _ = play.both_are_here(AINO, BERT)
    deadline = play.states[registration].deadline
    play.waits(deadline - play.now + timedelta(hours=2))
    play.is_screened(registration, aino, accepted_at=deadline)
    assert [noted.doubt for noted in play.states[registration].attention] == [Doubt.HEARD_AFTER_ENDING]
    assert [work.payload["doubt"] for work in play.planned("alarm")] == ["heard_after_ending"]


def test_both_see_with_the_county_from_the_next_full_hour_and_not_before(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.waits(timedelta(minutes=42))
    assert [play.sees(registration, aino), play.sees(registration, bert)] == [Status.OPEN, Status.OPEN]
    play.waits(timedelta(minutes=1))
    assert {play.sees(registration, aino), play.sees(registration, bert)} == {Status.WITH_THE_COUNTY}


def test_until_the_full_hour_the_answers_are_those_of_before_the_gate(
    play: Play, fresh_play: Callable[[], Play]
) -> None:
    def acts(stage: Play, *, bert_completes: bool) -> list[object]:
        registration, aino, bert = stage.both_are_here(AINO, BERT)
        stage.completes_own_part(registration, aino)
        if bert_completes:
            stage.completes_own_part(registration, bert)
        answers = [
            stage.reopens(registration, aino),
            stage.saves(registration, aino),
            stage.submits(registration, aino),
        ]
        return [answer.answer for answer in answers]

    assert acts(play, bert_completes=True) == acts(fresh_play(), bert_completes=False)


def test_a_change_between_gate_and_full_hour_is_a_correction_and_goes_to_a_person(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.reopens(registration, aino)
    play.submits(registration, aino)
    assert [said.version for said in play.said_of(FormSubmitted)] == [1, 1, 2]
    assert [{part.form for part in said.parts} for said in play.said_of(RegistrationCompleted)] == [{1}]
    assert [noted.doubt for noted in play.states[registration].attention] == [Doubt.CHANGED_AFTER_COMPLETION]


def test_while_held_a_submission_opens_no_gate_until_what_waits_was_heard(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.is_screened(registration, bert)
    play.consents(registration, bert)
    play.submits(registration, bert, held=True)
    assert play.said_of(RegistrationCompleted) == []
    play.withdraws_consent(registration, aino)
    play.waits(timedelta(0))
    assert play.said_of(RegistrationCompleted) == []


def test_how_long_a_completed_registration_is_shown_does_not_tell_the_minute_at_which_the_other_completed(
    play: Play,
) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    state = play.states[registration]
    assert state.shown_until is not None
    assert state.shown_until.minute == state.shown_until.second == 0
