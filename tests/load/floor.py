"""The floor: the same hop as bare as it can be. aiokafka and asyncpg, the same inserts in the same batches, no rules.

Each message is JSON with one string of the size of a sealed part; per batch one transaction writes inbox, state and
outbox; then the outbox is published and marked, and the offsets are committed.
"""

from __future__ import annotations

import asyncio
import json
import time
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rinnan_chassis.relay import LARGEST_REQUEST
from rinnan_chassis.topics import BATCH_BYTES
from tests.load.load import BATCH, Load

TABLES = """
create schema floor;
create table floor.inbox (source text, id text, heard_at timestamptz default now(), primary key (source, id));
create table floor.state (id uuid primary key, state jsonb);
create table floor.outbox (position bigint generated always as identity primary key, id uuid unique, subject uuid,
  topic text, record_key bytea, headers jsonb, body bytea, said_at timestamptz default now(), sent_at timestamptz);
create index outbox_waiting on floor.outbox (position) where sent_at is null;
"""


async def floor(load: Load, heard: str, said: str) -> float:
    """Seconds from the first batch to the last offset committed."""
    connection = await asyncpg.connect(load.database_url)
    await connection.execute("drop schema if exists floor cascade;" + TABLES)
    consumer = AIOKafkaConsumer(
        heard,
        bootstrap_servers=load.kafka_servers,
        group_id=f"floor-{uuid4()}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=load.kafka_servers,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        max_request_size=LARGEST_REQUEST,
    )
    await producer.start()
    await consumer.start()
    done, started = 0, None
    while done < load.events:
        found = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        records = [record for each in found.values() for record in each]
        if not records:
            continue
        started = started or time.perf_counter()
        headers = [dict(record.headers) for record in records]
        bodies = [json.loads(record.value or b"") for record in records]
        keys = [(record.key or b"").decode() for record in records]
        ids = [uuid4() for _ in records]
        told = [json.dumps([[name, value.decode()] for name, value in record.headers]) for record in records]
        async with connection.transaction():
            await connection.execute(
                """insert into floor.inbox (source, id)
                   select * from unnest($1::text[], $2::text[]) on conflict do nothing""",
                [each["ce_source"].decode() for each in headers],
                [each["ce_id"].decode() for each in headers],
            )
            states = dict(zip(keys, map(json.dumps, bodies), strict=True))
            await connection.execute(
                """insert into floor.state select * from unnest($1::uuid[], $2::jsonb[])
                   on conflict (id) do update set state = excluded.state""",
                list(states),
                list(states.values()),
            )
            await connection.execute(
                """insert into floor.outbox (id, subject, topic, record_key, headers, body)
                   select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::jsonb[], $6::bytea[])""",
                ids,
                keys,
                [said] * len(records),
                [record.key for record in records],
                told,
                [record.value for record in records],
            )
        sending = [
            await producer.send(said, record.value, key=record.key, headers=list(record.headers)) for record in records
        ]
        await asyncio.gather(*sending)
        await connection.execute("update floor.outbox set sent_at = now() where id = any($1::uuid[])", ids)
        await consumer.commit()
        done += len(records)
    elapsed = time.perf_counter() - (started or time.perf_counter())
    await consumer.stop()
    await producer.stop()
    await connection.close()
    return elapsed
