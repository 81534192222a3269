"""What tests do with a real Kafka: make topics, tell, and read back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from services.chassis.tests.toy import Kept, News

from rinnan_chassis.envelope import Headers
from rinnan_chassis.hearing import Deciding, Ear, Hearer
from rinnan_chassis.relay import Relay
from rinnan_chassis.testing import Stage
from rinnan_events import Event

Told = tuple[Headers, bytes | None, bytes | None]
"""Headers, body and key of one record."""


def a_topic() -> str:
    """A name that no other test uses."""
    return f"crier_{uuid4().hex[:12]}.news.v1"


@asynccontextmanager
async def admin(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def make_topics(servers: str, *names: str) -> None:
    """Topics with six partitions; one that is there is good."""
    async with admin(servers) as client:
        for name in names:
            try:
                await client.create_topics([NewTopic(name, 6, 1)])
            except TopicAlreadyExistsError:
                continue


async def tell(servers: str, topic: str, *told: Told) -> None:
    """Put records on a topic, in this order for each key."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        sent = [await producer.send(topic, body, key=key, headers=headers) for headers, body, key in told]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def on_the_wire(stage: Stage[Kept], *events: Event) -> list[Told]:
    """Events as their speaker puts them on a topic."""
    told = [await stage.on_the_wire(event) for event in events]
    keys = [str(event.subject).encode() for event in events]
    return [(headers, body, key) for (headers, body), key in zip(told, keys, strict=True)]


async def read(servers: str, topic: str, subjects: Sequence[UUID], *, least: int, seconds: float = 15) -> list[Any]:
    """What was said of these subjects, in the order of each, once there is `least` of it."""
    wanted = {str(subject).encode() for subject in subjects}
    found: list[Any] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(seconds):
            while len(found) < least:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record for record in records if record.key in wanted]
        for records in (await consumer.getmany(timeout_ms=300)).values():
            found += [record for record in records if record.key in wanted]
    finally:
        await consumer.stop()
    return found


async def committed(servers: str, group: str, topic: str) -> int:
    """How many records of a topic a group has acknowledged."""
    async with admin(servers) as client:
        offsets = await client.list_consumer_group_offsets(group)
    kept: dict[TopicPartition, int] = {tp: meta.offset for tp, meta in offsets.items() if tp.topic == topic}
    return sum(offset for offset in kept.values() if offset > 0)


async def written(servers: str, topic: str) -> int:
    """How many records a topic has."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets([TopicPartition(topic, number) for number in range(6)])).values())
    finally:
        await consumer.stop()


class Listening(Deciding):
    """Hears a topic that no other test uses as if it were the crier's."""

    async def hear(self, records: Sequence[Any]) -> None:
        await super().hear([replace(record, topic=News.topic) for record in records])


@asynccontextmanager
async def listening(hearer: Hearer, servers: str, group: str, *topics: str) -> AsyncIterator[Ear]:
    """An instance that hears, until it is stopped in good order."""
    ear = Ear(hearer, group, {"bootstrap_servers": servers}, topics)
    running = asyncio.create_task(ear.run())
    try:
        yield ear
    finally:
        ear.stop()
        await asyncio.wait_for(running, 20)


@asynccontextmanager
async def relaying(stage: Stage[Kept], servers: str) -> AsyncIterator[Relay]:
    """A relay of the room, until it is stopped in good order."""
    relay = Relay("toy", stage.batches.database, {"bootstrap_servers": servers})
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await asyncio.wait_for(running, 30)


async def until(stage: Stage[Kept], query: str, *arguments: Any, seconds: float = 20) -> None:
    """Wait until the database says yes."""
    async with asyncio.timeout(seconds):
        while not await stage.batches.database.fetchval(query, *arguments):  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.03)


async def eventually(is_so: Callable[[], bool | Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not (answer if isinstance(answer := is_so(), bool) else await answer):  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.03)


async def crash(running: asyncio.Task[None]) -> None:
    """End a loop as a killed process ends: nothing more is done."""
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
