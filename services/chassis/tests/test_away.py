"""Away: Kafka or PostgreSQL is killed in the middle and comes back. People go on where they can; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from services.chassis.tests.broker import (
    Listening,
    a_topic,
    committed,
    eventually,
    listening,
    make_topics,
    on_the_wire,
    read,
    relaying,
    tell,
    until,
)
from services.chassis.tests.toy import TOPICS, Answered, Ask, Kept, World, news, toy

from rinnan_chassis import hearing, relay
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.working import Worker
from rinnan_local.kafka import Kafka
from rinnan_local.postgres import Postgres

pytestmark = [pytest.mark.stack, pytest.mark.slow]

HANDS = ThreadPoolExecutor(1)
"""What is started dies with the thread that started it: this one lives as long as the run."""
ALL_SENT = "select not exists (select from outbox where sent_at is null)"


async def by_hand(do: Callable[[], None]) -> None:
    await asyncio.get_running_loop().run_in_executor(HANDS, do)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with Kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as started:
        yield started


async def test_while_kafka_is_away_people_go_on_and_all_is_said_and_heard_when_it_is_back(
    stage: Stage[Kept], broker: Kafka
) -> None:
    topic, subjects = a_topic(), [uuid4() for _ in range(5)]
    await make_topics(broker.address, topic, Answered.topic)
    before = await on_the_wire(stage, *(news(each, 1) for each in subjects))
    after = await on_the_wire(stage, *(news(each, 3) for each in subjects))
    async with (
        relaying(stage, broker.address) as speaking,
        listening(Listening(stage.batches), broker.address, topic, topic),
    ):
        await tell(broker.address, topic, *before)
        await until(stage, "select count(*) = 5 from outbox where sent_at is not null")
        await by_hand(broker.kill)
        for subject in subjects:
            await stage.desk.decide(Ask(uuid4(), 2), subject=subject)
        assert await stage.batches.database.fetchval("select count(*) from outbox where sent_at is null") == 5
        await eventually(lambda: speaking.trouble == "cannot_say")
        await by_hand(broker.start)
        await until(stage, ALL_SENT, seconds=30)
        await tell(broker.address, topic, *after)
        await until(stage, "select count(*) = 10 from inbox", seconds=30)
        await until(stage, ALL_SENT, seconds=30)
    for subject in subjects:
        kept = await stage.state(subject)
        assert kept is not None
        assert kept.heard == (1, 2, 3)
        records = await read(broker.address, Answered.topic, [subject], least=3)
        numbers = [Answered.model_validate_json(record.value).number for record in records]
        assert list(dict.fromkeys(numbers)) == [1, 2, 3]


class Halting(Listening):
    """Halts when a batch is decided and not yet acknowledged."""

    def __init__(self, stage: Stage[Kept]) -> None:
        super().__init__(stage.batches)
        self.decided = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def hear(self, records: Sequence[Any]) -> None:
        await super().hear(records)
        self.decided.set()
        await self.may_go_on.wait()


async def test_what_is_told_to_stop_while_kafka_is_away_stops(
    stage: Stage[Kept], broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "ANSWERED_WITHIN", 2.0)
    monkeypatch.setattr(relay, "ANSWERED_WITHIN", 2.0)
    topic, subject = a_topic(), uuid4()
    await make_topics(broker.address, topic, Answered.topic)
    halting = Halting(stage)
    async with asyncio.timeout(20):
        async with relaying(stage, broker.address), listening(halting, broker.address, topic, topic):
            await tell(broker.address, topic, *await on_the_wire(stage, news(subject)))
            await halting.decided.wait()
            await until(stage, ALL_SENT)
            await by_hand(broker.kill)
            await stage.desk.decide(Ask(uuid4(), 2), subject=subject)
            halting.may_go_on.set()
        locks = "select count(*) from pg_locks join pg_database d on d.oid = database where locktype = 'advisory'"
        assert await stage.batches.database.fetchval(f"{locks} and datname = current_database()") == 0
    assert await stage.batches.database.fetchval("select count(*) from outbox where sent_at is null") == 1


async def test_while_postgres_is_away_nothing_is_acknowledged_and_all_is_decided_when_it_is_back(
    server: Postgres, kafka_servers: str
) -> None:
    topic, subjects, world = a_topic(), [uuid4() for _ in range(5)], World()
    await make_topics(kafka_servers, topic, Answered.topic)
    async with stage_of(
        toy(), admin_url=server.admin_url, room="toy", topics=TOPICS, outside=world, says=[Answered]
    ) as stage:
        told = await on_the_wire(stage, *(news(each, number) for number in (1, 2) for each in subjects))
        errands = await on_the_wire(stage, *(news(each, 3, "errand") for each in subjects))
        worker = Worker(stage.batches, world)
        working = asyncio.create_task(worker.run())
        async with (
            relaying(stage, kafka_servers) as speaking,
            listening(Listening(stage.batches), kafka_servers, topic, topic) as ear,
        ):
            await tell(kafka_servers, topic, *told[:5])
            await until(stage, "select count(*) = 5 from inbox")
            await by_hand(server.kill)
            await tell(kafka_servers, topic, *told[5:], *errands)
            await eventually(lambda: bool(ear.trouble and speaking.trouble and worker.trouble))
            with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                await stage.desk.decide(Ask(uuid4()), subject=subjects[0])
            await asyncio.sleep(10)
            assert await committed(kafka_servers, topic, topic) == 5
            await by_hand(server.start)
            await eventually(lambda: ear.trouble is None, seconds=30)
            await until(stage, "select count(*) = 15 from inbox")
            await until(stage, ALL_SENT)
            await until(stage, "select count(*) = 5 from work where state = 'done'")
        worker.stop()
        await asyncio.wait_for(working, 10)
        kept = [await stage.state(subject) for subject in subjects]
        assert [(each.heard, each.results) for each in kept if each] == [((1, 2, 3), ("fetched",))] * 5
        assert sorted(world.came) == sorted(f"{subject}.3" for subject in subjects)
        records = await read(kafka_servers, Answered.topic, subjects, least=10)
        assert len({dict(record.headers)["ce_id"] for record in records}) == 10
