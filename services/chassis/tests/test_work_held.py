"""Work that a person must look at: its subject is held, and nothing else stops."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from services.chassis.tests.broker import until
from services.chassis.tests.test_working import NOTHING_LEFT, WHY, at_work, results_of
from services.chassis.tests.toy import Fetched, Kept, Rang, Secret, news, secret

from rinnan_chassis.sealing import SealBroken
from rinnan_chassis.testing import Stage
from rinnan_chassis.working import Job, Worker

pytestmark = pytest.mark.stack


async def test_a_decider_that_raises_on_a_result_leaves_the_work_stuck_and_the_subject_held(stage: Stage[Kept]) -> None:
    async def poisoned(_: Job) -> object:
        return Fetched("bad", poison=len(stage.outside.came) == 1)

    stage.outside.errand = poisoned
    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    await stage.works()
    assert [(each["subject"], each["stuck"]) for each in await stage.operations.held()] == [(subject, 1)]
    await stage.operations.release(subject, **WHY)
    assert await stage.works() == 1
    assert await results_of(stage, subject) == ("bad",)


async def test_stuck_work_that_may_not_run_twice_is_lost_when_its_subject_is_released(stage: Stage[Kept]) -> None:
    async def poisoned(_: Job) -> object:
        return Fetched("written", poison=True)

    stage.outside.errand = poisoned
    subject = uuid4()
    await stage.hears(news(subject, what="once"))
    await stage.works()
    await stage.operations.release(subject, **WHY)
    async with at_work(stage):
        await until(stage, NOTHING_LEFT)
    assert len(stage.outside.came) == 1
    assert await results_of(stage, subject) == ("lost once",)


async def test_nothing_is_due_for_a_subject_while_it_is_held(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand"), news(subject, 2, "bell"), news(subject, 3, "poison"))
    async with at_work(stage):
        await asyncio.sleep(0.3)
    assert await stage.batches.database.fetchval("select sum(fence) from work") == 0
    await stage.operations.release(subject, **WHY)
    assert await stage.works() == 2


async def test_a_bell_that_was_ringing_when_its_subject_was_held_rings_after_the_release(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 2, "bell"))
    worker = Worker(stage.batches, stage.outside)
    [leased] = await worker._lease()
    await stage.hears(news(subject, 3, "poison"))
    worker._busy["bell"] += 1
    worker._bring(leased, Rang(2))
    async with at_work(stage):
        await worker._decide([worker._results.get_nowait()])
        assert await results_of(stage, subject) == ()
        await stage.operations.release(subject, **WHY)
        await until(stage, NOTHING_LEFT)
    assert await results_of(stage, subject) == ("rang 2",)


async def test_a_destroyed_key_is_an_answer_to_work_too(stage: Stage[Kept]) -> None:
    async def open_it(job: Job) -> object:
        kept = await job.state()
        return Fetched((await job.open(kept.secret, Secret, party=party)).text)

    stage.outside.errand = open_it
    subject, party = uuid4(), uuid4()
    await stage.hears(news(subject, what="errand", party=party, secret=secret(party)))
    await stage.batches.keyring.destroy(subject, [party])
    assert await stage.works() == 1
    assert await stage.operations.held() == []


async def test_a_seal_that_is_broken_holds_its_subject_for_a_person(stage: Stage[Kept]) -> None:
    async def open_it(_: Job) -> object:
        raise SealBroken

    stage.outside.errand = open_it
    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    await stage.works()
    assert [each["stuck"] for each in await stage.operations.held()] == [1]


async def test_a_bell_planned_by_an_older_room_stops_nobody_else(stage: Stage[Kept]) -> None:
    old, new = uuid4(), uuid4()
    await stage.hears(news(old, what="bell"))
    await stage.batches.database.execute("""update work set payload = '{"hour": 3}'""")
    await stage.hears(news(new, what="bell"))
    assert await stage.works() == 1
    assert [each["subject"] for each in await stage.operations.held()] == [old]


@pytest.mark.parametrize("payload", ['{"part": {"jwe": 5}}', "null"])
async def test_work_whose_payload_cannot_be_read_holds_its_own_subject_alone(stage: Stage[Kept], payload: str) -> None:
    bad, good = uuid4(), uuid4()
    await stage.hears(news(bad, what="errand"), news(good, what="errand"))
    await stage.batches.database.execute("update work set payload = $1::jsonb where subject = $2", payload, bad)
    assert await stage.works() == 1
    assert await results_of(stage, good) == ("fetched",)
    assert [(each["subject"], each["stuck"]) for each in await stage.operations.held()] == [(bad, 1)]
