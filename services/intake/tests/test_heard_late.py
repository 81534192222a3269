"""What parents completed in time and intake heard only after the ending is delivered by a person, and not forgotten."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_chassis.deciding import ByHand
from rinnan_events.intake import RegistrationCompleted, RegistrationEnded
from rinnan_events.record_export import DeliveryState
from rinnan_intake.domain.attention import Deliver, TakeUp, deliver, take_up
from rinnan_intake.domain.state import Doubt, Person, Status
from rinnan_intake.errors import NothingToDeliver, StillToBeDelivered

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from conftest import Play

    from rinnan_chassis.deciding import Decision
    from rinnan_intake.domain.state import Registration
    from rinnan_profiles import Profiles

    Late = tuple[UUID, UUID, UUID]

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")
STAFF = "https://sign-in.invalid/staff#s-17"


def ends(play: Play, registration: UUID) -> None:
    play.waits(play.states[registration].deadline - play.now + timedelta(hours=1))


def ended_unheard(play: Play) -> Late:
    """Both gave their forms in; what they told the neighbours in time was not heard when it ended."""
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.submits(registration, aino)
    play.submits(registration, bert)
    ends(play, registration)
    return registration, aino, bert


def in_time(play: Play, registration: UUID) -> datetime:
    return play.states[registration].deadline


def hears_late(play: Play, registration: UUID, *parties: UUID) -> None:
    for party in parties:
        play.is_screened(registration, party, accepted_at=in_time(play, registration))
        play.consents(registration, party, accepted_at=in_time(play, registration))


def takes_up(play: Play, registration: UUID, doubt: Doubt) -> Decision[Registration] | None:
    return play.decide(take_up, TakeUp(doubt, by=STAFF), registration)


def delivers(play: Play, registration: UUID) -> Decision[Registration] | None:
    decision = play.decide(deliver, Deliver(by=STAFF), registration)
    play.waits(timedelta(0))
    return decision


@pytest.fixture
def late(play: Play) -> Late:
    registration, aino, bert = ended_unheard(play)
    hears_late(play, registration, aino, bert)
    return registration, aino, bert


def test_what_was_completed_in_time_is_not_forgotten_before_it_is_delivered(play: Play, late: Late) -> None:
    registration, _, _ = late
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []
    assert [noted.doubt for noted in play.states[registration].attention] == [
        Doubt.HEARD_AFTER_ENDING,
        Doubt.UNSETTLED_AT_PURGE,
    ]


def test_it_completes_only_when_a_person_delivers_it(play: Play, late: Late, profiles: Profiles) -> None:
    registration, aino, bert = late
    play.waits(timedelta(days=1))
    assert play.said_of(RegistrationCompleted) == []
    delivers(play, registration)
    (completed,) = play.said_of(RegistrationCompleted)
    parts = {part.party_id: (part.form, part.consent, part.screening) for part in completed.parts}
    assert parts == {aino: (1, 1, 1), bert: (1, 1, 1)}
    assert completed.contact_by == profiles.county("lapha").contact_by(play.now)


def test_who_delivered_it_is_kept(play: Play, late: Late) -> None:
    decision = delivers(play, late[0])
    assert decision is not None
    assert decision.by_hand == ByHand(STAFF, "delivered_after_ending", "heard_after_ending")
    assert [noted.settled_at for noted in play.states[late[0]].attention] == [play.now]


def test_delivered_it_is_settled_like_any_other_and_then_forgotten(play: Play, late: Late) -> None:
    registration, _, _ = late
    delivers(play, registration)
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(days=100))
    assert len(play.planned("destroy_keys")) == 1


def test_parents_are_shown_the_same_whether_it_is_delivered_or_nobody_completed(
    play: Play, fresh_play: Callable[[], Play]
) -> None:
    def shown(stage: Play, *, completed: bool) -> list[object]:
        registration, aino, bert = ended_unheard(stage)
        if completed:
            hears_late(stage, registration, aino, bert)
            delivers(stage, registration)
            stage.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED)
        seen: list[object] = []
        for hour in range(50):
            if hour == 40:
                left = stage.leaves(registration, bert)
                seen.append(left and left.answer)
            state = stage.states[registration]
            seen += [state.status_for(aino, stage.now), state.is_out_of_sight(stage.now), state.shown_until]
            stage.waits(timedelta(hours=1))
        return seen

    seen = shown(play, completed=True)
    assert seen == shown(fresh_play(), completed=False)
    assert Status.CLOSED in seen


def test_what_is_not_whole_cannot_be_delivered_and_waits_for_a_person_before_it_is_forgotten(play: Play) -> None:
    registration, aino, _ = ended_unheard(play)
    hears_late(play, registration, aino)
    with pytest.raises(NothingToDeliver):
        delivers(play, registration)
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []
    takes_up(play, registration, Doubt.HEARD_AFTER_ENDING)
    play.waits(timedelta(days=1))
    assert len(play.planned("destroy_keys")) == 1


def test_what_both_completed_cannot_be_taken_up_without_delivering_it(play: Play, late: Late) -> None:
    registration, _, _ = late
    with pytest.raises(StillToBeDelivered):
        takes_up(play, registration, Doubt.HEARD_AFTER_ENDING)


def test_it_is_delivered_once(play: Play, late: Late) -> None:
    registration, _, _ = late
    delivers(play, registration)
    with pytest.raises(NothingToDeliver):
        delivers(play, registration)
    assert len(play.said_of(RegistrationCompleted)) == 1


@pytest.mark.parametrize("act", ["leaves", "withdraws_consent"])
def test_no_act_of_the_other_stops_what_both_had_completed(play: Play, late: Late, act: str) -> None:
    registration, aino, bert = late
    getattr(play, act)(registration, aino)
    play.waits(timedelta(days=100))
    delivers(play, registration)
    assert bert in {part.party_id for part in play.said_of(RegistrationCompleted)[0].parts}


def test_where_everybody_left_there_is_nothing_to_deliver_and_once_taken_up_it_is_forgotten(
    play: Play, late: Late
) -> None:
    registration, aino, bert = late
    play.leaves(registration, aino)
    play.leaves(registration, bert)
    with pytest.raises(NothingToDeliver):
        delivers(play, registration)
    takes_up(play, registration, Doubt.HEARD_AFTER_ENDING)
    play.waits(timedelta(days=5))
    assert [work.payload.get("everything") for work in play.planned("destroy_keys")] == [None, None, True]


def test_a_consent_that_was_taken_back_in_time_keeps_the_gate_shut_when_all_is_heard_late(play: Play) -> None:
    registration, aino, bert = ended_unheard(play)
    hears_late(play, registration, aino)
    play.consents(registration, bert, accepted_at=in_time(play, registration))
    play.withdraws_consent(registration, bert, accepted_at=in_time(play, registration))
    play.is_screened(registration, bert, accepted_at=in_time(play, registration))
    with pytest.raises(NothingToDeliver):
        delivers(play, registration)


def test_every_order_in_which_it_is_heard_gives_the_same(fresh_play: Callable[[], Play]) -> None:
    ends_in: set[tuple[tuple[int, int, int], ...]] = set()
    for order in permutations(range(4)):
        play = fresh_play()
        registration, aino, bert = ended_unheard(play)
        deadline = in_time(play, registration)
        acts = [
            (play.is_screened, aino),
            (play.consents, aino),
            (play.is_screened, bert),
            (play.consents, bert),
        ]
        for number in order:
            act, party = acts[number]
            act(registration, party, accepted_at=deadline)
        delivers(play, registration)
        (completed,) = play.said_of(RegistrationCompleted)
        ends_in.add(tuple((part.form, part.consent, part.screening) for part in completed.parts))
    assert ends_in == {((1, 1, 1), (1, 1, 1))}


def test_a_person_delivers_what_became_whole_after_they_had_taken_it_up(play: Play) -> None:
    registration, aino, bert = ended_unheard(play)
    hears_late(play, registration, aino)
    takes_up(play, registration, Doubt.HEARD_AFTER_ENDING)
    hears_late(play, registration, bert)
    delivers(play, registration)
    assert len(play.said_of(RegistrationCompleted)) == 1
    assert all(noted.settled_at for noted in play.states[registration].attention)


def test_delivering_a_held_registration_says_nothing_before_it_is_released(play: Play, late: Late) -> None:
    registration, _, _ = late
    play.decide(deliver, Deliver(by=STAFF), registration)
    assert play.said_of(RegistrationCompleted) == []
    assert [work.payload for work in play.planned("gate")] == [{"after_ending": True}]


def test_whoever_ended_whole_ended_once(play: Play, late: Late) -> None:
    delivers(play, late[0])
    play.waits(timedelta(days=100))
    assert len(play.said_of(RegistrationEnded)) == 1
