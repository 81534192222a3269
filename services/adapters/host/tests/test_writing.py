"""A host that writes: one write for each attempt, and the truth about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from rinnan_events.adapter import Outcome
from rinnan_host.port import Reason, Rejected, Unavailable, Unknown, Written
from rinnan_host.samples import AINO

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack


async def test_what_was_written_is_confirmed_under_its_receipt_and_counted(house: House) -> None:
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert (said.outcome, said.receipt, said.effects, said.attempt) == (Outcome.CONFIRMED, "Task/1", 1, 1)


async def test_the_key_is_the_registrations_and_the_partys_own(house: House) -> None:
    await house.stage.hears(house.write(party_id=AINO))
    await house.answers()
    (key,) = house.shelf.writes
    assert (key.registration_id, key.party_id, key.county) == (house.registration, AINO, "vakehyva")


async def test_the_same_request_heard_again_writes_nothing_more(house: House) -> None:
    for _ in range(3):
        await house.stage.hears(house.write())
    assert len(await house.answers()) == 1
    assert len(house.shelf.writes) == 1


async def test_another_destinations_request_leaves_nothing(house: House) -> None:
    foreign = house.write().model_copy(update={"destination": "pirha-cis"})
    with pytest.raises(LookupError):
        await house.stage.item(foreign)
    assert await house.stage.batches.database.fetchval("select count(*) from inbox") == 0


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Rejected(Reason.NOT_VALID), Outcome.REJECTED),
        (Unavailable(Reason.UNREACHABLE), Outcome.UNAVAILABLE),
        (Unknown(Reason.TIMED_OUT), Outcome.UNKNOWN),
    ],
)
async def test_what_the_far_side_did_is_told_by_its_class_and_logged(
    house: House, result: Any, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    house.shelf.next_write = result
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (outcome, result.reason.value)
    (line,) = (vars(record) for record in caplog.records if record.message == "not_delivered")
    assert (line["subject"], line["kind"], line["reason"]) == (str(house.registration), outcome, said.reason)


async def test_an_unanswered_write_settles_after_its_lease_and_what_the_system_declares(house: House) -> None:
    house.shelf.next_write = Unknown(Reason.TIMED_OUT)
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    destination = house.here.destination
    assert said.settles_at == house.stage.clock.now() + destination.lease + destination.settle_after


@pytest.mark.parametrize("fault", [RuntimeError("a far side's own words"), KeyError("x")])
async def test_an_adapter_that_raises_has_perhaps_written(house: House, fault: Exception) -> None:
    house.shelf.next_write = fault
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert said.outcome is Outcome.UNKNOWN
    assert "own words" not in said.model_dump_json()
    assert len(house.shelf.writes) == 1


async def test_an_adapter_that_outlasts_its_own_word_has_perhaps_written(house: House) -> None:
    house.shelf.hangs = True
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (Outcome.UNKNOWN, "timed_out")
    assert len(house.shelf.writes) == 1


async def test_a_write_whose_lease_ran_out_is_never_run_again(house: House) -> None:
    await house.stage.hears(house.write())
    await house.stage.batches.database.execute(
        "update work set state = 'leased', fence = 1, attempts = 1, lease_until = now() - interval '1 second'"
    )
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (Outcome.UNKNOWN, "lease_ran_out")
    assert said.settles_at == house.stage.clock.now() + house.here.destination.settle_after
    assert house.shelf.writes == []


async def test_a_write_does_not_begin_after_its_time(house: House) -> None:
    await house.stage.hears(house.write(write_by=house.stage.clock.now() + timedelta(hours=1)))
    house.stage.clock.pass_by(hours=1)
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "asked_too_late")
    assert house.shelf.writes == []


async def test_nothing_is_written_to_a_system_that_fails_its_check(house: House) -> None:
    house.shelf.next_check = Rejected(Reason.NOT_CAPABLE)
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "not_capable")
    assert house.shelf.writes == []


async def test_a_good_check_is_believed(house: House) -> None:
    for attempt in (1, 2, 3):
        await house.stage.hears(house.write(attempt))
    await house.answers()
    assert (house.shelf.checks, len(house.shelf.writes)) == (1, 3)


@pytest.mark.parametrize("party", [None, AINO])
async def test_what_was_forgotten_meanwhile_is_certainly_not_written(house: House, party: UUID | None) -> None:
    await house.stage.hears(house.write(party_id=party))
    await house.stage.batches.keyring.destroy(house.registration, [party])
    (said,) = await house.answers()
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "forgotten")
    assert house.shelf.writes == []


async def test_no_more_writes_run_at_once_than_the_system_takes(house: House) -> None:
    for _ in range(12):
        await house.stage.hears(house.write().model_copy(update={"registration_id": uuid4(), "delivery_id": uuid4()}))
    assert len(await house.answers()) == 12
    assert house.shelf.most_at_once == 2


async def test_a_look_tells_what_stands_there_and_writes_nothing(house: House) -> None:
    await house.stage.hears(house.find(look=1))
    await house.answers()
    await house.stage.hears(house.write())
    await house.answers()
    await house.stage.hears(house.find(look=2))
    first, _, second = await house.answers()
    assert (first.outcome, first.look) == (Outcome.ABSENT, 1)
    assert (second.outcome, second.look, second.receipt) == (Outcome.ALREADY_THERE, 2, "Task/1")
    assert len(house.shelf.writes) == 1


async def test_two_effects_are_told_as_they_are_counted(house: House) -> None:
    house.shelf.next_write = Written("Task/1", 2)
    await house.stage.hears(house.write())
    (said,) = await house.answers()
    assert said.effects == 2
