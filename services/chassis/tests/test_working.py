"""Due work: run outside every transaction, never two at once for one subject, and decided on like anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from services.chassis.tests.broker import crash as stop_dead
from services.chassis.tests.broker import until
from services.chassis.tests.toy import Ask, Fetched, Kept, World, news, toy

from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.testing import Stage
from rinnan_chassis.working import Job, Worker

pytestmark = pytest.mark.stack

SOON = timedelta(seconds=0.3)
WHY = {"by": "someone", "why": "the fault is known"}


async def results_of(stage: Stage[Kept], subject: UUID) -> tuple[str, ...]:
    kept = await stage.state(subject)
    return kept.results if kept else ()


@asynccontextmanager
async def at_work(stage: Stage[Kept], world: World | None = None, **leased: Any) -> AsyncIterator[Worker]:
    """A worker of the same room, as another process would run it."""
    batches = replace(stage.batches, handlers=toy(**leased)) if leased else stage.batches
    worker = Worker(batches, world or stage.outside)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(running, 10)


async def crash(stage: Stage[Kept], **leased: Any) -> None:
    """Let a worker lease what is due, and die in the middle of it."""
    began = asyncio.Event()

    async def die(_: Job) -> object:
        began.set()
        return await asyncio.Event().wait()

    batches = replace(stage.batches, handlers=toy(**leased)) if leased else stage.batches
    running = asyncio.create_task(Worker(batches, World(die)).run())
    await asyncio.wait_for(began.wait(), 5)
    await stop_dead(running)


NOTHING_LEFT = "select not exists (select from work where state <> 'done')"


async def test_work_is_run_with_no_transaction_open_and_its_result_decided_on(stage: Stage[Kept]) -> None:
    subject = uuid4()

    async def look(job: Job) -> object:
        locked = await job.database.fetchval("select count(*) from pg_stat_activity where state like 'idle in%'")
        return Fetched(f"{locked} open")

    stage.outside.errand = look
    await stage.hears(news(subject, what="errand"))
    assert await stage.works() == 1
    assert await results_of(stage, subject) == ("0 open",)


async def test_work_planned_twice_under_one_key_is_done_once(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand"), news(subject, 1, "errand"))
    assert await stage.works() == 1
    await stage.hears(news(subject, 1, "errand"))
    assert await stage.works() == 0
    assert stage.outside.came == [f"{subject}.1"]


async def test_planning_again_moves_what_still_waits(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand"), news(subject, 1, "errand in an hour"))
    assert await stage.works() == 0
    stage.clock.pass_by(hours=1)
    assert await stage.works() == 1


async def test_cancelled_work_is_never_done(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand in an hour"), news(subject, 1, "cancel"))
    stage.clock.pass_by(hours=2)
    assert await stage.works() == 0
    assert stage.outside.came == []


async def test_while_its_world_is_away_work_waits_longer_each_time(stage: Stage[Kept]) -> None:
    async def away(_: Job) -> object:
        if len(stage.outside.came) < 3:
            raise Unavailable("away")
        return Fetched("at last")

    stage.outside.errand = away
    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    waits: list[float] = []
    for _ in range(2):
        await stage.works()
        due_at = await stage.batches.database.fetchval("select due_at from work")
        waits.append((due_at - stage.clock.now()).total_seconds())
        stage.clock.move(due_at)
    await stage.works()
    assert waits == [60, 120]
    assert await results_of(stage, subject) == ("at last",)


async def test_work_tried_often_enough_is_given_up_and_decided_on(stage: Stage[Kept]) -> None:
    async def away(_: Job) -> object:
        raise Unavailable("line_down")

    stage.outside.errand = away
    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    for _ in range(5):
        await stage.works()
        stage.clock.pass_by(hours=1)
    assert len(stage.outside.came) == 3
    assert await results_of(stage, subject) == ("gave up: line_down",)


async def test_a_bell_rings_at_its_time_and_not_before(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 5, "bell"))
    stage.clock.pass_by(seconds=-1)
    assert await stage.works() == 0
    stage.clock.pass_by(seconds=1)
    assert await stage.works() == 1
    assert await results_of(stage, subject) == ("rang 5",)


async def test_two_workers_never_run_two_rows_of_one_subject_at_once(stage: Stage[Kept]) -> None:
    inside: dict[UUID, int] = {}
    most: list[int] = []

    async def count(job: Job) -> object:
        inside[job.subject] = inside.get(job.subject, 0) + 1
        most.append(inside[job.subject])
        await asyncio.sleep(0.01)
        inside[job.subject] -= 1
        return Fetched(job.key)

    stage.outside.errand = count
    subjects = [uuid4() for _ in range(4)]
    for number in range(6):
        await stage.hears(*(news(subject, number, "errand") for subject in subjects), batch=True)
    async with at_work(stage), at_work(stage):
        await until(stage, NOTHING_LEFT)
    assert max(most) == 1
    assert len(stage.outside.came) == len(set(stage.outside.came)) == 24


async def test_the_database_itself_refuses_two_leases_of_one_subject(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand"), news(subject, 2, "errand"))
    with pytest.raises(Exception, match="work_leased"):
        await stage.batches.database.execute("update work set state = 'leased'")


async def test_work_of_one_kind_that_never_ends_leaves_other_kinds_their_workers(stage: Stage[Kept]) -> None:
    async def hang(job: Job) -> object:
        return Fetched("done") if job.kind == "once" else await asyncio.Event().wait()

    stage.outside.errand = hang
    await stage.hears(*(news(uuid4(), what="errand") for _ in range(100)), batch=True)
    running = asyncio.create_task(Worker(stage.batches, stage.outside).run())
    await until(stage, "select count(*) = 8 from work where state = 'leased'")
    subject = uuid4()
    await stage.hears(news(subject, what="once"))
    await until(stage, "select exists (select from work where kind = 'once' and state = 'done')")
    await stop_dead(running)
    assert await results_of(stage, subject) == ("done",)
    assert len(stage.outside.came) == 9


async def test_work_whose_lease_ran_out_is_run_again_under_a_higher_fence(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    await crash(stage, lease=SOON)
    async with at_work(stage):
        await until(stage, NOTHING_LEFT)
    assert await results_of(stage, subject) == ("fetched",)
    assert await stage.batches.database.fetchval("select fence from work") == 2


@pytest.mark.parametrize("when", ["while another runs it", "when another has run it"])
async def test_the_late_result_of_a_worker_that_lost_its_lease_is_dropped(stage: Stage[Kept], when: str) -> None:
    subject = uuid4()
    first, second = World(), World()
    began = {id(first): asyncio.Event(), id(second): asyncio.Event()}
    may_end = {id(first): asyncio.Event(), id(second): asyncio.Event()}

    def slowly(world: World, result: str) -> None:
        async def run(_: Job) -> object:
            began[id(world)].set()
            await may_end[id(world)].wait()
            return Fetched(result)

        world.errand = run

    slowly(first, "late")
    slowly(second, "fetched")
    await stage.hears(news(subject, what="errand"))
    async with at_work(stage, first) as late:
        await began[id(first)].wait()
        await stage.batches.database.execute("update work set lease_until = now() - interval '1 second'")
        async with at_work(stage, second):
            await began[id(second)].wait()
            for world in (first, second) if when == "while another runs it" else (second, first):
                may_end[id(world)].set()
                await asyncio.sleep(0.2)
                await late._results.join()
            await until(stage, NOTHING_LEFT)
    assert await results_of(stage, subject) == ("fetched",)


async def test_work_that_may_not_run_twice_is_lost_with_its_lease(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, what="once"))
    await crash(stage, lease=SOON)
    async with at_work(stage):
        await until(stage, NOTHING_LEFT)
    assert await results_of(stage, subject) == ("lost once",)
    assert stage.outside.came == []


@pytest.mark.parametrize("how", ["raises", "takes longer than its lease"])
async def test_work_that_may_not_run_twice_is_lost_when_it(stage: Stage[Kept], how: str) -> None:
    async def fail(_: Job) -> object:
        if how == "raises":
            raise RuntimeError("halfway")
        return await asyncio.Event().wait()

    stage.outside.errand = fail
    subject = uuid4()
    await stage.hears(news(subject, what="once"))
    async with at_work(stage, lease=SOON):
        await until(stage, NOTHING_LEFT)
    assert await results_of(stage, subject) == ("lost once",)
    assert len(stage.outside.came) == 1


async def test_a_run_is_cut_off_before_its_lease_ends(stage: Stage[Kept]) -> None:
    ended: list[float] = []

    async def too_long(_: Job) -> object:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await asyncio.Event().wait()
        finally:
            ended.append(loop.time() - began)

    stage.outside.errand = too_long
    await stage.hears(news(uuid4(), what="errand"))
    async with at_work(stage, lease=SOON):
        await until(stage, "select attempts = 1 and state = 'waiting' from work")
    assert ended
    assert ended[0] < SOON.total_seconds()


async def test_a_worker_that_is_stopped_finishes_what_runs_and_has_it_decided(stage: Stage[Kept]) -> None:
    began = asyncio.Event()

    async def slowly(_: Job) -> object:
        began.set()
        await asyncio.sleep(0.3)
        return Fetched("finished")

    subject = uuid4()
    await stage.hears(news(subject, what="errand"))
    async with at_work(stage, World(slowly)):
        await began.wait()
    assert await results_of(stage, subject) == ("finished",)


async def test_what_work_brings_for_a_forgotten_subject_is_dropped(stage: Stage[Kept]) -> None:
    subject = uuid4()

    async def forget(job: Job) -> object:
        await stage.desk.decide(Ask(uuid4(), what="forget"), subject=job.subject)
        return Fetched("too late")

    stage.outside.errand = forget
    await stage.hears(news(subject, what="errand"))
    await stage.works()
    assert await stage.state(subject) is None
    assert await stage.operations.held() == []


async def test_done_work_keeps_nothing_of_what_it_carried(stage: Stage[Kept]) -> None:
    await stage.hears(news(uuid4(), what="errand"))
    await stage.works()
    assert await stage.batches.database.fetchval("select payload::text from work") == "{}"
