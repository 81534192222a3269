"""What the hop and the floor have in common: the same messages, batches and engines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from rinnan_chassis.envelope import Headers

BATCH = 500
PARTITIONS = 6


@dataclass(frozen=True, slots=True)
class Load:
    """Where the engines are, and how much is heard."""

    kafka_servers: str
    database_url: str
    events: int
    subjects: int


async def topics(servers: str, *names: str) -> None:
    """Make topics with six partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    finally:
        await admin.close()


async def publish(load: Load, topic: str, messages: Sequence[tuple[UUID, Headers, bytes]]) -> None:
    """Put all messages on a topic before anything is measured."""
    producer = AIOKafkaProducer(bootstrap_servers=load.kafka_servers, acks="all", linger_ms=5)
    await producer.start()
    sending = [
        await producer.send(topic, body, key=str(subject).encode(), headers=headers)
        for subject, headers, body in messages
    ]
    await asyncio.gather(*sending)
    await producer.stop()


def subjects(load: Load) -> list[UUID]:
    """The random subjects that the messages speak of."""
    return [uuid4() for _ in range(load.subjects)]


def now() -> datetime:
    return datetime.now(UTC)
