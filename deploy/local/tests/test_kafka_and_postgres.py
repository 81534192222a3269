"""Kafka and PostgreSQL start from nothing, keep what they took, and come back after a power cut."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from rinnan_local.kafka import Kafka
from rinnan_local.postgres import Postgres

pytestmark = pytest.mark.stack


async def test_kafka_keeps_a_message_over_a_kill(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka") as kafka:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
        await admin.start()
        await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all") as producer:
            await producer.send_and_wait("kept", b"once")
        kafka.kill()
        kafka.start()
        consumer = AIOKafkaConsumer("kept", bootstrap_servers=kafka.address, auto_offset_reset="earliest")
        async with consumer:
            assert (await consumer.getone()).value == b"once"


async def test_kafka_makes_no_topic_by_use(kafka_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_servers)
    await admin.start()
    try:
        await admin.describe_topics(["never.made"])
        assert "never.made" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_postgres_keeps_a_row_over_a_kill(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.admin_url)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        postgres.kill()
        postgres.start()
        again = await asyncpg.connect(postgres.admin_url)
        assert await again.fetchval("SELECT one FROM kept") == 1
        await again.close()


async def test_postgres_is_as_durable_as_in_earnest(postgres_admin_url: str) -> None:
    connection = await asyncpg.connect(postgres_admin_url)
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()
