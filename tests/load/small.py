"""What a batch of one costs: CPU of the whole machine, Kafka and PostgreSQL included, per event that comes alone."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import psutil
from aiokafka import AIOKafkaProducer

from rinnan_chassis.batch import Batches
from rinnan_chassis.envelope import Headers
from rinnan_chassis.hearing import Deciding, Ear
from rinnan_chassis.relay import Relay
from tests.load.hop import Case
from tests.load.load import Load

APART = 0.1
"""Seconds between two events, so that none has company."""


async def small_batch_cpu_ms(
    load: Load, batches: Batches[Case], heard: str, messages: list[tuple[UUID, Headers, bytes]]
) -> float:
    """Milliseconds of CPU per event, above what the same room costs while nothing happens."""
    kafka = {"bootstrap_servers": load.kafka_servers}
    ear = Ear(Deciding(batches), f"small-{uuid4()}", kafka, [heard])
    relay = Relay(batches.schema, batches.database, kafka)
    batches.after_commit = lambda _: relay.woken.set()
    running = [asyncio.create_task(relay.run()), asyncio.create_task(ear.run())]
    producer = AIOKafkaProducer(bootstrap_servers=load.kafka_servers, acks="all")
    await producer.start()
    await asyncio.sleep(3)

    before = busy()
    await asyncio.sleep(APART * len(messages))
    idle = busy() - before

    before = busy()
    for subject, headers, body in messages:
        await producer.send_and_wait(heard, body, key=str(subject).encode(), headers=headers)
        await asyncio.sleep(APART)
    spent = busy() - before - idle

    await producer.stop()
    ear.stop()
    relay.stop()
    await asyncio.gather(*running)
    return spent / len(messages) * 1000


def busy() -> float:
    """Seconds of CPU that the machine has spent on anything."""
    times = psutil.cpu_times()
    return times.user + times.system + times.nice + times.irq + times.softirq
