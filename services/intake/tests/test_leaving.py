from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_events import Sealed
from rinnan_events.intake import (
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    SingleContactRequested,
)
from rinnan_events.opened import Protection
from rinnan_events.record_export import DeliveryState
from rinnan_intake.domain import own_part
from rinnan_intake.domain.state import Doubt, Party, Person, Status
from rinnan_intake.errors import Closed, TooManyStarts, WithTheCounty

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from conftest import Play

    from rinnan_profiles import Profiles

    Here = tuple[UUID, UUID, UUID]

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")


@pytest.fixture
def here(play: Play) -> Here:
    return play.both_are_here(AINO, BERT)


def test_a_leaver_is_erased_at_once(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.saves(registration, aino)
    play.leaves(registration, aino)
    assert play.states[registration].parties[aino] == Party(person=None, left_at=play.now)
    assert [work.payload for work in play.planned("destroy_keys")] == [{"parties": [str(aino)]}]


def test_a_leaver_sees_closed_and_the_other_sees_open_until_the_deadline(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.leaves(registration, aino)
    assert (play.sees(registration, aino), play.sees(registration, bert)) == (Status.CLOSED, Status.OPEN)
    play.waits(play.states[registration].deadline - play.now)
    assert play.sees(registration, bert) is Status.OPEN


def test_leaving_twice_is_leaving_once(play: Play, here: Here) -> None:
    registration, aino, _ = here
    assert play.leaves(registration, aino).answer == play.leaves(registration, aino).answer
    assert len(play.said_of(PartyLeft)) == 1


def test_what_a_leaver_does_next_finds_it_closed(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.leaves(registration, aino)
    with pytest.raises(Closed):
        play.saves(registration, aino)


def test_a_starter_who_left_is_asked_again_when_the_other_starts(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    left = play.party_of(registration, AINO)
    play.leaves(registration, left)
    assert play.starts(BERT, AINO) == registration
    assert play.said_of(InvitationWanted)[-1].party_id not in {left, play.party_of(registration, BERT)}


def test_starting_again_after_the_other_left_asks_the_one_who_is_gone_and_awaits_nobody(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.leaves(registration, aino)
    state, said = play.states[registration], len(play.said)
    assert play.starts(BERT, AINO) == registration
    assert play.states[registration] == state
    assert [(type(each), each.party_id, each.teller_id) for each in play.said[said:]] == [
        (InvitationWanted, aino, bert)
    ]


def test_leaving_after_the_gate_leaves_the_others_part_as_it_is(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.leaves(registration, aino)
    play.waits(timedelta(hours=1))
    assert play.sees(registration, bert) is Status.WITH_THE_COUNTY
    assert play.said_of(RegistrationEnded) == []


@pytest.mark.parametrize("bert_completes", [False, True])
def test_who_leaves_and_comes_back_finds_the_same_whether_or_not_the_gate_opened(
    play: Play, here: Here, *, bert_completes: bool
) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    if bert_completes:
        play.completes_own_part(registration, bert)
    play.leaves(registration, aino)
    said = len(play.said)
    assert play.starts(AINO, BERT) == registration
    assert [type(each) for each in play.said[said:]] == [ParentJoined, ProtectionNoted, InvitationWanted]
    again = play.party_of(registration, AINO)
    assert (again == aino, play.sees(registration, again)) == (False, Status.OPEN)
    assert [noted.doubt for noted in play.states[registration].attention] == (
        [Doubt.CAME_BACK_AFTER_COMPLETION] if bert_completes else []
    )


def test_once_delivered_leaving_is_told_to_the_county(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(hours=1))
    with pytest.raises(WithTheCounty):
        play.leaves(registration, aino)


def test_whoever_took_consents_back_can_leave_when_the_record_is_delivered_without_them(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.withdraws_consent(registration, aino)
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(hours=2))
    play.leaves(registration, aino)
    assert play.states[registration].parties[aino].left_at == play.now


def test_what_a_leaver_is_answered_does_not_depend_on_the_other_asking_alone(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.asks_alone(registration, aino)
    play.asks_alone(registration, bert)
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED, aino)
    play.waits(timedelta(hours=1))
    with pytest.raises(WithTheCounty):
        play.leaves(registration, aino)


def test_asking_to_be_contacted_alone_sends_the_own_part(play: Play, here: Here, profiles: Profiles) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    play.asks_alone(registration, aino)
    asked = play.said_of(SingleContactRequested)[0]
    assert (asked.party_id, asked.form) == (aino, 1)
    assert asked.contact_by == profiles.county("lapha").contact_by(play.now)


def test_asking_alone_needs_no_form(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.asks_alone(registration, aino)
    assert play.said_of(SingleContactRequested)[0].form is None


def test_what_shields_the_parent_goes_along_as_it_was_last_saved(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    play.reopens(registration, aino)
    shielded = Sealed.of(Protection(refuge=True), party=aino)
    play.decide(own_part.save_protection, own_part.SaveProtection(aino, shielded), registration)
    play.asks_alone(registration, aino)
    noted = play.said_of(ProtectionNoted)[-1]
    assert (noted.party_id, noted.version, noted.protection) == (aino, 3, shielded)


def test_asking_alone_twice_is_asking_once(play: Play, here: Here) -> None:
    registration, aino, _ = here
    assert play.asks_alone(registration, aino).answer == play.asks_alone(registration, aino).answer
    assert len(play.said_of(SingleContactRequested)) == 1


def test_who_asked_alone_sees_with_the_county_at_the_full_hour_and_the_other_sees_open(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.asks_alone(registration, aino)
    assert play.sees(registration, aino) is Status.OPEN
    play.waits(timedelta(hours=1))
    assert (play.sees(registration, aino), play.sees(registration, bert)) == (Status.WITH_THE_COUNTY, Status.OPEN)


def test_who_has_seen_with_the_county_and_asks_alone_goes_on_seeing_it(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    play.waits(timedelta(hours=1, minutes=5))
    play.asks_alone(registration, aino)
    assert play.sees(registration, aino) is Status.WITH_THE_COUNTY


def test_who_asked_alone_is_not_part_of_a_joint_registration(play: Play, here: Here) -> None:
    registration, aino, bert = here
    play.completes_own_part(registration, aino)
    play.asks_alone(registration, aino)
    play.completes_own_part(registration, bert)
    assert play.said_of(RegistrationCompleted) == []


def test_what_the_other_is_answered_does_not_depend_on_asking_alone(play: Play, fresh_play: Callable[[], Play]) -> None:
    def bert_acts(stage: Play, *, aino_asks: bool) -> list[object]:
        registration, aino, bert = stage.both_are_here(AINO, BERT)
        if aino_asks:
            stage.asks_alone(registration, aino)
        answers = [
            stage.saves(registration, bert),
            stage.submits(registration, bert),
            stage.reopens(registration, bert),
        ]
        return [answer.answer for answer in answers]

    assert bert_acts(play, aino_asks=True) == bert_acts(fresh_play(), aino_asks=False)


def test_the_version_last_given_in_goes_along(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.submits(registration, aino)
    play.reopens(registration, aino)
    play.submits(registration, aino)
    play.reopens(registration, aino)
    play.asks_alone(registration, aino)
    assert play.said_of(SingleContactRequested)[0].form == 2


def test_after_the_ending_contact_alone_is_a_new_registration_of_one_party(play: Play, here: Here) -> None:
    registration, aino, _ = here
    play.waits(timedelta(days=15))
    with pytest.raises(Closed):
        play.asks_alone(registration, aino)
    fresh = play.asks_from_outside(AINO)
    assert [len(said.party_ids) for said in play.said_of(RegistrationOpened)] == [2, 1]
    assert play.said_of(ParentJoined)[-1].registration_id == fresh
    assert [said.registration_id for said in play.said_of(SingleContactRequested)] == [fresh]


def test_who_never_was_in_a_registration_asks_alone_and_nobody_else_is_asked(play: Play) -> None:
    registration = play.asks_from_outside(AINO)
    aino = play.party_of(registration, AINO)
    assert [type(said) for said in play.said] == [
        RegistrationOpened,
        ParentJoined,
        ProtectionNoted,
        SingleContactRequested,
        ProtectionNoted,
    ]
    assert (play.said_of(RegistrationOpened)[0].party_ids, play.said_of(InvitationWanted)) == ((aino,), [])


def test_asking_from_outside_twice_is_asking_once_until_it_closes(play: Play) -> None:
    first = play.asks_from_outside(AINO)
    assert play.asks_from_outside(AINO) == first
    assert len(play.said_of(SingleContactRequested)) == 1
    play.waits(timedelta(days=15))
    assert play.asks_from_outside(AINO) != first


def test_who_took_back_what_they_asked_from_outside_may_ask_anew_and_is_asking_once_again(play: Play) -> None:
    first = play.asks_from_outside(AINO)
    play.leaves(first, play.party_of(first, AINO))
    play.waits(timedelta(days=1))
    second = play.asks_from_outside(AINO)
    play.waits(play.states[first].deadline - play.now + timedelta(hours=2))
    assert play.states[first].ended_at is not None
    assert (play.asks_from_outside(AINO), len({first, second})) == (second, 2)
    assert len(play.said_of(SingleContactRequested)) == 2


def test_a_namesake_with_another_code_or_in_another_county_asks_for_themself(play: Play) -> None:
    asked = [
        play.asks_from_outside(AINO),
        play.asks_from_outside(Person(name="aino.hash", code="another.code")),
        play.asks_from_outside(AINO, county="pirha"),
    ]
    assert len(set(asked)) == 3


def test_so_many_askings_from_outside_open_a_day_and_no_more_whatever_was_started(
    play: Play, profiles: Profiles
) -> None:
    most = profiles.county("lapha").starts_per_day
    for _ in range(most):
        play.starts(AINO, BERT)
    for _ in range(most - 1):
        registration = play.asks_from_outside(AINO)
        play.leaves(registration, play.party_of(registration, AINO))
    last = play.asks_from_outside(AINO)
    assert play.asks_from_outside(AINO) == last
    play.leaves(last, play.party_of(last, AINO))
    with pytest.raises(TooManyStarts):
        play.asks_from_outside(AINO)
    play.waits(timedelta(days=1))
    play.asks_from_outside(AINO)


def test_who_leaves_a_pair_lets_go_of_nothing_that_was_said_of_it(play: Play, here: Here) -> None:
    registration, aino, bert = here
    said = dict(play.claims)
    for party in (aino, bert):
        play.leaves(registration, party)
    assert play.claims == said
