"""What a batch of one costs: CPU per event that comes alone, and beside it what no room at all could do without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rinnan_chassis.batch import Batches
from rinnan_chassis.envelope import Headers
from rinnan_chassis.hearing import Deciding, Ear
from rinnan_chassis.relay import Relay
from tests.load.hop import Case, hears_on
from tests.load.load import Load

APART = 0.1
"""Seconds between two events, so that none has company."""
WARMING = 600
"""Events that are brought quickly before anything is measured: a broker that has run a while has compiled itself."""
WINDOWS = 3

Messages = list[tuple[UUID, Headers, bytes]]


async def small_batch_cpu_ms(load: Load, batches: Batches[Case], heard: str, messages: Messages) -> float:
    """Milliseconds of CPU per event that comes alone, above what the same room costs while nothing happens.

    Counted are this process (the room, and the producer that brings the event), Kafka, and PostgreSQL with all its
    processes, by their own CPU times: whatever else the machine does is not in it. Median of a few windows, each
    less an idle window just before it.
    """
    kafka = {"bootstrap_servers": load.kafka_servers}
    hears_on(batches, heard)
    ear = Ear(Deciding(batches), f"small-{uuid4()}", kafka, [heard])
    relay = Relay(batches.schema, batches.database, kafka)
    batches.after_commit = lambda _: relay.woken.set()
    running = [asyncio.create_task(relay.run()), asyncio.create_task(ear.run())]
    producer = AIOKafkaProducer(bootstrap_servers=load.kafka_servers, acks="all")
    await producer.start()

    async def bring(message: tuple[UUID, Headers, bytes]) -> None:
        subject, headers, body = message
        await producer.send_and_wait(heard, body, key=str(subject).encode(), headers=headers)

    try:
        await asyncio.sleep(3)
        return await above_idle(bring, messages)
    finally:
        await producer.stop()
        ear.stop()
        relay.stop()
        await asyncio.gather(*running)


async def bare_cpu_ms(load: Load, heard: str, said: str, messages: Messages) -> float:
    """The floor of the same: fetch, one transaction of one insert, produce, commit the offset; no rules, no seals."""
    connection = await asyncpg.connect(load.database_url)
    await connection.execute("drop table if exists bare; create table bare (id uuid primary key, body bytea)")
    consumer = AIOKafkaConsumer(
        heard,
        bootstrap_servers=load.kafka_servers,
        group_id=f"bare-{uuid4()}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=load.kafka_servers, acks="all", enable_idempotence=True)
    await producer.start()
    await consumer.start()

    async def hear() -> None:
        while True:
            record = await consumer.getone()
            await connection.execute("insert into bare values ($1, $2)", uuid4(), record.value)
            await producer.send_and_wait(said, record.value, key=record.key, headers=list(record.headers))
            await consumer.commit()

    async def bring(message: tuple[UUID, Headers, bytes]) -> None:
        subject, headers, body = message
        await producer.send_and_wait(heard, body, key=str(subject).encode(), headers=headers)

    hearing = asyncio.create_task(hear())
    try:
        await asyncio.sleep(3)
        return await above_idle(bring, messages)
    finally:
        if hearing.done():
            hearing.result()  # it only ends by failing
        hearing.cancel()
        await consumer.stop()
        await producer.stop()
        await connection.close()


async def above_idle(bring: Callable[[Any], Awaitable[None]], messages: Messages) -> float:
    """Median milliseconds per message that `bring` brings, less what is burnt while nothing is brought."""
    costs: list[float] = []
    for message in messages[:WARMING]:
        await bring(message)
        await asyncio.sleep(APART / 5)
    for window in range(WINDOWS):
        mine = messages[WARMING + window :: WINDOWS]
        before = busy()
        await asyncio.sleep(APART * len(mine))
        idle = busy() - before
        before = busy()
        for message in mine:
            await bring(message)
            await asyncio.sleep(APART)
        costs.append((busy() - before - idle) / len(mine) * 1000)
    return median(costs)


def busy() -> float:
    """Seconds of CPU that this process and all that it started have spent so far."""
    me = psutil.Process()
    spent = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent
