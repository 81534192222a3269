"""Saying: what the outbox promises is published at least once, in order for each subject, and marked exactly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from services.chassis.tests.broker import crash, eventually, make_topics, read, relaying, until
from services.chassis.tests.toy import Answered, Kept, news, secret

from rinnan_chassis.database import lock_number
from rinnan_chassis.items import Heard
from rinnan_chassis.reading import item_of
from rinnan_chassis.relay import Relay, waves
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

ANSWERS, LETTERS = "toy.answer.v1", "toy.dead_letter.v1"
ALL_SENT = "select not exists (select from outbox where sent_at is null)"


@pytest.fixture(autouse=True)
async def topics(kafka_servers: str) -> None:
    await make_topics(kafka_servers, ANSWERS, LETTERS)


def numbers(records: list[Any], subject: UUID) -> list[int]:
    bodies = [record.value for record in records if record.key == str(subject).encode()]
    return [Answered.model_validate_json(body).number for body in bodies]


class Watched:
    """A room's database, as far as a relay uses it, that a test looks at or breaks."""

    def __init__(self, stage: Stage[Kept]) -> None:
        self._database = stage.batches.database
        self.asked: list[str] = []
        self.dies_at = "nothing"
        self.died = asyncio.Event()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._database.acquire() as connection:
            yield _WatchedConnection(self, connection)


class _WatchedConnection:
    def __init__(self, watched: Watched, connection: Any) -> None:
        self._watched = watched
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        async def ask(query: str, *arguments: Any) -> Any:
            self._watched.asked.append(query)
            if self._watched.dies_at in query:
                self._watched.died.set()
                await asyncio.Event().wait()
            return await getattr(self._connection, name)(query, *arguments)

        return ask


async def test_each_subject_is_said_of_in_order_and_each_row_marked(stage: Stage[Kept], kafka_servers: str) -> None:
    subjects = [uuid4() for _ in range(30)]
    await stage.hears(*(news(subject, number) for number in range(20) for subject in subjects), batch=True)
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)
    records = await read(kafka_servers, ANSWERS, subjects, least=600)
    assert len(records) == 600
    assert [numbers(records, subject) for subject in subjects] == [list(range(20))] * 30


async def test_a_crash_between_publishing_and_marking_says_again_under_the_same_id(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    subject = uuid4()
    await stage.hears(news(subject))
    watched = Watched(stage)
    watched.dies_at = "update outbox"
    running = asyncio.create_task(Relay("toy", watched, {"bootstrap_servers": kafka_servers}).run())  # type: ignore[arg-type]
    await asyncio.wait_for(watched.died.wait(), 15)
    await crash(running)
    assert await stage.batches.database.fetchval("select count(*) from outbox where sent_at is null") == 1
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)
    records = await read(kafka_servers, ANSWERS, [subject], least=2)
    assert len({dict(record.headers)["ce_id"] for record in records}) == 1


async def test_a_row_that_commits_late_is_still_published(stage: Stage[Kept], kafka_servers: str) -> None:
    early, late = uuid4(), uuid4()
    await stage.hears(news(early), news(late))
    database = stage.batches.database
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)
        async with database.acquire() as slow, slow.transaction():
            await slow.execute(
                """insert into outbox (id, subject, topic, record_key, headers, body)
                   select gen_random_uuid(), subject, topic, record_key, headers, body from outbox
                   where subject = $1""",
                late,
            )
            await stage.hears(news(early, 2))
            await until(stage, "select count(*) = 3 from outbox where sent_at is not null")
        await until(stage, "select count(*) = 4 from outbox where sent_at is not null")
    assert len(await read(kafka_servers, ANSWERS, [late], least=2)) == 2


async def test_after_a_row_that_failed_nothing_later_of_its_subject_goes_out_before_it(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    stuck, free = uuid4(), uuid4()
    await stage.hears(*(news(subject, number) for number in (1, 2, 3) for subject in (stuck, free)), batch=True)
    database = stage.batches.database
    body = await database.fetchval("select body from outbox where subject = $1 order by position limit 1", stuck)
    first = "position = (select min(position) from outbox where subject = $1)"
    await database.execute(f"update outbox set body = $2 where {first}", stuck, b"x" * 3_000_000)  # noqa: S608
    async with relaying(stage, kafka_servers):
        await until(stage, "select count(*) = 3 from outbox where subject = $1 and sent_at is not null", free)
        await asyncio.sleep(1.2)
        assert (
            await database.fetchval("select count(*) from outbox where subject = $1 and sent_at is not null", stuck)
            == 0
        )
        await database.execute(f"update outbox set body = $2 where {first}", stuck, body)  # noqa: S608
        await until(stage, ALL_SENT)
    records = await read(kafka_servers, ANSWERS, [stuck, free], least=6)
    assert numbers(records, stuck) == numbers(records, free) == [1, 2, 3]


async def test_two_relays_of_one_room_say_everything_once(stage: Stage[Kept], kafka_servers: str) -> None:
    subjects = [uuid4() for _ in range(10)]
    async with relaying(stage, kafka_servers), relaying(stage, kafka_servers):
        for number in range(10):
            await stage.hears(*(news(subject, number) for subject in subjects), batch=True)
        await until(stage, ALL_SENT)
    records = await read(kafka_servers, ANSWERS, subjects, least=100)
    assert [numbers(records, subject) for subject in subjects] == [list(range(10))] * 10


async def test_another_relay_takes_over_from_one_that_cannot_reach_kafka(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    subject = uuid4()
    await stage.hears(news(subject))
    async with relaying(stage, "127.0.0.1:9") as lost:
        await eventually(lambda: lost.trouble is not None)
        async with relaying(stage, kafka_servers):
            await until(stage, ALL_SENT)
    assert len(await read(kafka_servers, ANSWERS, [subject], least=1)) == 1


@pytest.mark.parametrize("why", ["another relay speaks", "kafka is away"])
async def test_a_relay_that_cannot_speak_rests_however_often_it_is_woken(
    stage: Stage[Kept], kafka_servers: str, why: str
) -> None:
    watched = Watched(stage)
    servers = kafka_servers if why == "another relay speaks" else "127.0.0.1:9"
    idle = Relay("toy", watched, {"bootstrap_servers": servers})  # type: ignore[arg-type]  # as much as it uses
    async with stage.batches.database.acquire() as other:
        if why == "another relay speaks":
            await other.execute("select pg_advisory_lock($1)", lock_number("toy/relay"))
        running = asyncio.create_task(idle.run())
        for _ in range(100):
            idle.woken.set()
            await asyncio.sleep(0.015)
        idle.stop()
        await asyncio.wait_for(running, 10)
        await other.execute("select pg_advisory_unlock_all()")
    assert 1 <= len([query for query in watched.asked if "pg_try_advisory_lock" in query]) <= 3


async def test_a_relay_with_nothing_to_say_looks_about_once_a_second(stage: Stage[Kept], kafka_servers: str) -> None:
    watched = Watched(stage)
    relay = Relay("toy", watched, {"bootstrap_servers": kafka_servers})  # type: ignore[arg-type]
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(2.5)
    relay.stop()
    await asyncio.wait_for(running, 10)
    assert len([query for query in watched.asked if "from outbox" in query]) <= 4


async def test_the_cloudevents_sdk_reads_what_is_said(stage: Stage[Kept], kafka_servers: str) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(news(subject, 4, "pass on", party=party, secret=secret(party)))
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)
    [record] = await read(kafka_servers, ANSWERS, [subject], least=1)
    event = from_binary_event(KafkaMessage(dict(record.headers), record.key, record.value))
    assert event.get_type() == Answered.type
    assert event.get_source() == "/rinnan/toy"
    assert event.get_subject() == str(subject)
    assert event.get_time() == stage.clock.now()
    assert event.get_dataschema() == f"urn:rinnan:schema:{Answered.type}"
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("causationid")
    assert event.get_data()["number"] == 4  # type: ignore[index]  # our JSON


async def test_a_dead_letter_is_said_as_sealed_as_it_came(stage: Stage[Kept], kafka_servers: str) -> None:
    subject, party = uuid4(), uuid4()
    item = await stage.item(news(subject, 1, "poison", party=party, secret=secret(party, "CANARY")))
    await stage.batches.decide([item])
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)
    [record] = await read(kafka_servers, LETTERS, [subject], least=1)
    assert item.heard is not None
    assert record.value == item.heard.body
    assert b"CANARY" not in record.value
    told = dict(record.headers)
    assert {name: told[name] for name, _ in item.heard.headers} == dict(item.heard.headers)
    assert (told["rinnan-reason"], told["rinnan-topic"]) == (b"PoisonError", b"crier.news.v1")


async def test_a_record_without_anything_is_said_as_a_dead_letter_too(stage: Stage[Kept], kafka_servers: str) -> None:
    nothing = item_of(stage.batches.handlers, Heard("crier.news.v1", [], None, None), f"nothing|{uuid4()}")
    assert nothing is not None
    await stage.batches.decide([nothing])
    async with relaying(stage, kafka_servers):
        await until(stage, ALL_SENT)


def test_a_wave_says_one_thing_of_a_subject() -> None:
    rows = [{"subject": subject, "position": place} for place, subject in enumerate("aabcab")]
    assert [[row["position"] for row in wave] for wave in waves(rows)] == [[0, 2, 3], [1, 5], [4]]
