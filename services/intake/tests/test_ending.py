from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_chassis.deciding import ByHand, Context
from rinnan_events.intake import RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_events.record_export import DeliveryState
from rinnan_intake.domain.attention import TakeUp, take_up
from rinnan_intake.domain.ending import LAST_ANSWERS
from rinnan_intake.domain.state import Doubt, Person, Status, to_a_person
from rinnan_intake.errors import Closed

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from conftest import Play

    from rinnan_profiles import Profiles

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")
STAFF = "https://sign-in.invalid/staff#s-17"


def causes(play: Play, registration: UUID, aino: UUID) -> dict[str, Callable[[], object]]:
    return {
        "silence": lambda: None,
        "departure": lambda: play.leaves(registration, aino),
        "contact alone": lambda: play.asks_alone(registration, aino),
        "withdrawal": lambda: play.withdraws_consent(registration, aino),
        "reopening": lambda: (play.submits(registration, aino), play.reopens(registration, aino)),
    }


@pytest.fixture
def completed(play: Play) -> UUID:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.completes_own_part(registration, bert)
    return registration


@pytest.mark.parametrize("cause", ["silence", "departure", "contact alone", "withdrawal", "reopening"])
def test_there_is_one_ending_whatever_the_cause(play: Play, cause: str) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, bert)
    causes(play, registration, aino)[cause]()
    play.waits(play.states[registration].deadline - play.now + timedelta(hours=1))
    assert [said.model_dump(exclude={"registration_id"}).keys() for said in play.said_of(RegistrationEnded)] == [
        {"ended_at"}
    ]
    assert play.sees(registration, bert) is Status.CLOSED


def test_the_ending_waits_for_the_grace(play: Play, profiles: Profiles) -> None:
    registration = play.starts(AINO, BERT)
    play.waits(play.states[registration].deadline + profiles.county("lapha").grace - play.now - timedelta(seconds=1))
    assert play.said_of(RegistrationEnded) == []
    play.waits(timedelta(seconds=1))
    assert len(play.said_of(RegistrationEnded)) == 1


def test_a_completed_registration_does_not_end(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=30))
    assert play.said_of(RegistrationEnded) == []


def test_after_an_ending_the_pair_may_open_anew(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    play.waits(timedelta(days=15))
    assert play.starts(AINO, BERT) != registration


def test_until_the_full_hour_a_start_leads_to_the_completed_registration_and_afterwards_to_a_new_one(
    play: Play, completed: UUID
) -> None:
    assert play.starts(AINO, BERT) == completed
    play.waits(timedelta(hours=1))
    assert play.starts(AINO, BERT) != completed


def test_an_ended_registration_is_forgotten_on_its_day(play: Play, profiles: Profiles) -> None:
    registration = play.starts(AINO, BERT)
    ended = play.states[registration].deadline + profiles.county("lapha").grace
    play.waits(ended - play.now)
    parties = set(play.states[registration].parties)
    play.waits(timedelta(days=profiles.county("lapha").purge_days_after_ending) + LAST_ANSWERS)
    assert {*play.planned("destroy_keys")[0].payload["parties"]} == {*map(str, parties), None}
    play.keys_are_gone(registration, everything=True)
    assert [said.registration_id for said in play.said_of(RegistrationPurged)] == [registration]
    assert registration not in play.states


def test_nothing_is_promised_any_more_once_the_keys_are_going(play: Play, completed: UUID, profiles: Profiles) -> None:
    aino = play.party_of(completed, AINO)
    play.delivery_moves(completed, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(days=profiles.county("lapha").purge_days_after_settlement, hours=1))
    with pytest.raises(Closed):
        play.asks_alone(completed, aino)


def test_one_partys_destroyed_keys_do_not_purge_the_registration(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    play.keys_are_gone(registration, everything=False)
    assert play.said_of(RegistrationPurged) == []


def test_a_settled_registration_is_forgotten_so_many_days_after_it_settled(
    play: Play, completed: UUID, profiles: Profiles
) -> None:
    delivery = uuid4()
    play.delivery_moves(completed, delivery, DeliveryState.PLANNED)
    play.waits(timedelta(days=1))
    play.delivery_moves(completed, delivery, DeliveryState.CONFIRMED)
    play.waits(timedelta(days=profiles.county("lapha").purge_days_after_settlement) - timedelta(seconds=1))
    assert play.planned("destroy_keys") == []
    play.waits(timedelta(seconds=1))
    assert len(play.planned("destroy_keys")) == 1


def test_purge_waits_for_all_of_the_deliveries(play: Play, completed: UUID) -> None:
    play.delivery_moves(completed, uuid4(), DeliveryState.CONFIRMED)
    play.delivery_moves(completed, uuid4(), DeliveryState.CONFLICT)
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []


def test_a_cancelled_delivery_alone_settles_nothing(play: Play, completed: UUID) -> None:
    play.delivery_moves(completed, uuid4(), DeliveryState.CANCELLED)
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []


def test_an_unsettled_registration_raises_an_alarm_instead_of_being_purged(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=100))
    assert [noted.doubt for noted in play.states[completed].attention] == [Doubt.UNSETTLED_AT_PURGE]
    assert [work.payload["doubt"] for work in play.planned("alarm")] == ["unsettled_at_purge"]


def test_one_alarm_is_raised_however_long_it_takes(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=60))
    play.decide(take_up, TakeUp(Doubt.UNSETTLED_AT_PURGE, by=STAFF), completed)
    play.waits(timedelta(days=60))
    assert len(play.planned("alarm")) == 1


def test_what_is_on_its_way_within_the_promise_raises_no_alarm(play: Play) -> None:
    registration, aino, _ = play.both_are_here(AINO, BERT)
    play.waits(play.states[registration].deadline - play.now)
    play.asks_alone(registration, aino)
    play.waits(timedelta(days=4))
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED, party=aino)
    play.waits(timedelta(days=100))
    assert play.planned("alarm") == []
    assert len(play.planned("destroy_keys")) == 1


def test_a_parent_whose_delivery_is_overdue_and_who_leaves_is_forgotten(play: Play) -> None:
    registration, aino, _ = play.both_are_here(AINO, BERT)
    play.asks_alone(registration, aino)
    play.waits(timedelta(days=60))
    play.leaves(registration, aino)
    play.waits(timedelta(days=1))
    assert [work.payload.get("everything") for work in play.planned("destroy_keys")] == [None, True]


def test_what_settles_late_is_purged_all_the_same(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=100))
    play.delivery_moves(completed, uuid4(), DeliveryState.VERIFIED)
    play.waits(timedelta(days=100))
    assert len(play.planned("destroy_keys")) == 1


def test_a_request_to_be_contacted_alone_is_not_purged_before_it_is_delivered(play: Play) -> None:
    registration, aino, _ = play.both_are_here(AINO, BERT)
    play.asks_alone(registration, aino)
    play.waits(timedelta(days=100))
    assert play.planned("destroy_keys") == []
    play.delivery_moves(registration, uuid4(), DeliveryState.CONFIRMED, party=aino)
    play.waits(timedelta(days=100))
    assert len(play.planned("destroy_keys")) == 1


def test_a_doubt_that_a_person_took_up_waits_no_longer(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=100))
    play.decide(take_up, TakeUp(Doubt.UNSETTLED_AT_PURGE, by=STAFF), completed)
    assert [noted.settled_at for noted in play.states[completed].attention] == [play.now]


@pytest.mark.parametrize("doubt", [*Doubt])
def test_a_settled_registration_is_forgotten_once_no_doubt_waits_that_is_a_doubt_of_its_own(
    play: Play, completed: UUID, doubt: Doubt
) -> None:
    context = Context(play.now, play.now, completed, play.profiles)
    play.states[completed], _ = to_a_person(play.states[completed], doubt, context)
    play.delivery_moves(completed, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(days=100))
    waits = doubt is not Doubt.UNSETTLED_AT_PURGE
    assert len(play.planned("destroy_keys")) == (0 if waits else 1)
    play.decide(take_up, TakeUp(doubt, by=STAFF), completed)
    play.waits(timedelta(days=1))
    assert len(play.planned("destroy_keys")) == 1


def test_what_waits_for_a_person_past_its_day_and_the_promise_raises_an_alarm(play: Play, completed: UUID) -> None:
    play.reopens(completed, play.party_of(completed, AINO))
    play.submits(completed, play.party_of(completed, AINO))
    play.delivery_moves(completed, uuid4(), DeliveryState.CONFIRMED)
    play.waits(timedelta(days=100))
    assert [work.payload["doubt"] for work in play.planned("alarm")] == [
        "changed_after_completion",
        "unsettled_at_purge",
    ]


@pytest.mark.parametrize("doubt", [*Doubt])
def test_a_doubt_shows_neither_parent_the_registration_any_longer(play: Play, completed: UUID, doubt: Doubt) -> None:
    context = Context(play.now, play.now, completed, play.profiles)
    before = play.states[completed]
    play.states[completed], _ = to_a_person(before, doubt, context)
    play.waits(timedelta(days=100))
    assert play.states[completed].shown_until == before.shown_until
    assert play.states[completed].is_out_of_sight(play.now)


def test_who_took_a_doubt_up_is_kept(play: Play, completed: UUID) -> None:
    play.waits(timedelta(days=100))
    took = play.decide(take_up, TakeUp(Doubt.UNSETTLED_AT_PURGE, by=STAFF), completed)
    again = play.decide(take_up, TakeUp(Doubt.UNSETTLED_AT_PURGE, by=STAFF), completed)
    kept = ByHand(STAFF, "doubt_taken_up", "unsettled_at_purge")
    assert [act.by_hand if act else act for act in (took, again)] == [kept, None]


def test_what_is_whole_when_its_closing_is_due_completes_and_does_not_end(play: Play) -> None:
    registration, aino, bert = play.both_are_here(AINO, BERT)
    play.completes_own_part(registration, aino)
    play.is_screened(registration, bert)
    play.consents(registration, bert)
    play.submits(registration, bert, held=True)
    play.works.pop(next(at for at in play.works if at[0] == "gate"))
    play.waits(play.states[registration].deadline - play.now + timedelta(hours=1))
    assert (len(play.said_of(RegistrationCompleted)), play.said_of(RegistrationEnded)) == (1, [])


def test_a_move_of_a_delivery_that_neither_delivers_nor_settles_it_changes_nothing(play: Play, completed: UUID) -> None:
    delivery = uuid4()
    play.delivery_moves(completed, delivery, DeliveryState.PLANNED)
    before = play.states[completed]
    play.delivery_moves(completed, delivery, DeliveryState.REQUESTED)
    assert play.states[completed] is before
    play.delivery_moves(completed, delivery, DeliveryState.CONFIRMED)
    assert play.states[completed] != before
