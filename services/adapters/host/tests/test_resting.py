"""A destination in trouble is left alone for a while, and none of its requests is lost or done twice by that."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Unavailable as NotYet
from rinnan_events.adapter import DeliveryOutcome, Outcome
from rinnan_host.breaker import FIRST_REST, IN_A_ROW, LONGEST_REST, Breaker, openness
from rinnan_host.port import Reason, Rejected, Unavailable, Unknown

if TYPE_CHECKING:
    from conftest import House

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PARALLEL = 3


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(PARALLEL)


@pytest.fixture
def resting(breaker: Breaker) -> Breaker:
    for _ in range(IN_A_ROW):
        breaker.hear(Outcome.UNAVAILABLE, NOON)
    return breaker


def full(breaker: Breaker) -> int:
    """How many requests the destination has room for at once."""
    rooms = [breaker.room() for _ in range(10 * PARALLEL)]
    entered: list[Any] = []
    try:
        for room in rooms:
            room.__enter__()
            entered.append(room)
    except NotYet:
        pass
    for room in entered:
        room.__exit__(None, None, None)
    return len(entered)


def test_so_many_times_in_a_row_away_begin_a_rest(breaker: Breaker) -> None:
    for _ in range(IN_A_ROW - 1):
        breaker.hear(Outcome.UNAVAILABLE, NOON)
    assert not breaker.rests(NOON)
    breaker.hear(Outcome.UNAVAILABLE, NOON)
    assert breaker.rests(NOON)
    assert (breaker.trouble(NOON), openness._value.get()) == ("destination_rests", 0)


def test_so_many_times_in_a_row_without_an_answer_let_one_at_a_time_through_and_no_rest_is_needed(
    breaker: Breaker,
) -> None:
    for _ in range(3 * IN_A_ROW):
        breaker.hear(Outcome.UNKNOWN, NOON)
    assert not breaker.rests(NOON)
    assert full(breaker) == 1
    assert (breaker.trouble(NOON), openness._value.get()) == ("destination_opens", 1 / PARALLEL)


@pytest.mark.parametrize("answer", [Outcome.CONFIRMED, Outcome.ALREADY_THERE, Outcome.ABSENT, Outcome.REJECTED])
def test_whoever_answers_between_is_there(breaker: Breaker, answer: Outcome) -> None:
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            breaker.hear(Outcome.UNKNOWN, NOON)
        breaker.hear(answer, NOON)
    assert breaker.trouble(NOON) is None
    assert full(breaker) == 10 * PARALLEL


def test_after_the_rest_one_at_a_time_goes_through_and_with_each_answer_one_more(resting: Breaker) -> None:
    after = NOON + FIRST_REST
    assert resting.rests(after - timedelta(seconds=1))
    assert resting.trouble(after - timedelta(seconds=1)) == "destination_rests"
    assert not resting.rests(after)
    assert resting.trouble(after) == "destination_opens"
    for window in range(1, PARALLEL + 1):
        assert full(resting) == window
        resting.hear(Outcome.CONFIRMED, after)
    assert (resting.trouble(after), openness._value.get()) == (None, 1)


def test_away_again_while_it_opens_begins_a_longer_rest_and_none_is_longer_than_the_longest(resting: Breaker) -> None:
    now, rest = NOON, FIRST_REST
    for _ in range(10):
        now += rest
        assert not resting.rests(now)
        resting.hear(Outcome.CONFIRMED, now)
        resting.hear(Outcome.UNAVAILABLE, now)
        rest = min(rest * 2, LONGEST_REST)
        assert resting.rests(now + rest - timedelta(seconds=1))
        assert full(resting) == 1


def test_once_it_was_open_again_the_next_rest_is_a_short_one(resting: Breaker) -> None:
    after = NOON + FIRST_REST
    for _ in range(PARALLEL):
        resting.hear(Outcome.CONFIRMED, after)
    for _ in range(IN_A_ROW):
        resting.hear(Outcome.UNAVAILABLE, after)
    assert not resting.rests(after + FIRST_REST)


def test_what_was_under_way_when_the_rest_began_tells_nothing_new(resting: Breaker) -> None:
    resting.hear(Outcome.UNKNOWN, NOON)
    resting.hear(Outcome.CONFIRMED, NOON)
    assert not resting.rests(NOON + FIRST_REST)
    assert full(resting) == 1


def test_room_is_given_back_whatever_happened(resting: Breaker) -> None:
    with pytest.raises(RuntimeError), resting.room():
        raise RuntimeError
    assert full(resting) == 1


async def asks_for(house: House, many: int) -> list[UUID]:
    """So many deliveries, each of a registration of its own."""
    deliveries = [uuid4() for _ in range(many)]
    for delivery in deliveries:
        asked = house.write().model_copy(update={"registration_id": uuid4(), "delivery_id": delivery})
        await house.stage.hears(asked)
    return deliveries


async def new_answers(house: House, since: int) -> list[DeliveryOutcome]:
    return (await house.answers())[since:]


@pytest.mark.stack
async def test_while_it_rests_nobody_asks_it_and_the_ledger_hears_that_it_is_away(house: House) -> None:
    house.shelf.next_write = Unavailable(Reason.UNREACHABLE)
    await asks_for(house, 30)
    said = await house.answers()
    assert len(said) == 30
    assert len(house.shelf.writes) < 30
    told = Counter((each.outcome, each.reason) for each in said)
    assert told[Outcome.UNAVAILABLE, "unreachable"] == len(house.shelf.writes) >= IN_A_ROW
    assert told[Outcome.UNAVAILABLE, "destination_rests"] == 30 - len(house.shelf.writes)


@pytest.mark.stack
async def test_a_system_that_is_there_and_answers_late_is_asked_one_at_a_time_and_never_left_alone(
    house: House,
) -> None:
    house.shelf.next_write = Unknown(Reason.TIMED_OUT)
    deliveries = await asks_for(house, 4 * IN_A_ROW)
    said = await house.answers()
    for _ in range(40):
        if len(said) == len(deliveries):
            break
        house.shelf.most_at_once = 0
        house.stage.clock.pass_by(seconds=30)
        said = await house.answers()
        assert house.shelf.most_at_once <= 1
    assert Counter(each.delivery_id for each in said) == Counter(deliveries)
    assert {each.outcome for each in said} == {Outcome.UNKNOWN}
    assert len(house.shelf.writes) == len(deliveries)


@pytest.mark.stack
async def test_a_system_that_answers_neither_a_write_nor_its_check_is_left_alone(house: House) -> None:
    house.shelf.next_write = Unknown(Reason.TIMED_OUT)
    await asks_for(house, IN_A_ROW)
    await house.answers()
    house.shelf.next_check = Unavailable(Reason.TIMED_OUT)
    await asks_for(house, 1)
    (said,) = await new_answers(house, IN_A_ROW)
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "timed_out")
    assert len(house.shelf.writes) == IN_A_ROW
    assert house.stage.outside.breaker.rests(house.stage.clock.now())


@pytest.mark.stack
async def test_a_look_rests_too(house: House) -> None:
    house.shelf.next_write = Unavailable(Reason.UNREACHABLE)
    await asks_for(house, IN_A_ROW)
    await house.answers()
    await house.stage.hears(house.find(look=1))
    (said,) = await new_answers(house, IN_A_ROW)
    assert (said.outcome, said.reason, said.look) == (Outcome.UNAVAILABLE, "destination_rests", 1)


@pytest.mark.stack
async def test_a_rest_ends_with_a_fresh_check_and_one_that_fails_begins_the_next(house: House) -> None:
    house.shelf.next_write = Unavailable(Reason.UNREACHABLE)
    await asks_for(house, IN_A_ROW)
    await house.answers()
    assert house.shelf.checks == 1
    house.shelf.next_check = Unavailable(Reason.UNREACHABLE)
    house.stage.clock.pass_by(seconds=FIRST_REST.total_seconds())
    await asks_for(house, 4)
    told = [each.reason for each in await new_answers(house, IN_A_ROW)]
    assert sorted(told) == [*["destination_rests"] * 3, "unreachable"]
    assert (house.shelf.checks, len(house.shelf.writes)) == (2, IN_A_ROW)


@pytest.mark.stack
async def test_of_many_that_waited_each_is_answered_once_and_written_at_most_once_for_each_attempt(
    house: House,
) -> None:
    house.shelf.next_write = Unavailable(Reason.UNREACHABLE)
    deliveries = await asks_for(house, 40)
    away = {each.delivery_id for each in await house.answers() if each.outcome is Outcome.UNAVAILABLE}
    assert away == set(deliveries)
    house.shelf.next_write = None
    house.shelf.writes.clear()
    house.stage.clock.pass_by(seconds=FIRST_REST.total_seconds())
    for delivery in deliveries:
        again = house.write(attempt=2).model_copy(update={"registration_id": uuid4(), "delivery_id": delivery})
        await house.stage.hears(again)
    said = await new_answers(house, 40)
    for _ in range(30):
        if len(said) >= 40:
            break
        house.stage.clock.pass_by(seconds=30)
        said = await new_answers(house, 40)
    assert Counter(each.delivery_id for each in said) == Counter(deliveries)
    assert {each.outcome for each in said} == {Outcome.CONFIRMED}
    assert len(house.shelf.writes) == 40


@pytest.mark.stack
async def test_a_refusal_of_one_record_is_an_answer_and_lets_nobody_rest(house: House) -> None:
    house.shelf.next_write = Rejected(Reason.NOT_VALID)
    await asks_for(house, 3 * IN_A_ROW)
    assert {each.outcome for each in await house.answers()} == {Outcome.REJECTED}
    assert house.shelf.writes != []


@pytest.mark.stack
async def test_a_resting_destination_is_told_to_whoever_asks_for_the_hosts_health(house: House) -> None:
    assert house.stage.outside.trouble is None
    house.shelf.next_write = Unavailable(Reason.UNREACHABLE)
    await asks_for(house, IN_A_ROW)
    await house.answers()
    assert house.stage.outside.trouble == "destination_rests"
    house.stage.clock.pass_by(seconds=FIRST_REST.total_seconds())
    assert house.stage.outside.trouble == "destination_opens"
